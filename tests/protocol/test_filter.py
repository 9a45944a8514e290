"""The filter: three values, the limits, and what makes a cast known, unknown or not wanted."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import StatementError
from byway.protocol import canonical
from byway.protocol.facets import Facet, parse_facets
from byway.protocol.filter import And, Compare, Filter, In, Known, Not, Or, parse_expression, parse_filter
from byway.protocol.limits import (
    MAX_CHOICES,
    MAX_EXPRESSIONS,
    MAX_FILTER_BYTES,
    MAX_FILTER_DEPTH,
    MAX_METRES,
    MAX_OPERANDS,
)
from tests.strategies.canonical import values
from tests.strategies.facets import facet_maps
from tests.strategies.filters import filters, nearly_filters

WISH = {
    "price": ["money", "USD", None, 80_000_000],
    "beds": ["integer", 2, 3],
    "kind": ["text", "condo"],
    "pets": ["boolean", True],
    "where": ["place", 42_360_000, -71_060_000, 500],
    "tags": ["set", ["balcony", "garden"]],
    "move": ["date", None, 20_970],
    "weight": ["quantity", "LBR", [5, 0], [1, 1]],
    "rating": ["decimal", [45, -1], [45, -1]],
    "ready": ["instant", 1_000, 2_000],
}

# Three filters on the one facet of ONE, with the three values; Kleene's tables are made of them.
ONE = {"one": ["integer", 1, 1]}
TRUE: list[Any] = ["known", "one"]
FALSE: list[Any] = ["known", "none"]
UNKNOWN: list[Any] = ["=", "none", ["integer", 1, 1]]
THREE = [(TRUE, True), (FALSE, False), (UNKNOWN, None)]


def value_of(expression: list[Any], facets: dict[str, Any]) -> bool | None:
    return parse_expression(expression).evaluate(parse_facets(facets))


def code_of(value: Any) -> str:
    """The code that refuses the filter, or nothing; what is accepted has to come out as it went in."""
    try:
        parsed = parse_filter(value)
    except StatementError as error:
        return error.code
    assert (None if parsed is None else parsed.wire()) == value
    return ""


def integer(value: int) -> list[Any]:
    return ["integer", value, value]


def dollars(value: int) -> list[Any]:
    return ["money", "USD", value * 100, value * 100]


@given(filters())
def test_a_filter_comes_back_through_bytes(made: Filter) -> None:
    wire = canonical.decode(canonical.encode(made.wire()), max_bytes=MAX_FILTER_BYTES)
    assert parse_filter(wire) == made
    assert hash(parse_filter(wire)) == hash(made)


@given(nearly_filters() | values())
def test_any_value_is_a_filter_or_bad(value: Any) -> None:
    assert code_of(value) in {"", "bad-filter"}


@given(filters(), facet_maps())
def test_every_filter_has_one_of_three_values_for_every_cast(made: Filter, facets: dict[str, Facet]) -> None:
    value = made.evaluate(facets)
    assert value in {True, False, None}
    assert Not(made).evaluate(facets) == (None if value is None else not value)


@given(st.lists(filters(), min_size=1, max_size=4), facet_maps())
def test_or_is_and_the_other_way_round(operands: list[Filter], facets: dict[str, Facet]) -> None:
    neither = Not(Or(tuple(operands))).evaluate(facets)
    assert neither == And(tuple(map(Not, operands))).evaluate(facets)


@given(filters(), facet_maps(), facet_maps())
def test_what_is_learned_later_never_turns_true_into_false(
    made: Filter, facets: dict[str, Facet], more: dict[str, Facet]
) -> None:
    """Only `known` looks at absence; without it a verdict stands whatever else is said."""
    before = made.evaluate(facets)
    if before is not None and not asks_what_is_known(made):
        assert made.evaluate(more | facets) is before


def asks_what_is_known(made: Filter) -> bool:
    if isinstance(made, And | Or):
        return any(map(asks_what_is_known, made.operands))
    return asks_what_is_known(made.operand) if isinstance(made, Not) else isinstance(made, Known)


@given(filters())
def test_a_cast_without_facets_is_never_refused_but_for_what_is_known(made: Filter) -> None:
    if not asks_what_is_known(made):
        assert made.evaluate({}) is None


def test_no_filter_is_none() -> None:
    assert parse_filter(None) is None
    with pytest.raises(StatementError, match="begins with its name"):
        parse_expression(None)


@pytest.mark.parametrize(("left", "right"), list(itertools.product(THREE, THREE)))
def test_and_and_or_are_kleenes(left: tuple[list[Any], bool | None], right: tuple[list[Any], bool | None]) -> None:
    truths = {left[1], right[1]}
    assert value_of(["and", left[0], right[0]], ONE) is (False if False in truths else None if None in truths else True)
    assert value_of(["or", left[0], right[0]], ONE) is (True if True in truths else None if None in truths else False)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # an absent facet, another type, another currency, another unit
        (["=", "absent", integer(1)], None),
        (["not", ["=", "absent", integer(1)]], None),
        (["known", "absent"], False),
        (["known", "beds"], True),
        (["=", "kind", integer(1)], None),
        (["=", "beds", ["text", "2"]], None),
        ([">=", "price", ["money", "EUR", 1, 1]], None),
        (["<", "weight", ["quantity", "KGM", [1, 0], [1, 0]]], None),
        (["<", "rating", integer(5)], None),
        (["has", "kind", "condo"], None),
        (["near", "kind", 0, 0, 1], None),
        # ranges compare by overlap
        ([">=", "price", dollars(700_000)], True),
        ([">=", "price", dollars(800_000)], True),
        ([">", "price", dollars(800_000)], False),
        (["<", "price", dollars(-5)], True),
        (["=", "price", dollars(5)], True),
        (["=", "price", dollars(800_001)], False),
        (["=", "beds", integer(3)], True),
        (["=", "beds", integer(4)], False),
        (["not", ["=", "beds", integer(2)]], False),
        (["<", "beds", integer(2)], False),
        (["<", "beds", integer(3)], True),
        ([">", "beds", integer(2)], True),
        ([">", "beds", integer(3)], False),
        (["<=", "beds", integer(2)], True),
        (["<=", "beds", integer(1)], False),
        (["<=", "move", ["date", 1, 1]], True),
        ([">", "move", ["date", 20_970, 20_970]], False),
        (["=", "weight", ["quantity", "LBR", [75, -1], [75, -1]]], True),
        ([">", "weight", ["quantity", "LBR", [1, 1], [1, 1]]], False),
        (["=", "rating", ["decimal", [45, -1], [45, -1]]], True),
        (["<", "rating", ["decimal", [45, -1], [45, -1]]], False),
        (["<", "ready", ["instant", 1_000, 1_000]], False),
        # text, boolean, sets
        (["=", "kind", ["text", "condo"]], True),
        (["=", "kind", ["text", "house"]], False),
        (["=", "pets", ["boolean", False]], False),
        (["has", "tags", "garden"], True),
        (["has", "tags", "pool"], False),
        # in is `=` with any
        (["in", "beds", [integer(1), integer(3)]], True),
        (["in", "beds", [integer(1), integer(4)]], False),
        (["in", "absent", [integer(1)]], None),
        (["in", "beds", [integer(1), ["text", "2"]]], None),
        (["in", "beds", [["text", "2"], integer(2)]], True),
        # distance: 111.195 m to the thousandth of a degree, stated within 500 m
        (["near", "where", 42_360_000, -71_060_000, 500], True),
        (["near", "where", 42_360_000, -71_060_000, 499], None),
        (["near", "where", 42_370_000, -71_060_000, 1_612], True),
        (["near", "where", 42_370_000, -71_060_000, 1_611], None),
        (["near", "where", 42_370_000, -71_060_000, 612], None),
        (["near", "where", 42_370_000, -71_060_000, 611], False),
        (["near", "where", -42_360_000, 108_940_000, MAX_METRES], True),
    ],
)
def test_each_expression_has_its_value(expression: list[Any], value: bool | None) -> None:
    assert value_of(expression, WISH) is value


@pytest.mark.parametrize(
    "value",
    [
        "known",
        [],
        [["known", "a"]],
        ["xor", ["known", "a"]],
        ["and"],
        ["or"],
        ["not"],
        ["not", ["known", "a"], ["known", "b"]],
        ["and", "known"],
        ["and", *[["known", "a"]] * (MAX_OPERANDS + 1)],
        ["known"],
        ["known", "A"],
        ["known", None],
        ["known", ["a"]],
        ["known", "a", "b"],
        ["=", "a"],
        ["=", "a", 1],
        ["=", "a", ["integer", 1, 2]],
        ["=", "a", ["integer", None, 2]],
        ["=", "a", ["place", 0, 0, 0]],
        ["=", "a", ["set", ["x"]]],
        ["==", "a", ["integer", 1, 1]],
        ["<", "a", ["text", "x"]],
        ["<", "a", ["boolean", True]],
        ["in", "a", []],
        ["in", "a", ["integer", 1, 1]],
        ["in", "a", [["integer", 1, 1]] * (MAX_CHOICES + 1)],
        ["has", "a", ""],
        ["has", "a", 1],
        ["has", "a", "x" * 65],
        ["near", "a", 0, 0],
        ["near", "a", 0, 0, -1],
        ["near", "a", 0, 0, 1.5],
        ["near", "a", 90_000_001, 0, 1],
        ["near", "a", 0, 0, MAX_METRES + 1],
        1.5,
        {"and": []},
    ],
)
def test_these_are_no_filters(value: Any) -> None:
    assert code_of(value) == "bad-filter"


def test_the_limits_are_met_and_not_passed() -> None:
    known = ["known", "a"]
    full = ["and", *[["or", *[known] * 20]] * 3]  # 1 + 3 x 21 expressions
    assert code_of(full) == ""
    assert MAX_EXPRESSIONS == 64
    assert code_of(["and", *full[1:], known]) == "bad-filter"

    deep: list[Any] = known
    for _ in range(MAX_FILTER_DEPTH - 1):
        deep = ["not", deep]
    assert code_of(deep) == ""
    assert code_of(["not", deep]) == "bad-filter"

    texts = [["text", f"{number:060}"] for number in range(60)]  # 4,089 bytes with what is around them
    texts[-1][1] += "1234567"
    assert len(canonical.encode(["in", "a", texts])) == MAX_FILTER_BYTES
    assert code_of(["in", "a", texts]) == ""
    texts[-1][1] += "8"
    assert code_of(["in", "a", texts]) == "bad-filter"


def test_nesting_without_end_is_refused_and_not_followed() -> None:
    deep: list[Any] = ["known", "a"]
    for _ in range(5_000):
        deep = ["not", deep]
    assert code_of(deep) == "bad-filter"


def test_equal_filters_are_one_key() -> None:
    """The index evaluates equal filters once."""
    assert len({parse_expression(["=", "a", integer(1)]), parse_expression(["=", "a", integer(1)])}) == 1
    assert parse_expression(["=", "a", integer(1)]) != parse_expression(["=", "a", ["date", 1, 1]])
    assert isinstance(parse_expression(["in", "a", [integer(1)]]), In)
    assert isinstance(parse_expression(["=", "a", integer(1)]), Compare)
