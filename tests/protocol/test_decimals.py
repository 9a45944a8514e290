"""Numbers, amounts, degrees and days: what people write is what they mean, exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import StatementError
from byway.protocol.calendar_text import format_day, format_instant, parse_day, parse_instant
from byway.protocol.currencies import format_amount, parse_amount, to_minor
from byway.protocol.decimals import format_decimal, parse_decimal, parse_units, read_decimal, write_decimal
from byway.protocol.degrees import format_degrees, parse_degrees
from byway.protocol.facets import MAX_LONGITUDE
from byway.protocol.limits import MAX_INTEGER, MIN_INTEGER
from tests.strategies.facets import currencies, days, decimals, instants


@given(decimals)
def test_a_decimal_comes_back_from_wire_and_text(number: Decimal) -> None:
    assert read_decimal(write_decimal(number)) == number
    assert parse_decimal(format_decimal(number)) == number


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("2.10", [21, -1]),
        ("-0.005", [-5, -3]),
        ("1200", [12, 2]),
        ("0", [0, 0]),
        ("-0.00", [0, 0]),
        ("007", [7, 0]),
        ("9223372036854775807", [MAX_INTEGER, 0]),
        ("1000000000000000000000000000000", None),
        ("9223372036854775808", None),
        ("0.0000000000000000001", None),
        ("1e3", None),
        ("1_000", None),
        ("1,000", None),
        ("٣", None),
        ("NaN", None),
        ("", None),
        ("1.", None),
        (".5", None),
        ("1\n", None),
        ("1" * 5000, None),
    ],
)
def test_these_texts_are_decimals_or_are_not(text: str, wire: list[int] | None) -> None:
    if wire is None:
        with pytest.raises(StatementError, match=r"is not a number such as|too many digits"):
            parse_decimal(text)
    else:
        assert write_decimal(parse_decimal(text)) == wire


def test_units_are_counted_exactly() -> None:
    assert parse_units("42.28", 6) == 42_280_000
    assert parse_units("-0.000001", 6) == -1
    assert parse_units("800000", 2) == 80_000_000
    with pytest.raises(StatementError, match="more than 2 digits"):
        parse_units("1.001", 2)


def test_amounts_of_money_are_counted_in_minor_units() -> None:
    assert parse_amount("631300.05", "USD") == to_minor(Decimal("631300.05"), "USD") == 63_130_005
    assert parse_amount("1.5", "KWD") == 1_500
    assert [format_amount(*amount) for amount in ((63_130_005, "USD"), (5, "USD"), (500, "JPY"))] == [
        "631300.05",
        "0.05",
        "500",
    ]
    with pytest.raises(StatementError, match="more than 0 digits"):
        to_minor(Decimal("1.5"), "JPY")


@given(st.integers(MIN_INTEGER, MAX_INTEGER), currencies)
def test_an_amount_comes_back_from_its_text(minor: int, currency: str) -> None:
    assert parse_amount(format_amount(minor, currency), currency) == minor


@given(st.integers(-MAX_LONGITUDE, MAX_LONGITUDE))
def test_degrees_come_back_from_their_text(micro: int) -> None:
    assert parse_degrees(format_degrees(micro)) == micro


@given(days, instants)
def test_every_day_and_instant_comes_back_from_its_text(day: int, instant: int) -> None:
    assert parse_day(format_day(day)) == day
    assert parse_instant(format_instant(instant)) == instant
