"""Whether an item is what a cast asks for: yes, no, or unknown, facet by facet with the reason.

The facets of the cast say what is wanted.  What the item does not say is unknown, never false, and
what only the item says does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from byway.protocol.descriptions import describe
from byway.protocol.distance import distance_m
from byway.protocol.facets import (
    Boolean,
    Date,
    DecimalRange,
    Facet,
    Instant,
    Integer,
    Money,
    Ordered,
    Place,
    Quantity,
    Text,
    TextSet,
)

Verdict = bool | None  # None is unknown

_GIVEN_AS: Final[dict[type[Facet], str]] = {
    Boolean: "yes or no",
    Date: "a day",
    DecimalRange: "a number",
    Instant: "a time",
    Integer: "a number",
    Money: "money",
    Place: "a place",
    Quantity: "an amount with a unit",
    Text: "text",
    TextSet: "a set of texts",
}


class Reason(NamedTuple):
    """How the item stands to one facet of the cast, and a sentence that says why.

    `note` tells whoever made the cast why something that both know is unknown all the same; else it is empty.
    """

    name: str
    verdict: Verdict
    sentence: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """The verdict, and one reason for each facet of the cast, in its order."""

    verdict: Verdict
    reasons: tuple[Reason, ...]

    @property
    def unknown(self) -> tuple[Reason, ...]:
        """What has still to be asked."""
        return tuple(reason for reason in self.reasons if reason.verdict is None)


def match(wish: Mapping[str, Facet], has: Mapping[str, Facet], within_m: int | None = None) -> Match:
    """How an item with the facets `has` stands to the facets of a cast.

    `within_m` is how far, in metres, a place may be from the place that is wished for.  False if one facet is, else
    unknown if one is, else true; a wish without facets is met by everything.
    """
    reasons = tuple(Reason(name, *_judge(name, wanted, has.get(name), within_m)) for name, wanted in wish.items())
    return Match(_all(reason.verdict for reason in reasons), reasons)


def _judge(name: str, wanted: Facet, found: Facet | None, within_m: int | None) -> tuple[Verdict, str, str]:
    wish = " or ".join(wanted.texts) if isinstance(wanted, TextSet) else describe(wanted)
    if found is None:
        return None, f"{name}: {wish} is wished for; not known here", ""
    if isinstance(wanted, Place) and isinstance(found, Place):
        return _near(name, wanted, found, within_m)
    verdict = _compare(wanted, found)
    if verdict is None:
        return None, f"{name}: {describe(found)} cannot be compared with {wish}", _unlike(name, wanted, found)
    relation = "fits" if verdict else "is not"
    return verdict, f"{name}: {describe(found)} {relation} {wish}", ""


def _unlike(name: str, wanted: Facet, found: Facet) -> str:
    """Why the two cannot be compared, to whoever made the wish."""
    match wanted, found:
        case (Money(one), Money(other)) | (Quantity(one), Quantity(other)):
            return f"your {name} is in {one}, this one is in {other}"
        case _, Money():
            return f"your {name} was not given as money"
    return f"your {name} was given as {_GIVEN_AS[type(wanted)]}, here it is {_GIVEN_AS[type(found)]}"


def _compare(wanted: Facet, found: Facet) -> Verdict:
    """Whether something of what was found is something of what is wanted; None if the two cannot be compared."""
    if isinstance(wanted, Text | TextSet) and isinstance(found, Text | TextSet):
        return not _texts(wanted).isdisjoint(_texts(found))
    if isinstance(wanted, Boolean) and isinstance(found, Boolean):
        return wanted == found
    if isinstance(wanted, Integer | DecimalRange) and isinstance(found, Integer | DecimalRange):
        return _overlap(wanted, found)  # 2 and 2.0 are one number, whichever type wrote it
    if isinstance(wanted, Ordered) and isinstance(found, Ordered):
        alike = type(wanted) is type(found) and wanted.scale == found.scale
        return _overlap(wanted, found) if alike else None
    return None


def _near(name: str, wanted: Place, found: Place, within_m: int | None) -> tuple[Verdict, str, str]:
    away = distance_m(wanted.latitude, wanted.longitude, found.latitude, found.longitude)
    leeway = wanted.precision + found.precision
    distance = f"{_metres(away)} away, give or take {_metres(leeway)}"
    sentence, note = f"{name}: {distance}", f"your {name} is {distance}"
    if within_m is None:
        return None, f"{sentence}; how far is too far is not said", note
    sentence += f", of {_metres(within_m)}"
    if away + leeway <= within_m:
        return True, sentence, ""
    return (False, sentence, "") if away - leeway > within_m else (None, sentence, note)


def _metres(metres: float) -> str:
    return f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:.1f} km"  # noqa: PLR2004 - where km read better


def _texts(facet: Text | TextSet) -> frozenset[str]:
    return frozenset([facet.text] if isinstance(facet, Text) else facet.texts)


def _overlap(one: Ordered, other: Ordered) -> bool:
    return _reaches(one.high, other.low) and _reaches(other.high, one.low)


def _reaches(high: int | Decimal | None, low: int | Decimal | None) -> bool:
    return high is None or low is None or high >= low


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    """Kleene's and."""
    known = list(verdicts)
    if False in known:
        return False
    return None if None in known else True
