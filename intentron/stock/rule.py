"""The standing rule: what a seller offers, unasked, to every cast that its stock can meet.

A rule is a JSON object of this form:

    {
      "name": "eggs-in-washtenaw",
      "stock": "washtenaw",                    the stock list to look in
      "pattern": "open:food:**",               the topics whose casts it answers
      "within_m": 40000,                       how far a place may be from the one that is wished for
      "terms": ["urn:byway:terms:customercommons:nostalking"],
      "message": "{name}: {price}, fetched at our stall",
      "price": {"amount": "4.50", "currency": "USD", "per": "dozen"}    without an amount: the price of the item
    }
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from byway.errors import StatementError
from byway.protocol.body import TermsUrn, validator
from byway.protocol.currencies import format_amount, to_minor
from byway.protocol.descriptions import describe
from byway.protocol.facets import Facet, Money
from byway.protocol.limits import MAX_METRES, MAX_TERMS
from byway.protocol.ranges import is_one_value
from byway.protocol.topic import Topic, TopicPattern
from intentron.stock.item import PRICE, StockItem
from intentron.stock.matching import Match, match
from intentron.stock.template import fill, holes

MAX_LIFETIME_HOURS: Final = 30 * 24  # a sealed statement lives no longer
MESSAGE_HOLES: Final = ("name", "price", "price_label", "seller")

_MAX_MESSAGE: Final = 1000  # characters; with the properties it leaves an offer within the largest size class
_MAX_PROPERTIES_BYTES: Final = 6144
_MAX_NOTES: Final = 4  # of what cannot be compared: further facets are only named
_PROPERTY_BYTES: Final = 48  # what schema.org adds to a name and a value


def _pattern(text: str) -> str:
    return TopicPattern.parse(text).text


def _message(text: str) -> str:
    for hole in holes(text):
        if hole not in MESSAGE_HOLES:
            raise ValueError(f"{{{hole}}} is none of {', '.join(MESSAGE_HOLES)}")
    return text


class Price(BaseModel):
    """What a seller asks: an amount of its own, or without one the price of the item; `per` what, in words."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    amount: Annotated[Decimal, Field(ge=0, max_digits=15, allow_inf_nan=False)] | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    per: Annotated[str, Field(max_length=64)] = ""

    @model_validator(mode="after")
    def _whole(self) -> Price:
        if (self.amount is None) != (self.currency is None):
            raise ValueError("an amount and its currency go together")
        try:
            _ = self.money
        except StatementError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def money(self) -> Money | None:
        """The amount as a facet, None if it is the item's to say."""
        if self.amount is None or self.currency is None:
            return None
        minor = to_minor(self.amount, self.currency)
        return Money(self.currency, minor, minor)


class StandingRule(BaseModel):
    """What a seller has decided in advance."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=64, description="What the seller calls the rule.")]
    stock: Annotated[str, Field(min_length=1, max_length=64, description="The stock list to look in.")]
    pattern: Annotated[
        str, AfterValidator(validator(_pattern)), Field(description="The topics whose casts it answers: open:homes:**.")
    ]
    within_m: Annotated[int, Field(ge=0, le=MAX_METRES)] | None = Field(
        None, description="How many metres an item may be from the place that is wished for."
    )
    price: Price = Field(Price(), description="What is asked; without an amount, the price of the item.")
    offers_per_day: int = Field(100, ge=1, le=100_000, description="How many offers the rule makes in a day.")
    terms: tuple[TermsUrn, ...] = Field(
        (), max_length=MAX_TERMS, description="The terms that the seller agrees to, as URNs."
    )
    lifetime_hours: int = Field(72, ge=1, le=MAX_LIFETIME_HOURS, description="How many hours an offer is good for.")
    message: Annotated[str, AfterValidator(_message), Field(max_length=_MAX_MESSAGE)] = Field(
        "{name}, {price}",
        description=f"What the seller says; it may use {', '.join(f'{{{hole}}}' for hole in MESSAGE_HOLES)}.",
    )

    def answers(self, topic: str) -> bool:
        """Whether the rule is for casts to the topic with this URN.  Raises `StatementError` if it is none."""
        return TopicPattern.parse(self.pattern).matches(Topic.parse(topic))


@dataclass(frozen=True, slots=True)
class Draft:
    """An offer that has still to be signed and sealed: what its `offer`, `price` and `terms` will be, and why."""

    item: StockItem
    match: Match
    offer: dict[str, Any]
    price: Money | None
    terms: str | None


def answer(
    rule: StandingRule,
    cast_facets: Mapping[str, Facet],
    cast_terms: Sequence[str],
    items: Iterable[StockItem],
    *,
    sent_today: int = 0,
) -> Draft | None:
    """What `rule` offers to a cast out of `items`: the most certain, among those the cheapest.

    None if nothing matches, or if the rule has made its offers for the day: it has `sent_today` already.
    """
    if sent_today >= rule.offers_per_day:
        return None
    terms = next((urn for urn in cast_terms if urn in rule.terms), None)
    candidates = (_Candidate.of(rule, cast_facets, item) for item in items)
    fitting = (candidate for candidate in candidates if candidate.match.verdict is not False)
    best = min(fitting, key=_Candidate.rank, default=None)
    return None if best is None else best.draft(rule, terms)


@dataclass(frozen=True, slots=True)
class _Candidate:
    item: StockItem
    match: Match
    price: Money | None

    @classmethod
    def of(cls, rule: StandingRule, wish: Mapping[str, Facet], item: StockItem) -> _Candidate:
        fixed = rule.price.money
        has = item.facets if fixed is None else {**item.facets, PRICE: fixed}
        price = item.price if fixed is None else fixed
        return cls(item, match(wish, has, rule.within_m), price if price and is_one_value(price) else None)

    def rank(self) -> tuple[int, bool, str, int, str]:
        currency, minor = (self.price.currency, self.price.low or 0) if self.price else ("", 0)
        return len(self.match.unknown), self.price is None, currency, minor, self.item.id

    def draft(self, rule: StandingRule, terms: str | None) -> Draft:
        return Draft(self.item, self.match, self._offer(rule), self.price, terms)

    def _offer(self, rule: StandingRule) -> dict[str, Any]:
        """The offer in the words of schema.org; numbers are decimal text, for a body has no floats."""
        offer: dict[str, Any] = {
            "@type": "Offer",
            "name": self.item.name,
            "description": self._description(rule),
            "itemOffered": {
                "@type": "Product",
                "name": self.item.name,
                "sku": self.item.id,
                "additionalProperty": self._properties(),
            },
        }
        if self.price is None or self.price.low is None:
            return offer
        price = {"price": format_amount(self.price.low, self.price.currency), "priceCurrency": self.price.currency}
        if rule.price.per:
            offer["priceSpecification"] = {"@type": "UnitPriceSpecification", **price, "unitText": rule.price.per}
        return offer | price

    def _description(self, rule: StandingRule) -> str:
        label = self.item.price_label if rule.price.money is None else ""
        per = f" per {rule.price.per}" if rule.price.per else ""
        words = {
            "name": self.item.name,
            "price": f"{describe(self.price)}{per}" if self.price else "",
            "price_label": label,
            "seller": self.item.seller,
        }
        said = [fill(rule.message, words.get)[:_MAX_MESSAGE]]
        if self.price and label and "price_label" not in holes(rule.message):
            said.append(f"The price is the {label}")
        unlike = [reason for reason in self.match.unknown if reason.note]
        said += [reason.note[0].upper() + reason.note[1:] for reason in unlike[:_MAX_NOTES]]
        if more := [reason.name for reason in unlike[_MAX_NOTES:]]:
            said.append(f"Cannot be compared: {', '.join(more)}")
        if missing := [reason.name for reason in self.match.unknown if not reason.note]:
            said.append(f"Not known: {', '.join(missing)}")
        return " ".join(f"{sentence.rstrip('.')}." for sentence in said if sentence)

    def _properties(self) -> list[dict[str, str]]:
        """The facets in words, those that were asked for first, as many as fit."""
        asked = [reason.name for reason in self.match.reasons if reason.name in self.item.facets]
        room = _MAX_PROPERTIES_BYTES
        properties = []
        for name in dict.fromkeys([*asked, *self.item.facets]):
            value = describe(self.item.facets[name])
            room -= _PROPERTY_BYTES + len(name) + len(value.encode())
            if name != PRICE and room >= 0:
                properties.append({"@type": "PropertyValue", "name": name, "value": value})
        return properties
