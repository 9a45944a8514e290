"""The golden vectors of names, canonical msgpack, facets and filters hold, in both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from byway.errors import StatementError
from byway.protocol import canonical
from byway.protocol.facets import parse_facet, parse_facets
from byway.protocol.filter import parse_expression
from byway.protocol.filter_text import format_filter, parse_filter_text
from byway.protocol.topic import Topic, TopicPattern
from byway.protocol.urn import Urn, parse_urn
from tests.vectors.notation import from_json, load

ROOM = 100_000


def cases(name: str, part: str) -> list[Any]:
    """One part of a file; each test below takes one case of it."""
    return [
        pytest.param(case, id=case.get("name") or case.get("text") or case.get("bytes", "")[:20])
        for case in load(name)[part]
    ]


def code_of(read: Callable[[], object]) -> str:
    with pytest.raises(StatementError) as caught:
        read()
    return caught.value.code


def decoded(case: dict[str, Any]) -> Any:
    return canonical.decode(bytes.fromhex(case["bytes"]), max_bytes=ROOM)


@pytest.mark.parametrize("case", cases("urn", "valid"))
def test_a_urn_has_its_parts(case: dict[str, Any]) -> None:
    assert parse_urn(case["text"]) == Urn(case["kind"], tuple(case["parts"]))


@pytest.mark.parametrize("case", cases("urn", "refused"))
def test_another_spelling_is_refused(case: dict[str, Any]) -> None:
    assert code_of(lambda: parse_urn(case["text"])) == case["code"]


@pytest.mark.parametrize("case", cases("pattern", "valid"))
def test_a_pattern_selects_its_topics(case: dict[str, Any]) -> None:
    pattern = TopicPattern.parse(case["text"])
    assert pattern == TopicPattern(case["root"], tuple(case["parts"]))
    assert all(pattern.matches(Topic.parse(topic)) for topic in case["matches"])
    assert not any(pattern.matches(Topic.parse(topic)) for topic in case["misses"])


@pytest.mark.parametrize("case", cases("pattern", "refused"))
def test_what_is_no_pattern_is_refused(case: dict[str, Any]) -> None:
    assert code_of(lambda: TopicPattern.parse(case["text"])) == case["code"]


@pytest.mark.parametrize("case", cases("canonical", "valid"))
def test_a_value_has_its_one_encoding(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["bytes"])
    value = from_json(case["value"])
    assert canonical.encode(value) == data
    assert decoded(case) == value
    canonical.scan(data, max_bytes=ROOM)


@pytest.mark.parametrize("case", cases("canonical", "refused"))
def test_another_encoding_is_refused(case: dict[str, Any]) -> None:
    assert code_of(lambda: decoded(case)) == case["code"]
    assert code_of(lambda: canonical.scan(bytes.fromhex(case["bytes"]), max_bytes=ROOM)) == case["code"]


@pytest.mark.parametrize("case", cases("facet", "valid"))
def test_a_facet_is_accepted(case: dict[str, Any]) -> None:
    assert decoded(case) == case["facet"]
    assert parse_facet(decoded(case)).wire() == case["facet"]


@pytest.mark.parametrize("case", cases("facet", "refused"))
def test_what_is_no_facet_is_refused(case: dict[str, Any]) -> None:
    assert decoded(case) == from_json(case["facet"])
    assert code_of(lambda: parse_facet(decoded(case))) == case["code"]


@pytest.mark.parametrize("case", cases("filter", "valid"))
def test_a_filter_has_its_value_and_its_text(case: dict[str, Any]) -> None:
    cast = load("filter")["cast"]
    made = parse_expression(decoded(case))
    assert made.wire() == case["filter"]
    assert made.evaluate(parse_facets(cast)) is (None if case["value"] == "unknown" else case["value"])
    if "text" in case:
        assert parse_filter_text(case["text"]) == made
        assert format_filter(made) == case["text"]


@pytest.mark.parametrize("case", cases("filter", "texts"))
def test_a_text_means_its_filter(case: dict[str, Any]) -> None:
    assert parse_filter_text(case["text"]).wire() == case["filter"]


@pytest.mark.parametrize("case", cases("filter", "refused"))
def test_what_is_no_filter_is_refused(case: dict[str, Any]) -> None:
    assert code_of(lambda: parse_expression(decoded(case))) == case["code"]


@pytest.mark.parametrize("case", cases("filter", "refused_texts"))
def test_what_is_no_text_of_a_filter_is_refused(case: dict[str, Any]) -> None:
    assert code_of(lambda: parse_filter_text(case["text"])) == case["code"]
