"""The filter: a seller's predicate over facets, with three values (wire-protocol section 5.2).

`evaluate` gives True, False, or None for unknown; a cast is delivered unless it is False.  This is
the definition of filtering.  Where a subscription has no filter, it is `None`, on the wire and here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from byway.errors import StatementError
from byway.protocol import canonical
from byway.protocol.distance import distance_m
from byway.protocol.facets import (
    Boolean,
    Facet,
    Ordered,
    Place,
    Text,
    TextSet,
    check_circle,
    check_text,
    is_facet_name,
    parse_facet,
)
from byway.protocol.limits import (
    MAX_CHOICES,
    MAX_EXPRESSIONS,
    MAX_FILTER_BYTES,
    MAX_FILTER_DEPTH,
    MAX_OPERANDS,
    MAX_SET_TEXT_BYTES,
)
from byway.protocol.ranges import OPERATORS, is_one_value, overlaps

Value = Text | Boolean | Ordered
Facets = Mapping[str, Facet]


@dataclass(frozen=True, slots=True)
class And:
    """False if one operand is false, else unknown if one is unknown."""

    operands: tuple[Filter, ...]

    def evaluate(self, facets: Facets) -> bool | None:
        verdict: bool | None = True
        for operand in self.operands:
            value = operand.evaluate(facets)
            if value is False:
                return False
            if value is None:
                verdict = None
        return verdict

    def wire(self) -> list[Any]:
        return ["and", *(operand.wire() for operand in self.operands)]


@dataclass(frozen=True, slots=True)
class Or:
    """True if one operand is true, else unknown if one is unknown."""

    operands: tuple[Filter, ...]

    def evaluate(self, facets: Facets) -> bool | None:
        verdict: bool | None = False
        for operand in self.operands:
            value = operand.evaluate(facets)
            if value is True:
                return True
            if value is None:
                verdict = None
        return verdict

    def wire(self) -> list[Any]:
        return ["or", *(operand.wire() for operand in self.operands)]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; unknown stays unknown."""

    operand: Filter

    def evaluate(self, facets: Facets) -> bool | None:
        value = self.operand.evaluate(facets)
        return None if value is None else not value

    def wire(self) -> list[Any]:
        return ["not", self.operand.wire()]


@dataclass(frozen=True, slots=True)
class Known:
    """Whether the facet is present.  Never unknown."""

    name: str

    def evaluate(self, facets: Facets) -> bool:
        return self.name in facets

    def wire(self) -> list[Any]:
        return ["known", self.name]


@dataclass(frozen=True, slots=True)
class Compare:
    """`operator` is one of `=`, `<`, `<=`, `>`, `>=`; ordered facets compare by overlap."""

    operator: str
    name: str
    value: Value

    def evaluate(self, facets: Facets) -> bool | None:
        return _compare(facets.get(self.name), self.operator, self.value)

    def wire(self) -> list[Any]:
        return [self.operator, self.name, self.value.wire()]


@dataclass(frozen=True, slots=True)
class In:
    """`=` with any of the values: true if one is equal, else unknown if one cannot be compared."""

    name: str
    values: tuple[Value, ...]

    def evaluate(self, facets: Facets) -> bool | None:
        facet = facets.get(self.name)
        verdict: bool | None = False
        for value in self.values:
            equal = _compare(facet, "=", value)
            if equal:
                return True
            if equal is None:
                verdict = None
        return verdict

    def wire(self) -> list[Any]:
        return ["in", self.name, [value.wire() for value in self.values]]


@dataclass(frozen=True, slots=True)
class Has:
    """Whether the set holds the text."""

    name: str
    text: str

    def evaluate(self, facets: Facets) -> bool | None:
        facet = facets.get(self.name)
        return self.text in facet.texts if isinstance(facet, TextSet) else None

    def wire(self) -> list[Any]:
        return ["has", self.name, self.text]


@dataclass(frozen=True, slots=True)
class Near:
    """Whether the place is within `metres`; unknown where its precision leaves that open."""

    name: str
    latitude: int
    longitude: int
    metres: int

    def evaluate(self, facets: Facets) -> bool | None:
        place = facets.get(self.name)
        if not isinstance(place, Place):
            return None
        distance = distance_m(place.latitude, place.longitude, self.latitude, self.longitude)
        if distance + place.precision <= self.metres:
            return True
        return False if distance - place.precision > self.metres else None

    def wire(self) -> list[Any]:
        return ["near", self.name, self.latitude, self.longitude, self.metres]


Filter = And | Or | Not | Known | Compare | In | Has | Near


def parse_filter(value: object) -> Filter | None:
    """The filter in a decoded msgpack value; nil is no filter, `None`.

    Raises `StatementError` (`bad-filter`) for anything else, and for a filter over a limit.
    """
    return None if value is None else parse_expression(value)


def parse_expression(value: object) -> Filter:
    """As `parse_filter`, where there has to be a filter."""
    try:
        parsed = _Reader().expression(value, 1)
        size = len(canonical.encode(parsed.wire()))
    except StatementError as error:
        raise _bad(str(error)) from None
    if size > MAX_FILTER_BYTES:
        raise _bad(f"a filter has at most {MAX_FILTER_BYTES} bytes, this one has {size}")
    return parsed


class _Reader:
    """One walk over a decoded expression; it counts as it goes."""

    def __init__(self) -> None:
        self._expressions = 0

    def expression(self, value: object, depth: int) -> Filter:
        if type(value) is not list or not value or type(value[0]) is not str:
            raise _bad("an expression is an array that begins with its name")
        self._expressions += 1
        if self._expressions > MAX_EXPRESSIONS:
            raise _bad(f"a filter has at most {MAX_EXPRESSIONS} expressions")
        if depth > MAX_FILTER_DEPTH:
            raise _bad(f"a filter is nested at most {MAX_FILTER_DEPTH} deep")
        name, *elements = value
        if name in {"and", "or", "not"}:
            return self._junction(name, elements, depth)
        return _predicate(name, elements)

    def _junction(self, name: str, elements: list[object], depth: int) -> Filter:
        most = 1 if name == "not" else MAX_OPERANDS
        if not 1 <= len(elements) <= most:
            raise _bad(f"`{name}` has 1 to {most} operands")
        operands = tuple(self.expression(element, depth + 1) for element in elements)
        if name == "not":
            return Not(operands[0])
        return And(operands) if name == "and" else Or(operands)


def _predicate(name: str, elements: list[object]) -> Filter:
    """An expression about one facet."""
    count, make = _PREDICATES.get(name, (0, None))
    if make is None:
        raise _bad(f"{name[:20]!r} is not an expression")
    if len(elements) != count:
        raise _bad(f"`{name}` has {count} elements after its name")
    facet_name, *operands = elements
    if not isinstance(facet_name, str) or not is_facet_name(facet_name):
        raise _bad(f"{str(facet_name)[:40]!r} cannot be the name of a facet")
    return make(sys.intern(facet_name), *operands)  # a million filters use few names


def _read_compare(operator: str, name: str, value: object) -> Compare:
    compared = _read_value(value)
    if operator != "=" and not isinstance(compared, Ordered):
        raise _bad(f"`{operator}` compares only with values that have an order")
    return Compare(operator, name, compared)


def _read_in(name: str, values: object) -> In:
    if type(values) is not list or not 1 <= len(values) <= MAX_CHOICES:
        raise _bad(f"`in` has an array of 1 to {MAX_CHOICES} values")
    return In(name, tuple(map(_read_value, values)))


def _read_has(name: str, text: Any) -> Has:
    check_text(text, MAX_SET_TEXT_BYTES)
    return Has(name, text)


def _read_near(name: str, latitude: Any, longitude: Any, metres: Any) -> Near:
    check_circle(latitude, longitude, metres)
    return Near(name, latitude, longitude, metres)


_PREDICATES: Final[dict[str, tuple[int, Callable[..., Filter]]]] = {
    **{operator: (2, partial(_read_compare, operator)) for operator in OPERATORS},
    "known": (1, Known),
    "in": (2, _read_in),
    "has": (2, _read_has),
    "near": (4, _read_near),
}


def _read_value(value: object) -> Value:
    facet = parse_facet(value)
    if isinstance(facet, TextSet | Place):
        raise _bad(f"a {facet.kind} cannot be compared")
    if isinstance(facet, Ordered) and not is_one_value(facet):
        raise _bad("a value to compare with has one value, not a range")
    return facet


def _compare(facet: Facet | None, operator: str, value: Value) -> bool | None:
    if isinstance(value, Ordered):
        return overlaps(facet, operator, value) if isinstance(facet, Ordered) else None
    return facet == value if type(facet) is type(value) else None


def _bad(sentence: str) -> StatementError:
    return StatementError(sentence, code="bad-filter")
