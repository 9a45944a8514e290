"""The checker's own reading of filters, with three values: true, false, and None for unknown (wire-protocol 5.2).

Naive on purpose: an expression is read into a function, and the function is called for each cast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import asin, cos, radians, sin, sqrt
from typing import Any, Final

import msgpack

from tests.checker.facets import BadFacetError, Facet, is_circle, is_facet_name, is_text, read_facet

MAX_EXPRESSIONS: Final = 64
MAX_FILTER_DEPTH: Final = 8
MAX_FILTER_BYTES: Final = 4096
EARTH_RADIUS_M: Final = 6_371_008.8

Facets = Mapping[str, Facet]
Test = Callable[[Facets], bool | None]

_COMPARISONS: Final[dict[str, Callable[[Any, Any, Any], bool]]] = {
    "=": lambda low, high, value: (low is None or low <= value) and (high is None or value <= high),
    "<": lambda low, _, value: low is None or low < value,
    "<=": lambda low, _, value: low is None or low <= value,
    ">": lambda _, high, value: high is None or high > value,
    ">=": lambda _, high, value: high is None or high >= value,
}


class BadFilterError(ValueError):
    """The value is no filter."""


def read_filter(wire: object) -> Test:
    """The filter in a decoded value; nil is always true.  Raises `BadFilterError`."""
    if wire is None:
        return lambda _: True
    try:
        test = _Reader().expression(wire, 1)
        size = len(msgpack.packb(wire))
    except (BadFacetError, ValueError, OverflowError) as error:
        raise BadFilterError(f"it is no filter: {error}") from error
    if size > MAX_FILTER_BYTES:
        raise BadFilterError(f"a filter of {size} bytes is too large")
    return test


class _Reader:
    def __init__(self) -> None:
        self._expressions = 0

    def expression(self, wire: object, depth: int) -> Test:
        self._expressions += 1
        if self._expressions > MAX_EXPRESSIONS or depth > MAX_FILTER_DEPTH:
            raise BadFilterError("it has too many expressions, or is too deep")
        if type(wire) is not list or not wire or type(wire[0]) is not str:
            raise BadFilterError("an expression is an array that begins with its name")
        match wire:
            case ["and" | "or" as name, *operands] if 1 <= len(operands) <= 32:
                tests = [self.expression(operand, depth + 1) for operand in operands]
                return _any(tests, name == "or")
            case ["not", operand]:
                return _not(self.expression(operand, depth + 1))
            case [str(operator), str(name), *operands] if is_facet_name(name):
                return _predicate(operator, name, operands)
        raise BadFilterError(f"no expression {wire[0][:20]!r} is like this")


def _any(tests: Sequence[Test], truth: bool) -> Test:
    """Kleene's or, and with `truth` false his and: one decides, else one unknown leaves it open."""

    def test(facets: Facets) -> bool | None:
        values = [each(facets) for each in tests]
        if truth in values:
            return truth
        return None if None in values else not truth

    return test


def _not(inner: Test) -> Test:
    def test(facets: Facets) -> bool | None:
        value = inner(facets)
        return None if value is None else not value

    return test


def _predicate(operator: str, name: str, operands: list[Any]) -> Test:
    match operator, operands:
        case "known", []:
            return lambda facets: name in facets
        case "in", [[*choices]] if 1 <= len(choices) <= 64:
            return _any([_comparison("=", name, choice) for choice in choices], truth=True)
        case "has", [text] if is_text(text, 64):
            return lambda facets: text in facets[name].value if name in facets and facets[name].sort == "set" else None
        case "near", [latitude, longitude, metres] if is_circle(latitude, longitude, metres):
            return lambda facets: _near(facets.get(name), latitude, longitude, metres)
        case _, [value] if operator in _COMPARISONS:
            return _comparison(operator, name, value)
    raise BadFilterError(f"no expression {operator[:20]!r} is like this")


def _comparison(operator: str, name: str, wire: object) -> Test:
    value, compare = read_facet(wire), _COMPARISONS[operator]
    if value.is_ordered:
        if value.low != value.high:
            raise BadFilterError("a comparison has one value, not a range")
    elif operator != "=" or value.sort not in ("text", "boolean"):
        raise BadFilterError("such a value cannot be compared so")

    def test(facets: Facets) -> bool | None:
        facet = facets.get(name)
        if facet is None or (facet.sort, facet.scale) != (value.sort, value.scale):
            return None
        return compare(facet.low, facet.high, value.low) if value.is_ordered else facet.value == value.value

    return test


def _near(facet: Facet | None, latitude: int, longitude: int, metres: int) -> bool | None:
    if facet is None or facet.sort != "place":
        return None
    there_latitude, there_longitude, precision = facet.value
    distance = _distance_m(there_latitude, there_longitude, latitude, longitude)
    if distance + precision <= metres:
        return True
    return False if distance - precision > metres else None


def _distance_m(latitude: int, longitude: int, other_latitude: int, other_longitude: int) -> float:
    """Metres on the sphere, by the haversine formula, between points in micro-degrees."""
    here, there = radians(latitude / 1e6), radians(other_latitude / 1e6)
    across = radians((other_longitude - longitude) / 1e6)
    haversine = sin((there - here) / 2) ** 2 + cos(here) * cos(there) * sin(across / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(min(1.0, haversine)))
