"""Facets as people write them: each spelling means one facet, and what could mean two is refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import StatementError
from byway.protocol.descriptions import describe
from byway.protocol.facets import (
    Boolean,
    Date,
    DecimalRange,
    Facet,
    Instant,
    Integer,
    Money,
    Place,
    Quantity,
    Text,
    TextSet,
    parse_facet,
)
from intentron.facet_text import facet_from_value, facets_from_values, parse_facet_text, parse_value_text


@pytest.mark.parametrize(
    ("text", "facet"),
    [
        ("2", Integer(2, 2)),
        ("-2", Integer(-2, -2)),
        ("0", Integer(0, 0)),
        ("2..", Integer(2, None)),
        ("..3", Integer(None, 3)),
        ("2..3", Integer(2, 3)),
        ("2 .. 3", Integer(2, 3)),
        ("1.5", DecimalRange(Decimal("1.5"), Decimal("1.5"))),
        ("1.5..2", DecimalRange(Decimal("1.5"), Decimal(2))),
        ("..800000 USD", Money("USD", None, 80_000_000)),
        ("700000..800000.50 USD", Money("USD", 70_000_000, 80_000_050)),
        ("500 JPY", Money("JPY", 500, 500)),
        ("700,000.00 USD", Money("USD", 70_000_000, 70_000_000)),
        ("500,000..1,800,000.50 USD", Money("USD", 50_000_000, 180_000_050)),
        ("up to 800,000.00 USD", Money("USD", None, 80_000_000)),
        ("from 2", Integer(2, None)),
        ("from 10 LBR", Quantity("LBR", Decimal(10), None)),
        ("2 to 3", Integer(2, 3)),
        ("2027-06-01 to 2027-06-03", Date(20_970, 20_972)),
        ("up to you", Text("up to you")),
        ("from here", Text("from here")),
        ("10.. LBR", Quantity("LBR", Decimal(10), None)),
        ("2.5 DZN", Quantity("DZN", Decimal("2.5"), Decimal("2.5"))),
        ("2027-06-01", Date(20_970, 20_970)),
        ("..2027-06-01", Date(None, 20_970)),
        ("2027-06-01T00:00:00Z..", Instant(1_811_808_000_000, None)),
        ("42.28,-83.74~500m", Place(42_280_000, -83_740_000, 500)),
        ("42.28, -83.74 ~ 1.5 km", Place(42_280_000, -83_740_000, 1500)),
        ("{02127, 02116}", TextSet(("02116", "02127"))),
        ('{"a, b",c}', TextSet(("a, b", "c"))),
        ("true", Boolean(true=True)),
        ("false", Boolean(true=False)),
        ("condo", Text("condo")),
        ("two family, south side", Text("two family, south side")),
        ("café", Text("café")),
        ("02127", Text("02127")),
        ('"2 family"', Text("2 family")),
        (r'"say \"hello\""', Text('say "hello"')),
        ('"true"', Text("true")),
    ],
)
def test_a_spelling_means_one_facet(text: str, facet: Facet) -> None:
    assert parse_value_text(text) == facet
    assert parse_facet_text(f"name = {text} ") == ("name", facet)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "2...3",
        "3..2",
        "2.",
        "2,5",
        "2 bedrooms",
        "800000 usd",
        "1,234",
        "1,2345 USD",
        "up to 800k",
        "from 2 sisters",
        "2 to",
        "$800000",
        "800000.005 USD",
        ".. USD",
        "2 5",
        "2027-6-1",
        "2027-02-30",
        "2027-06-01..5",
        "42.28,-83.74~500",
        "95,0~1m",
        "{}",
        "{a,}",
        "{,a}",
        "{a",
        "{a} b",
        '"open',
        '"a" b',
        '""',
        "1e5",
        "9" * 30,
    ],
)
def test_what_could_mean_two_things_is_refused(text: str) -> None:
    with pytest.raises(StatementError) as caught:
        parse_value_text(text)
    assert caught.value.code == "bad-facet"


@pytest.mark.parametrize(
    ("text", "name", "next_step"),
    [
        ("beds=2;3", "beds: ", "write it as beds=2.., 'price=..800000 USD'"),
        ("price=..800000 usd", "price: ", "write it as ..800000 USD"),
        ("price=1,2345 USD", "price: ", "write it as beds=2.., 'price=..800000 USD'"),
        ("price=..800000.005 USD", "price: ", "write it as beds=2.., 'price=..800000 USD'"),
        ("beds", "'beds' is not a facet", "write it as beds=2.., 'price=..800000 USD'"),
        ("Beds=2", "'Beds' is not the name of a facet, which has small letters only", "write it as beds=2"),
        ("fünf=2", "'fünf=2' is not a facet", "write it as beds=2.."),
        ("bed\x1b=2", "'bed\\x1b=2' is not a facet", "write it as beds=2.."),
        ("place=91,0~5km", "place: a latitude is -90 to 90 degrees, not 91", "write it as"),
        ("place=0,-180.5~5km", "place: a longitude is -180 to 180 degrees, not -180.5", "write it as"),
    ],
)
def test_a_refusal_names_the_facet_and_says_how_to_write_it(text: str, name: str, next_step: str) -> None:
    with pytest.raises(StatementError) as caught:
        parse_facet_text(text)
    assert str(caught.value).startswith(name)
    assert caught.value.next_step.startswith(next_step)


@given(low=st.integers(-(10**9), 10**9), size=st.integers(0, 10**9))
def test_an_amount_is_read_as_it_is_shown(low: int, size: int) -> None:
    for money in (
        Money("USD", low, low),
        Money("USD", low, low + size),
        Money("USD", None, low),
        Money("USD", low, None),
    ):
        assert parse_value_text(describe(money)) == money


def test_a_place_has_to_say_how_exactly_it_is_told() -> None:
    with pytest.raises(StatementError, match=r"42\.28,-83\.74~500m"):
        parse_value_text("42.28,-83.74")


@pytest.mark.parametrize("text", ["beds", "beds>=2", "=2", "2beds=1", ""])
def test_a_facet_has_a_name_and_a_value(text: str) -> None:
    with pytest.raises(StatementError, match="NAME=VALUE"):
        parse_facet_text(text)


@pytest.mark.parametrize(
    ("value", "facet"),
    [
        (2, Integer(2, 2)),
        (True, Boolean(true=True)),
        (1.5, DecimalRange(Decimal("1.5"), Decimal("1.5"))),
        (Decimal("0.10"), DecimalRange(Decimal("0.1"), Decimal("0.1"))),
        ("..800000 USD", Money("USD", None, 80_000_000)),
        (["b", "a"], TextSet(("a", "b"))),
        (date(2027, 6, 1), Date(20_970, 20_970)),
        (datetime(2027, 6, 1, tzinfo=UTC), Instant(1_811_808_000_000, 1_811_808_000_000)),
    ],
)
def test_values_of_toml_and_json_mean_facets(value: object, facet: Facet) -> None:
    assert facet_from_value(value) == facet


@pytest.mark.parametrize("value", [None, {}, [1, 2], [], float("nan"), 1e300, b"a", datetime(2027, 6, 1)])  # noqa: DTZ001 - a time of nowhere is what is refused
def test_other_values_mean_no_facet(value: object) -> None:
    with pytest.raises(StatementError) as caught:
        facet_from_value(value)
    assert caught.value.code == "bad-facet"


def test_a_table_of_facets_names_the_one_at_fault() -> None:
    assert facets_from_values({"beds": 2, "kind": "condo"}) == {"beds": Integer(2, 2), "kind": Text("condo")}
    with pytest.raises(StatementError, match="price: "):
        facets_from_values({"beds": 2, "price": "3..2"})
    with pytest.raises(StatementError, match="'Beds' is not the name of a facet"):
        facets_from_values({"Beds": 2})


@given(st.text('0123456789.-,~{}"= mkTZUSDa:', max_size=30) | st.text(max_size=30))
def test_any_text_means_a_facet_or_is_refused(text: str) -> None:
    with suppress(StatementError):
        facet = parse_value_text(text)
        assert parse_facet(facet.wire()) == facet


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(max_size=9) | st.datetimes(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    )
)
def test_any_value_means_a_facet_or_is_refused(value: Any) -> None:
    with suppress(StatementError):
        facet = facet_from_value(value)
        assert parse_facet(facet.wire()) == facet
