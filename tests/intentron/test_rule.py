"""A standing rule answers a cast with the best of the stock, and says what it does not know."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from byway.protocol import canonical
from byway.protocol.facets import Boolean, Facet, Integer, Money, Place, Text
from byway.protocol.limits import MAX_FACETS, SIZE_CLASSES
from intentron.stock.item import StockItem
from intentron.stock.rule import Price, StandingRule, answer

NO_STALKING = "urn:byway:terms:customercommons:nostalking"
FIRST_PARTY = "urn:byway:terms:customercommons:firstparty"
LABEL = "assessed value 2023, not an asking price"
WISH: dict[str, Facet] = {"beds": Integer(2, 2), "zip": Text("02127"), "price": Money("USD", None, 80_000_000)}
ROOM_BESIDE_THE_OFFER = 2048  # of the largest size class: ids, keys, price, header, signature


def home(item_id: str, dollars: int | None, **facets: Facet) -> StockItem:
    known: dict[str, Facet] = {"beds": Integer(2, 2), "zip": Text("02127"), **facets}
    if dollars is not None:
        known["price"] = Money("USD", dollars * 100, dollars * 100)
    return StockItem(id=item_id, name=f"{item_id} Quay", facets=known, seller="east", price_label=LABEL)


def standing(**changes: Any) -> StandingRule:
    return StandingRule(**({"name": "condos", "stock": "east", "pattern": "open:homes:**"} | changes))


def without(item: StockItem, name: str) -> StockItem:
    facets = {key: facet for key, facet in item.facets.items() if key != name}
    return StockItem(item.id, item.name, facets, item.seller, item.price_label)


def test_the_most_certain_come_first_and_among_them_the_cheapest() -> None:
    items = [
        without(home("vague", 100_000), "zip"),
        home("dear", 700_000),
        home("cheap", 500_000),
        home("over", 900_000),
        home("large", 400_000, beds=Integer(3, 3)),
        home("silent", None),
    ]

    chosen = []
    while (draft := answer(standing(), WISH, [], items)) is not None:
        chosen.append((draft.item.id, draft.match.verdict))
        items.remove(draft.item)

    assert chosen == [("cheap", True), ("dear", True), ("vague", None), ("silent", None)]


def test_a_rule_offers_no_more_than_it_allows_for_a_day() -> None:
    items = [home("12", 500_000)]
    rule = standing(offers_per_day=10)

    assert [answer(rule, WISH, [], items, sent_today=sent) is None for sent in (0, 9, 10, 11)] == [
        False,
        False,
        True,
        True,
    ]


def test_the_offer_speaks_schema_org_in_text_only() -> None:
    draft = answer(standing(), WISH, [], [without(home("12", 612_400, organic=Boolean(true=False)), "zip")])
    assert draft is not None

    assert draft.price == Money("USD", 61_240_000, 61_240_000)
    assert draft.offer == {
        "@type": "Offer",
        "name": "12 Quay",
        "price": "612400.00",
        "priceCurrency": "USD",
        "description": f"12 Quay, 612,400.00 USD. The price is the {LABEL}. Not known: zip.",
        "itemOffered": {
            "@type": "Product",
            "name": "12 Quay",
            "sku": "12",
            "additionalProperty": [
                {"@type": "PropertyValue", "name": "beds", "value": "2"},
                {"@type": "PropertyValue", "name": "organic", "value": "no"},
            ],
        },
    }


def test_the_price_of_the_rule_takes_the_place_of_the_items() -> None:
    """A fixed price is also what a wish up to some price is compared with."""
    rule = standing(price=Price(amount=Decimal("4.50"), currency="USD", per="dozen"))
    dear = home("eggs", 900_000)

    draft = answer(rule, {"price": Money("USD", None, 500)}, [], [dear])
    assert draft is not None

    assert answer(rule, {"price": Money("USD", None, 400)}, [], [dear]) is None
    assert draft.price == Money("USD", 450, 450)
    assert draft.offer["price"] == "4.50"
    assert draft.offer["priceSpecification"]["unitText"] == "dozen"
    assert draft.offer["description"] == "eggs Quay, 4.50 USD per dozen."


def test_without_a_price_the_offer_names_none() -> None:
    draft = answer(standing(), WISH, [], [home("12", None)])
    assert draft is not None

    assert draft.price is None
    assert "price" not in draft.offer
    assert draft.offer["description"] == "12 Quay. Not known: price."


def test_a_price_that_cannot_be_compared_is_told_as_that_and_not_as_unknown() -> None:
    for wanted, note in (
        (Money("EUR", None, 80_000_000), "Your price is in EUR, this one is in USD."),
        (Integer(None, 1), "Your price was not given as money."),
    ):
        draft = answer(standing(), {"price": wanted, "pool": Boolean(true=True)}, [], [home("12", 612_400)])
        assert draft is not None
        assert draft.match.verdict is None
        assert draft.offer["description"].endswith(f"{note} Not known: pool.")


def test_of_many_facets_that_cannot_be_compared_the_first_are_explained_and_all_are_named() -> None:
    names = [f"name_{number}" for number in range(9)]
    item = StockItem("1", "12 Quay", {name: Integer(1, 1) for name in names})

    draft = answer(standing(), {name: Text("one") for name in names}, [], [item])
    assert draft is not None

    said = draft.offer["description"]
    assert said.count("was given as text") == 4
    assert said.endswith("Cannot be compared: name_4, name_5, name_6, name_7, name_8.")


def test_the_message_may_place_the_label_itself() -> None:
    rule = standing(message="{name} in {seller}: {price} ({price_label})")

    draft = answer(rule, {}, [], [home("12", 612_400)])
    assert draft is not None

    assert draft.offer["description"] == f"12 Quay in east: 612,400.00 USD ({LABEL})."


@pytest.mark.parametrize(
    ("proffered", "agreed"),
    [
        ([FIRST_PARTY, NO_STALKING], FIRST_PARTY),
        ([NO_STALKING, FIRST_PARTY], NO_STALKING),
        (["urn:byway:terms:other:none", NO_STALKING], NO_STALKING),
        (["urn:byway:terms:other:none"], None),
        ([], None),
    ],
)
def test_the_first_of_the_casts_terms_that_the_seller_accepts(proffered: list[str], agreed: str | None) -> None:
    rule = standing(terms=(NO_STALKING, FIRST_PARTY))

    draft = answer(rule, WISH, proffered, [home("12", 612_400)])
    assert draft is not None

    assert draft.terms == agreed


def test_a_rule_answers_the_topics_of_its_pattern() -> None:
    assert standing().answers("urn:byway:topic:open:homes:boston:condo")
    assert not standing().answers("urn:byway:topic:open:food:eggs")


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60), max_size=MAX_FACETS),
    message=st.sampled_from(["{name}, {price}", "{name}{seller}" * 70]),
)
def test_every_draft_fits_into_an_offer(texts: list[str], message: str) -> None:
    """However much an item has to say, the offer stays canonical and within the largest size class."""
    facets: dict[str, Facet] = {
        f"a_rather_long_name_of_a_facet_{number:02}": Text(text) for number, text in enumerate(texts)
    }
    item = StockItem("1", "\N{BLACK SQUARE}" * 85, facets, "\N{BLACK SQUARE}" * 85, "x" * 256)
    wish: dict[str, Facet] = {f"{name[:-2]}_w": facet for name, facet in facets.items()} | facets

    unlike = dict.fromkeys(facets, Place(42_280_000, -83_740_000, 500))
    for asked in (wish, unlike):
        draft = answer(standing(message=message), asked, [], [item])
        assert draft is not None

        assert len(canonical.encode(draft.offer)) <= SIZE_CLASSES[-1] - ROOM_BESIDE_THE_OFFER


def test_a_rule_survives_json() -> None:
    given = """{
        "name": "eggs", "stock": "washtenaw", "pattern": "open:food:**", "within_m": 40000, "terms": ["NO_STALKING"],
        "price": {"amount": "4.50", "currency": "USD", "per": "dozen"}
    }"""

    rule = StandingRule.model_validate_json(given.replace("NO_STALKING", NO_STALKING))

    assert rule == StandingRule(
        name="eggs",
        stock="washtenaw",
        pattern="open:food:**",
        within_m=40_000,
        terms=(NO_STALKING,),
        price=Price(amount=Decimal("4.50"), currency="USD", per="dozen"),
    )
    assert StandingRule.model_validate_json(rule.model_dump_json()) == rule


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"withinm": 5}, "withinm"),
        ({"pattern": "homes"}, "not a topic pattern"),
        ({"message": "{nme}"}, "{nme} is none of name, price, price_label, seller"),
        ({"offers_per_day": 0}, "offers_per_day"),
        ({"terms": ["nostalking"]}, "not a URN of the byway"),
        ({"price": {"amout": "4"}}, r"price\.amout"),
        ({"price": {"amount": "4"}}, "an amount and its currency go together"),
        ({"price": {"amount": "4.005", "currency": "USD"}}, "more than 2 digits"),
    ],
)
def test_what_is_no_rule_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        StandingRule.model_validate_json(json.dumps({"name": "r", "stock": "s", "pattern": "open:homes:**"} | given))
