"""Facets: what is one, and what it compares as."""

from __future__ import annotations

import operator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import StatementError
from byway.protocol import canonical
from byway.protocol.decimals import write_decimal
from byway.protocol.facets import (
    Boolean,
    DecimalRange,
    Facet,
    Integer,
    Money,
    Place,
    Quantity,
    Text,
    TextSet,
    parse_facet,
    parse_facets,
)
from byway.protocol.limits import (
    MAX_DAY,
    MAX_FACET_NAME,
    MAX_FACETS,
    MAX_INSTANT_MS,
    MAX_INTEGER,
    MAX_METRES,
    MIN_DAY,
    MIN_INSTANT_MS,
    MIN_INTEGER,
)
from byway.protocol.ranges import overlaps
from tests.strategies.canonical import values
from tests.strategies.facets import decimals, facet_maps, facets, nearly_facets, ranges

COMPARISONS = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def code_of(value: Any) -> str:
    """The code that refuses the facet, or nothing; what is accepted has to come out as it went in."""
    try:
        facet = parse_facet(value)
    except StatementError as error:
        return error.code
    assert facet.wire() == value
    return ""


@given(facets())
def test_a_facet_comes_back_through_bytes(facet: Facet) -> None:
    wire = canonical.decode(canonical.encode(facet.wire()), max_bytes=10_000)
    assert parse_facet(wire) == facet


@given(nearly_facets() | values())
def test_any_value_is_a_facet_or_bad(value: Any) -> None:
    assert code_of(value) in {"", "bad-facet"}


@given(facet_maps())
def test_the_facets_of_a_cast_come_back_by_name(facets_by_name: dict[str, Facet]) -> None:
    assert parse_facets({name: facet.wire() for name, facet in facets_by_name.items()}) == facets_by_name


@pytest.mark.parametrize(
    "wire",
    [
        ["text", "x" * 256],
        ["text", "é" * 128],
        ["boolean", False],
        ["set", ["B", "a", "é"]],
        ["set", [f"{number:02}" for number in range(64)]],
        ["place", -90_000_000, 180_000_000, MAX_METRES],
        ["integer", MIN_INTEGER, MAX_INTEGER],
        ["integer", None, 0],
        ["decimal", [1, -18], [1, 18]],
        ["decimal", [0, 0], None],
        ["date", 20_000, 20_000],
        ["date", MIN_DAY, MAX_DAY],
        ["instant", 0, None],
        ["instant", MIN_INSTANT_MS, MAX_INSTANT_MS],
        ["money", "USD", None, 80_000_000],
        ["quantity", "LBR", [25, -1], [3, 0]],
    ],
)
def test_these_are_facets(wire: list[Any]) -> None:
    assert code_of(wire) == ""


@pytest.mark.parametrize(
    "wire",
    [
        None,
        "text",
        [],
        {},
        [["text"]],
        ["word", "x"],
        ["text"],
        ["text", ""],
        ["text", "x" * 257],
        ["text", "é" * 129],
        ["text", b"x"],
        ["text", "\ud800"],
        ["text", "x", "y"],
        ["boolean", 1],
        ["boolean", None],
        ["set", []],
        ["set", "abc"],
        ["set", ["b", "a"]],
        ["set", ["a", "a"]],
        ["set", ["a", 1]],
        ["set", ["x" * 65]],
        ["set", [f"{number:02}" for number in range(65)]],
        ["place", 90_000_001, 0, 0],
        ["place", 0, -180_000_001, 0],
        ["place", 0, 0, -1],
        ["place", 0, 0, MAX_METRES + 1],
        ["place", True, 0, 0],
        ["integer", None, None],
        ["integer", 2, 1],
        ["integer", 1, True],
        ["integer", 1],
        ["integer", [1, 0], None],
        ["integer", MAX_INTEGER + 1, None],
        ["decimal", [10, 0], None],
        ["decimal", [0, 1], None],
        ["decimal", [1, 19], None],
        ["decimal", [1, -19], None],
        ["decimal", [1], None],
        ["decimal", [1.0, 0], None],
        ["decimal", [MAX_INTEGER + 1, 0], None],
        ["decimal", 1, None],
        ["decimal", [21, -1], [2, 0]],
        ["date", MIN_DAY - 1, None],
        ["date", None, MAX_DAY + 1],
        ["date", True, None],
        ["instant", MIN_INSTANT_MS - 1, None],
        ["instant", None, MAX_INSTANT_MS + 1],
        ["money", "usd", 1, 1],
        ["money", "USDX", 1, 1],
        ["money", "USD\n", 1, 1],
        ["money", None, 1, 1],
        ["money", "USD", 1],
        ["money", "USD", [1, 0], None],
        ["quantity", "", [1, 0], None],
        ["quantity", "lbr", [1, 0], None],
        ["quantity", "ABCDEFGHI", [1, 0], None],
        ["quantity", "LBR", 1, None],
        ["quantity", "LBR", None, None],
    ],
)
def test_these_are_not(wire: Any) -> None:
    assert code_of(wire) == "bad-facet"


@pytest.mark.parametrize(
    "facets_by_name",
    [
        None,
        [],
        {"": ["boolean", True]},
        {"Price": ["boolean", True]},
        {"1a": ["boolean", True]},
        {"a-b": ["boolean", True]},
        {"a\n": ["boolean", True]},
        {1: ["boolean", True]},
        {"a" * (MAX_FACET_NAME + 1): ["boolean", True]},
        {f"a{number}": ["boolean", True] for number in range(MAX_FACETS + 1)},
    ],
)
def test_a_map_of_facets_with_a_wrong_name_or_too_many_is_a_bad_body(facets_by_name: Any) -> None:
    with pytest.raises(StatementError) as caught:
        parse_facets(facets_by_name)
    assert caught.value.code == "bad-body"


def test_a_facet_that_cannot_be_sent_cannot_be_made() -> None:
    with pytest.raises(StatementError, match="three letters"):
        Money("dollars", 1, 1)
    with pytest.raises(StatementError, match="unique and sorted"):
        TextSet(("b", "a"))
    with pytest.raises(StatementError, match="low end"):
        DecimalRange(Decimal("NaN"), None)
    with pytest.raises(StatementError, match="high end"):
        DecimalRange(None, Decimal("Infinity"))
    with pytest.raises(StatementError, match="NaN is not a number"):
        write_decimal(Decimal("NaN"))
    assert TextSet.of(["b", "a", "b"]) == TextSet(("a", "b"))


@given(ranges(Integer, st.integers(-4, 4)), st.integers(-6, 6), st.sampled_from(sorted(COMPARISONS)))
def test_overlap_is_that_of_some_value_in_the_range(facet: Integer, value: int, sign: str) -> None:
    """An open end is stood for by one that lies beyond every value that is asked for."""
    low = -10 if facet.low is None else facet.low
    high = 10 if facet.high is None else facet.high
    expected = any(COMPARISONS[sign](number, value) for number in range(low, high + 1))
    assert overlaps(facet, sign, Integer(value, value)) is expected


@given(decimals, decimals, st.sampled_from(sorted(COMPARISONS)))
def test_decimals_compare_exactly(left: Decimal, right: Decimal, sign: str) -> None:
    expected = COMPARISONS[sign](exact(left), exact(right))
    assert overlaps(DecimalRange(left, left), sign, DecimalRange(right, right)) is expected


def exact(number: Decimal) -> Fraction:
    mantissa, exponent = write_decimal(number)
    return mantissa * Fraction(10) ** exponent


def test_another_type_currency_or_unit_is_unknown() -> None:
    one = Decimal(1)
    assert overlaps(Integer(1, 1), "=", DecimalRange(one, one)) is None
    assert overlaps(Money("USD", 1, 1), "=", Money("EUR", 1, 1)) is None
    assert overlaps(Quantity("LBR", one, one), "<", Quantity("KGM", one, one)) is None
    assert overlaps(Money("USD", 1, 1), "=", Money("USD", 1, 1)) is True


@pytest.mark.parametrize("facet", [Text("a"), Boolean(true=True), TextSet(("a",)), Place(0, 0, 0)])
def test_facets_of_one_type_are_equal_by_value(facet: Facet) -> None:
    assert facet == parse_facet(facet.wire())
    assert hash(facet) == hash(parse_facet(facet.wire()))
