"""The checker's own readers agree with the byway's on whatever hypothesis finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from byway.errors import StatementError
from byway.protocol import canonical, merkle
from byway.protocol.bodies import body_of
from byway.protocol.facets import Facet, parse_facet
from byway.protocol.filter import Filter, parse_expression
from byway.protocol.statement import Kind, Statement, parse_statement
from byway.protocol.topic import Topic, TopicPattern
from byway.protocol.urn import parse_urn
from tests.checker import canonical_form
from tests.checker import merkle as own_merkle
from tests.checker.facets import BadFacetError, read_facet
from tests.checker.matcher import BadFilterError, read_filter
from tests.checker.names import BadNameError, read_pattern, read_urn, selects
from tests.checker.statements import BadStatementError, read_statement
from tests.strategies.canonical import encodings, loose_encodings, mutated_encodings, plain_encodings
from tests.strategies.facets import facet_maps, nearly_facets
from tests.strategies.filters import filters, nearly_filters
from tests.strategies.statements import statements
from tests.strategies.topics import patterns, topics

JUDGED = (Kind.CAST, Kind.CLOSE, Kind.SEALED, Kind.MAILBOX, Kind.HEAD, Kind.ACKNOWLEDGEMENT)

few_words = st.sampled_from(["homes", "food"])


def accepts(read: Callable[[Any], object], value: object, *refusals: type[Exception]) -> bool:
    try:
        read(value)
    except refusals:
        return False
    return True


@given(encodings() | plain_encodings() | mutated_encodings() | loose_encodings() | st.binary(max_size=40))
def test_both_read_the_same_canonical_values(data: bytes) -> None:
    def theirs(data: bytes) -> object:
        return canonical.decode(data, max_bytes=100_000)

    good = accepts(theirs, data, StatementError)

    assert accepts(canonical_form.read, data, canonical_form.NotCanonicalError) == good
    if good:
        assert repr(canonical_form.read(data)) == repr(theirs(data))


@given(nearly_facets())
def test_both_take_the_same_facets(value: object) -> None:
    assert accepts(read_facet, value, BadFacetError) == accepts(parse_facet, value, StatementError)


@given(nearly_filters())
def test_both_take_the_same_filters(value: object) -> None:
    if value is not None:
        assert accepts(read_filter, value, BadFilterError) == accepts(parse_expression, value, StatementError)


@given(filters(), facet_maps())
def test_both_give_a_filter_the_same_value(made: Filter, facets: dict[str, Facet]) -> None:
    read = {name: read_facet(facet.wire()) for name, facet in facets.items()}

    assert read_filter(made.wire())(read) is made.evaluate(facets)


@given(patterns(few_words, 4) | patterns(), topics(few_words, 4) | topics())
def test_both_select_the_same_topics(pattern: TopicPattern, topic: Topic) -> None:
    assert selects(pattern.text, topic.urn) == pattern.matches(topic)


@given(st.text() | st.text("open:*a-%C39", max_size=30) | st.text(":*a", max_size=40).map("open".__add__))
def test_both_read_the_same_patterns(text: str) -> None:
    assert accepts(read_pattern, text, BadNameError) == accepts(TopicPattern.parse, text, StatementError)


@given(
    st.text()
    | st.text("open:*a-%C39", max_size=30).map("urn:byway:topic:".__add__)
    | st.builds("urn:byway:{}:{}".format, st.sampled_from(["node", "thing", "terms"]), st.text("a7q:%é", max_size=53))
)
def test_both_read_the_same_urns(text: str) -> None:
    assert accepts(read_urn, text, BadNameError) == accepts(parse_urn, text, StatementError)


@given(statements(*JUDGED))
def test_both_read_the_same_statements(made: Statement) -> None:
    found = read_statement(made.data)

    assert not found.fault
    assert (found.kind, found.signer, found.created, found.expires, found.id) == (
        made.kind,
        made.signer,
        made.created,
        made.expires,
        made.id,
    )
    assert found.body == made.body()


@given(statements(*JUDGED), st.data())
def test_both_refuse_the_same_spoilt_statements(made: Statement, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(made.data) - 1))
    spoilt = bytearray(made.data)
    spoilt[at] ^= 1 << data.draw(st.integers(0, 7))
    given_bytes = bytes(spoilt[: data.draw(st.sampled_from([len(spoilt), len(spoilt) - 1]))])

    def theirs(data: bytes) -> None:
        found = parse_statement(data)
        found.verify()
        body_of(found)

    def ours(data: bytes) -> None:
        if fault := read_statement(data).fault:
            raise BadStatementError(fault)

    assert accepts(ours, given_bytes, BadStatementError) == accepts(theirs, given_bytes, StatementError)


@given(st.integers(1, 70), st.data())
def test_both_believe_the_same_paths(size: int, data: st.DataObject) -> None:
    leaves = [merkle.leaf(number, bytes(32)) for number in range(size)]
    index, claimed = data.draw(st.integers(0, size - 1)), data.draw(st.integers(-1, size + 1))
    path = merkle.paths(leaves)[index]
    at = data.draw(st.integers(0, len(path)))
    path = data.draw(st.sampled_from([path, path[:-1], [*path[:at], bytes(32), *path[at:]], path[::-1]]))
    wanted = merkle.root(leaves)

    def theirs(_: object) -> None:
        if merkle.root_from_path(leaves[index], claimed, size, path) != wanted:
            raise StatementError("another root", code="bad-receipt")

    assert own_merkle.leads_to(wanted, leaves[index], claimed, size, path) == accepts(theirs, None, StatementError)
