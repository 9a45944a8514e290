"""The checker's own reading of facets (wire-protocol section 5.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final, NamedTuple

from tests.checker.canonical_form import MAX_INTEGER, MIN_INTEGER

MAX_METRES: Final = 20_100_000
MAX_EXPONENT: Final = 18

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


class BadFacetError(ValueError):
    """The value is no facet."""


class Facet(NamedTuple):
    """A facet: `scale` is its currency or unit; `low` and `high` are the ends of an ordered one, None for open."""

    sort: str
    value: Any = None
    scale: str = ""
    low: Fraction | int | None = None
    high: Fraction | int | None = None

    @property
    def is_ordered(self) -> bool:
        return self.low is not None or self.high is not None


def read_facet(wire: object) -> Facet:
    """The facet in a decoded value.  Raises `BadFacetError`."""
    if type(wire) is not list or not wire or type(wire[0]) is not str:
        raise BadFacetError("a facet is an array that begins with its type")
    sort, *elements = wire
    match sort, elements:
        case "integer" | "decimal" | "date" | "instant", [low, high]:
            return _range(sort, "", low, high)
        case "text", [text] if is_text(text, 256):
            return Facet(sort, text)
        case "boolean", [bool(truth)]:
            return Facet(sort, truth)
        case "set", [[*texts]] if len(texts) <= 64 and _is_sorted(texts):
            return Facet(sort, frozenset(texts))
        case "place", [latitude, longitude, precision] if is_circle(latitude, longitude, precision):
            return Facet(sort, (latitude, longitude, precision))
        case "money", [currency, low, high] if _fits("[A-Z]{3}", currency):
            return _range(sort, currency, low, high)
        case "quantity", [unit, low, high] if _fits("[A-Z0-9]{1,8}", unit):
            return _range(sort, unit, low, high)
    raise BadFacetError(f"no facet of type {sort[:20]!r} is like this")


def is_facet_name(name: object) -> bool:
    return type(name) is str and _NAME.fullmatch(name) is not None


def is_text(value: object, most: int) -> bool:
    """Whether it is text of 1 to `most` bytes."""
    try:
        return type(value) is str and 1 <= len(value.encode()) <= most
    except UnicodeEncodeError:
        return False


def is_circle(latitude: object, longitude: object, metres: object) -> bool:
    """Whether these are a point in micro-degrees and metres around it."""
    return (
        _is_integer(latitude, -90_000_000, 90_000_000)
        and _is_integer(longitude, -180_000_000, 180_000_000)
        and _is_integer(metres, 0, MAX_METRES)
    )


def _range(sort: str, scale: str, low: object, high: object) -> Facet:
    read = _ENDS[sort]
    lowest, highest = (None if end is None else read(end) for end in (low, high))
    if lowest is None and highest is None:
        raise BadFacetError("both ends of the range are open")
    if lowest is not None and highest is not None and lowest > highest:
        raise BadFacetError("the range ends before it begins")
    return Facet(sort, None, scale, lowest, highest)


def _integer(value: object, least: int = MIN_INTEGER, most: int = MAX_INTEGER) -> int:
    if type(value) is not int or not least <= value <= most:
        raise BadFacetError("an end of the range is no integer within the bounds")
    return value


def _decimal(value: object) -> Fraction:
    match value:
        case [int(mantissa), int(exponent)] if (
            _is_integer(mantissa, MIN_INTEGER, MAX_INTEGER)
            and _is_integer(exponent, -MAX_EXPONENT, MAX_EXPONENT)
            and (mantissa % 10 or (mantissa, exponent) == (0, 0))
        ):
            return Fraction(mantissa * 10**exponent) if exponent >= 0 else Fraction(mantissa, 10**-exponent)
    raise BadFacetError("an end of the range is no decimal")


def _is_integer(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _is_sorted(texts: list[Any]) -> bool:
    if not texts or not all(is_text(text, 64) for text in texts):
        return False
    spelt = [text.encode() for text in texts]
    return spelt == sorted(set(spelt))


def _fits(pattern: str, value: object) -> bool:
    return type(value) is str and re.fullmatch(pattern, value) is not None


_ENDS: Final[dict[str, Callable[[object], Fraction | int]]] = {
    "integer": _integer,
    "decimal": _decimal,
    "date": lambda value: _integer(value, -719_162, 2_932_896),
    "instant": lambda value: _integer(value, -62_135_596_800_000, 253_402_300_799_999),
    "money": _integer,
    "quantity": _decimal,
}
