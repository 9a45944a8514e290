"""An item meets a wish, does not, or it is not known; and the reasons say which."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.protocol.facets import (
    Boolean,
    Date,
    DecimalRange,
    Facet,
    Integer,
    Money,
    Place,
    Quantity,
    Text,
    TextSet,
)
from byway.protocol.limits import MAX_METRES
from intentron.stock.matching import match
from tests.strategies.facets import facet_maps

ANN_ARBOR = Place(42_280_000, -83_740_000, 500)
CHELSEA = Place(42_316_000, -84_021_000, 100)  # 23.5 km to the west


@pytest.mark.parametrize(
    ("wish", "has", "verdict"),
    [
        (Integer(2, 2), Integer(2, 2), True),
        (Integer(2, 2), Integer(3, 3), False),
        (Integer(2, None), Integer(3, 3), True),
        (Integer(None, 2), Integer(3, 3), False),
        (Integer(1, 2), Integer(2, 4), True),
        (Integer(1, 2), DecimalRange(Decimal("1.5"), Decimal("1.5")), True),
        (DecimalRange(Decimal("2.5"), None), Integer(2, 2), False),
        (Money("USD", None, 80_000_000), Money("USD", 80_000_000, 80_000_000), True),
        (Money("USD", None, 80_000_000), Money("USD", 80_000_001, 80_000_001), False),
        (Money("USD", None, 80_000_000), Money("EUR", 1, 1), None),
        (Quantity("LBR", Decimal(10), None), Quantity("KGM", Decimal(10), Decimal(10)), None),
        (Quantity("LBR", Decimal(10), None), Quantity("LBR", Decimal(9), Decimal(9)), False),
        (Date(1, 5), Date(5, 9), True),
        (Date(1, 5), Integer(1, 5), None),
        (Text("condo"), Text("condo"), True),
        (Text("condo"), Text("loft"), False),
        (TextSet(("condo", "loft")), Text("loft"), True),
        (TextSet(("condo", "loft")), Text("barn"), False),
        (TextSet(("condo", "loft")), TextSet(("barn", "loft")), True),
        (TextSet(("condo", "loft")), TextSet(("barn",)), False),
        (Text("loft"), TextSet(("barn", "loft")), True),
        (Boolean(true=True), Boolean(true=True), True),
        (Boolean(true=True), Boolean(true=False), False),
        (Boolean(true=True), Text("yes"), None),
        (ANN_ARBOR, Text("ann arbor"), None),
    ],
)
def test_one_facet_against_another(wish: Facet, has: Facet, *, verdict: bool | None) -> None:
    assert match({"it": wish}, {"it": has}).verdict is verdict


@pytest.mark.parametrize(
    ("within_m", "verdict"), [(40_000, True), (24_100, True), (23_400, None), (22_000, False), (None, None)]
)
def test_a_place_is_near_far_or_too_vague(within_m: int | None, *, verdict: bool | None) -> None:
    """What both precisions leave open is unknown, and so is a place where no distance was set."""
    found = match({"place": ANN_ARBOR}, {"place": CHELSEA}, within_m)

    assert found.verdict is verdict
    assert found.reasons[0].sentence.startswith("place: 23.5 km away, give or take 600 m")


def test_an_absent_facet_is_unknown_and_never_false() -> None:
    found = match({"eggs": Boolean(true=True)}, {"meat": Boolean(true=True)})

    assert found.verdict is None
    assert found.unknown == found.reasons
    assert found.reasons == (("eggs", None, "eggs: yes is wished for; not known here", ""),)


def test_one_false_facet_decides_and_one_unknown_facet_leaves_open() -> None:
    wish: dict[str, Facet] = {"beds": Integer(2, 2), "zip": TextSet(("02116", "02127")), "kind": Text("condo")}

    assert match(wish, {"beds": Integer(2, 2), "kind": Text("condo")}).verdict is None
    assert match(wish, {"beds": Integer(3, 3), "kind": Text("condo")}).verdict is False
    assert match(wish, {"beds": Integer(2, 2), "zip": Text("02127"), "kind": Text("condo")}).verdict is True


def test_reasons_are_sentences_for_people() -> None:
    wish: dict[str, Facet] = {
        "price": Money("USD", None, 80_000_000),
        "zip": TextSet(("02116", "02127")),
        "pool": Boolean(true=True),
        "fee": Money("EUR", None, 100),
    }
    has: dict[str, Facet] = {
        "price": Money("USD", 49_970_000, 49_970_000),
        "zip": Text("02127"),
        "pool": Boolean(true=False),
        "fee": Money("USD", 1, 1),
    }

    assert [reason.sentence for reason in match(wish, has).reasons] == [
        "price: 499,700.00 USD fits up to 800,000.00 USD",
        "zip: 02127 fits 02116 or 02127",
        "pool: no is not yes",
        "fee: 0.01 USD cannot be compared with up to 1.00 EUR",
    ]


@given(wish=facet_maps(), has=facet_maps(), within_m=st.none() | st.integers(0, 20_100_000))
def test_the_verdict_is_kleenes_and_over_the_wish(
    wish: dict[str, Facet], has: dict[str, Facet], within_m: int | None
) -> None:
    found = match(wish, has, within_m)

    verdicts = [reason.verdict for reason in found.reasons]
    assert [reason.name for reason in found.reasons] == list(wish)
    assert all(reason.verdict is None for reason in found.reasons if reason.name not in has)
    assert found.verdict is (False if False in verdicts else None if None in verdicts else True)


@given(facets=facet_maps())
def test_what_is_exactly_as_wished_matches(facets: dict[str, Facet]) -> None:
    assert match(facets, facets, within_m=2 * MAX_METRES).verdict is True


@pytest.mark.parametrize(
    ("name", "wish", "has", "note"),
    [
        ("price", Money("EUR", None, 1), Money("USD", 1, 1), "your price is in EUR, this one is in USD"),
        ("price", Integer(None, 1), Money("USD", 1, 1), "your price was not given as money"),
        (
            "lot",
            Quantity("ACR", Decimal(1), None),
            Quantity("FTK", Decimal(9), None),
            "your lot is in ACR, this one is in FTK",
        ),
        ("beds", Text("two"), Integer(2, 2), "your beds was given as text, here it is a number"),
        ("place", CHELSEA, ANN_ARBOR, "your place is 23.5 km away, give or take 600 m"),
        ("price", Integer(None, 1), None, ""),
    ],
)
def test_what_cannot_be_compared_is_unknown_with_a_note_of_why(
    name: str, wish: Facet, has: Facet | None, note: str
) -> None:
    (reason,) = match({name: wish}, {} if has is None else {name: has}).unknown

    assert reason.verdict is None
    assert reason.note == note
