"""Targets for what people, peers and files spell: names, patterns, filters, facets, addresses."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from byway.errors import SetupError, StatementError
from byway.node_address import parse_node_address
from byway.protocol import canonical
from byway.protocol.address import parse_address, parse_listen_address
from byway.protocol.calendar_text import parse_day, parse_instant
from byway.protocol.currencies import format_amount, parse_amount
from byway.protocol.decimals import parse_decimal, parse_units
from byway.protocol.degrees import parse_degrees
from byway.protocol.descriptions import describe
from byway.protocol.facets import Facet, parse_facet, parse_facets
from byway.protocol.filter import Filter, parse_filter
from byway.protocol.filter_text import format_filter, parse_filter_text
from byway.protocol.intentcast import Cast
from byway.protocol.limits import MAX_BODY_BYTES, MAX_FRAME_BYTES
from byway.protocol.topic import Topic, TopicPattern
from byway.protocol.urn import parse_urn
from byway.topic_text import parse_pattern_text, parse_topic_text
from intentron.cli.price import read_price
from intentron.facet_text import facets_from_values, parse_facet_text, parse_value_text
from tests.fuzz.verdicts import Target, as_text, taken
from tests.vectors.example_deal import the_cast

_PETNAMES: Final = {"condos": "urn:byway:topic:open:homes:boston:condo", "food": f"urn:byway:topic:{'a' * 52}:food"}
_FACETS: Final = Cast.from_statement(the_cast()).facets


def urn(data: bytes) -> None:
    """One spelling: what is read is written back the same."""
    text = as_text(data)
    parsed, _ = taken(partial(parse_urn, text), "bad-urn")
    if parsed is not None:
        assert parsed.text == text
        assert text.isascii()
    topic, _ = taken(partial(Topic.parse, text), "bad-urn")
    assert (topic is not None) == (parsed is not None and parsed.kind == "topic")


def pattern(data: bytes) -> None:
    """A pattern, and after a space the topic that it is tried on."""
    text, _, other = as_text(data).partition(" ")
    parsed, _ = taken(partial(TopicPattern.parse, text), "bad-pattern")
    topic, _ = taken(partial(Topic.parse, other), "bad-urn")
    if parsed is not None:
        assert parsed.text == text
        if topic is not None:
            assert parsed.matches(topic) in {True, False}


def topic_text(data: bytes) -> None:
    """A topic or a pattern as people type it.  What names none is told how it may be meant, in one line."""
    text = as_text(data)
    for petnames in (None, _PETNAMES):
        topic, _ = taken(partial(parse_topic_text, text, petnames), "bad-urn")
        if topic is not None:
            assert Topic.parse(topic).urn == topic
        pattern_text, _ = taken(partial(parse_pattern_text, text, petnames), "bad-pattern")
        if pattern_text is not None:
            assert TopicPattern.parse(pattern_text).text == pattern_text


def filter_expression(data: bytes) -> None:
    """The wire form, as a Subscribe brings it: what is read is written back the same, and can be evaluated."""
    value = _value(data)
    if value is not None:
        parsed, _ = taken(partial(parse_filter, value), "bad-filter")
        if parsed is not None:
            assert parsed.wire() == value
            _use(parsed)


def filter_text(data: bytes) -> None:
    """The subset of CEL that people write."""
    parsed, _ = taken(partial(parse_filter_text, as_text(data)), "bad-filter", brief=False)
    if parsed is not None:
        _use(parsed)


def facet(data: bytes) -> None:
    """The wire form of one facet, or of a map of them."""
    value = _value(data)
    if isinstance(value, dict):
        taken(partial(parse_facets, value), "bad-facet", "bad-body")
        return
    parsed, _ = taken(partial(parse_facet, value), "bad-facet")
    if parsed is not None:
        assert parsed.wire() == value
        assert describe(parsed)


def facet_text(data: bytes) -> None:
    """What stands in flags and files: with a name, alone, and in a table."""
    text = as_text(data)
    named, _ = taken(partial(parse_facet_text, text), "bad-facet")
    parsed, _ = taken(partial(parse_value_text, text), "bad-facet")
    taken(partial(facets_from_values, {"beds": text, text[:40]: [text]}), "bad-facet")
    for found in ([parsed] if parsed else []) + ([named[1]] if named else []):
        _check_facet(found)


def address(data: bytes) -> None:
    """Where to dial, where to listen, and where a node is."""
    text = as_text(data)
    taken(partial(parse_listen_address, text), "bad-body")
    parsed, _ = taken(partial(parse_address, text), "bad-body")
    if parsed is not None:
        assert 1 <= parsed.port <= 65_535
        assert parsed.host.isascii()
    taken(partial(parse_node_address, text), "bad-request", "settings-bad-value", error=SetupError, brief=False)


def number(data: bytes) -> None:
    """The small readers that the others are made of: decimals, degrees, days, instants."""
    text = as_text(data)
    for parse in (parse_decimal, parse_degrees, parse_day, parse_instant):
        taken(partial(parse, text), "bad-facet")
    taken(partial(parse_units, text, 3), "bad-facet")


def price(data: bytes) -> None:
    """An amount and its currency: as a flag says it, and the amount alone, in minor units."""
    text = as_text(data)
    amount, _, currency = text.rpartition(" ")
    minor, _ = taken(partial(parse_amount, amount, currency), "bad-facet")
    if minor is not None:
        assert parse_amount(format_amount(minor, currency), currency) == minor
    found, _ = taken(partial(read_price, text), "bad-request", error=SetupError, brief=False)
    if found is not None:
        assert read_price(" ".join(found)) == found
        assert format_amount(parse_amount(*found), found[1]) == found[0]


def _use(parsed: Filter) -> None:
    assert parsed.evaluate(_FACETS) in {True, False, None}
    assert parsed.evaluate({}) in {True, False, None}
    written, again = format_filter(parsed), ""
    reread, refused = taken(partial(parse_filter_text, written), "bad-filter", brief=False)
    if reread is not None:  # a filter can be within the limits while its text is not
        again = format_filter(reread)
        assert again == written
        assert reread.evaluate(_FACETS) is parsed.evaluate(_FACETS)
    else:
        assert refused


def _check_facet(parsed: Facet) -> None:
    assert parse_facet(parsed.wire()) == parsed
    assert canonical.encode(parsed.wire())
    shown = describe(parsed)
    assert shown


def _value(data: bytes) -> Any:
    try:
        return canonical.decode(data, max_bytes=min(MAX_BODY_BYTES, MAX_FRAME_BYTES))
    except StatementError:
        return None


TARGETS: Final[dict[str, Target]] = {
    "urn": urn,
    "pattern": pattern,
    "topic-text": topic_text,
    "filter": filter_expression,
    "filter-text": filter_text,
    "facet": facet,
    "facet-text": facet_text,
    "address": address,
    "number": number,
    "price": price,
}
