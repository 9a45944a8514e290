"""Facets: the typed, public part of a cast that a filter can read (wire-protocol section 5.1).

A facet is checked when it is made, so that one that exists is one that every hop accepts.  The
ordered ones live in `byway.protocol.ranges` and can be imported from here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final

from byway.errors import StatementError
from byway.protocol.decimals import read_decimal
from byway.protocol.limits import (
    MAX_FACET_NAME,
    MAX_FACETS,
    MAX_METRES,
    MAX_SET_TEXT_BYTES,
    MAX_SET_TEXTS,
    MAX_TEXT_BYTES,
)
from byway.protocol.ranges import Date, DecimalRange, Instant, Integer, Money, Ordered, Quantity

__all__ = [
    "Boolean",
    "Date",
    "DecimalRange",
    "Facet",
    "Instant",
    "Integer",
    "Money",
    "Ordered",
    "Place",
    "Quantity",
    "Text",
    "TextSet",
    "check_circle",
    "check_text",
    "is_facet_name",
    "parse_facet",
    "parse_facets",
]

MAX_LATITUDE: Final = 90_000_000  # micro-degrees
MAX_LONGITUDE: Final = 180_000_000

_NAME: Final = re.compile(rf"[a-z][a-z0-9_]{{0,{MAX_FACET_NAME - 1}}}\Z")


@dataclass(frozen=True, slots=True)
class Text:
    """One text."""

    kind: ClassVar = "text"
    text: str

    def __post_init__(self) -> None:
        check_text(self.text, MAX_TEXT_BYTES)

    def wire(self) -> list[Any]:
        return [self.kind, self.text]


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false.  What is not known is left out."""

    kind: ClassVar = "boolean"
    true: bool

    def __post_init__(self) -> None:
        if type(self.true) is not bool:
            raise _bad("a boolean is true or false")

    def wire(self) -> list[Any]:
        return [self.kind, self.true]


@dataclass(frozen=True, slots=True)
class TextSet:
    """Several texts, unique and sorted by their bytes.  `of` sorts them."""

    kind: ClassVar = "set"
    texts: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> TextSet:
        return cls(tuple(sorted(set(texts))))

    def __post_init__(self) -> None:
        if not 1 <= len(self.texts) <= MAX_SET_TEXTS:
            raise _bad(f"a set holds 1 to {MAX_SET_TEXTS} texts")
        before = ""
        for text in self.texts:
            check_text(text, MAX_SET_TEXT_BYTES)
            if text <= before:  # the order of code points is the order of UTF-8 bytes
                raise _bad("the texts of a set are unique and sorted")
            before = text

    def wire(self) -> list[Any]:
        return [self.kind, list(self.texts)]


@dataclass(frozen=True, slots=True)
class Place:
    """A point in micro-degrees, stated to be right within `precision` metres."""

    kind: ClassVar = "place"
    latitude: int
    longitude: int
    precision: int

    def __post_init__(self) -> None:
        check_circle(self.latitude, self.longitude, self.precision)

    def wire(self) -> list[Any]:
        return [self.kind, self.latitude, self.longitude, self.precision]


Facet = Text | Boolean | TextSet | Place | Ordered


def parse_facet(value: object) -> Facet:
    """The facet in a decoded msgpack value.  Raises `StatementError` (`bad-facet`) for anything else."""
    if type(value) is not list or not value or type(value[0]) is not str:
        raise _bad("a facet is an array that begins with its type")
    kind, *elements = value
    count, make = _TYPES.get(kind, (0, None))
    if make is None:
        raise _bad(f"{kind[:20]!r} is not a type of facet")
    if len(elements) != count:
        raise _bad(f"a facet of type {kind} has {count} elements after its type")
    return make(*elements)


def parse_facets(value: object) -> dict[str, Facet]:
    """The facets of a cast, by name.  Raises `StatementError`.

    `bad-body` if the map, its length or a name is wrong (wire-protocol section 4.1), `bad-facet` if
    a facet is.
    """
    if type(value) is not dict or len(value) > MAX_FACETS:
        raise StatementError(f"facets are a map of at most {MAX_FACETS}", code="bad-body")
    facets = {}
    for name, item in value.items():
        if not is_facet_name(name):
            raise StatementError(f"{str(name)[:40]!r} cannot be the name of a facet", code="bad-body")
        facets[name] = parse_facet(item)
    return facets


def is_facet_name(name: object) -> bool:
    """Whether `name` can name a facet: 1 to 32 of `a-z`, `0-9`, `_`, a letter first."""
    return type(name) is str and _NAME.match(name) is not None


def check_text(text: str, max_bytes: int) -> None:
    """Raise `bad-facet` unless `text` is text of 1 to `max_bytes` bytes in UTF-8."""
    try:
        right = type(text) is str and 1 <= len(text.encode()) <= max_bytes
    except UnicodeEncodeError:
        right = False
    if not right:
        raise _bad(f"a text has 1 to {max_bytes} bytes of UTF-8")


def check_circle(latitude: int, longitude: int, metres: int) -> None:
    """Raise `bad-facet` unless the three are micro-degrees, micro-degrees and metres on the earth."""
    if type(latitude) is not int or not -MAX_LATITUDE <= latitude <= MAX_LATITUDE:
        raise _bad(f"a latitude is an integer of at most {MAX_LATITUDE} micro-degrees")
    if type(longitude) is not int or not -MAX_LONGITUDE <= longitude <= MAX_LONGITUDE:
        raise _bad(f"a longitude is an integer of at most {MAX_LONGITUDE} micro-degrees")
    if type(metres) is not int or not 0 <= metres <= MAX_METRES:
        raise _bad(f"a distance is an integer from 0 to {MAX_METRES} metres")


def _read_end(value: object) -> Decimal | None:
    return None if value is None else read_decimal(value)


def _read_set(texts: object) -> TextSet:
    if type(texts) is not list:
        raise _bad("a set is an array of texts")
    return TextSet(tuple(texts))


def _read_decimal_range(low: object, high: object) -> DecimalRange:
    return DecimalRange(_read_end(low), _read_end(high))


def _read_quantity(unit: Any, low: object, high: object) -> Quantity:
    return Quantity(unit, _read_end(low), _read_end(high))


_TYPES: Final[dict[str, tuple[int, Callable[..., Facet]]]] = {
    "text": (1, Text),
    "boolean": (1, Boolean),
    "set": (1, _read_set),
    "place": (3, Place),
    "integer": (2, Integer),
    "decimal": (2, _read_decimal_range),
    "date": (2, Date),
    "instant": (2, Instant),
    "money": (3, Money),
    "quantity": (3, _read_quantity),
}


def _bad(sentence: str) -> StatementError:
    return StatementError(sentence, code="bad-facet")
