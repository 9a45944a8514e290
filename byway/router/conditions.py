"""What a filter demands, in the form that can be looked up.

"Delivered unless false" has two values, and splits by the rules of Kleene's logic: a conjunction is not false if no
operand is, a disjunction if one operand is not, and a negation if its operand is not true.  So every filter is a few
terms, one of which has to hold, and a term is a few conditions, all of which have to.  What no column can tell
exactly stays in the term as its remainder, to be evaluated for the casts that fulfil all else.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from math import cos, radians, sin
from typing import Any, Final, NamedTuple, TypeAlias

from byway.protocol.distance import EARTH_RADIUS_M, MICRO_DEGREES
from byway.protocol.facets import Boolean, Facet, Ordered, Place, Text, TextSet
from byway.protocol.filter import And, Compare, Filter, Has, In, Known, Near, Not, Or, Value

MAX_TERMS: Final = 4  # beyond it a disjunction is evaluated rather than looked up
MAX_CONDITIONS: Final = 12  # of one term: two places and four others
MAX_OF_ONE_KIND: Final = 4  # texts that one set has to hold
AXES: Final = ("x", "y", "z")
ROUNDING_M: Final = 1.0  # far more than what floats and the haversine formula lose

Subject: TypeAlias = tuple[str, str, str]
"""What a column reads: the name of a facet, its type, and its currency, unit or axis."""
Relation: TypeAlias = tuple[str, bool, int]
"""An operator (`in` for texts), whether it is negated, and which of several of the same kind."""
Literal: TypeAlias = tuple[Filter, bool]
"""An expression, and whether it is negated."""

Key: TypeAlias = tuple[Subject, Relation]
"""Which column decides a condition."""
Condition: TypeAlias = tuple[Subject, str, bool, Any]
"""What is read, operator, whether it is negated, and the value: a set of texts or a threshold."""

IN: Final = "in"
NAMES: Final[Subject] = ("", "set", "")  # the names of the facets that are there: no facet has an empty name


class Term(NamedTuple):
    """Conditions that columns decide, by what they read, and the remainder that has to be evaluated."""

    conditions: dict[Key, Any]
    remainder: tuple[Literal, ...]

    @property
    def work(self) -> int:
        """Units of work that the remainder costs for one cast."""
        return sum(work_of(expression) for expression, _ in self.remainder)


class Cast:
    """The facets of one cast, as they are and as columns read them."""

    def __init__(self, facets: Mapping[str, Facet]) -> None:
        self.facets = facets

    @cached_property
    def readings(self) -> list[tuple[Subject, tuple[Any, ...]]]:
        """Of each subject its texts, or the two ends of its range."""
        readings: list[tuple[Subject, tuple[Any, ...]]] = [(NAMES, tuple(self.facets))]
        for name, facet in self.facets.items():
            if isinstance(facet, Ordered):
                readings.append((_subject(name, facet), (facet.low, facet.high)))
            elif isinstance(facet, Place):
                for axis, at in zip(AXES, _position_m(facet.latitude, facet.longitude), strict=True):
                    readings.append(((name, facet.kind, axis), (at - facet.precision, at + facet.precision)))
            else:
                readings.append(
                    (_subject(name, facet), facet.texts if isinstance(facet, TextSet) else (_plain(facet),))
                )
        return readings


def terms_of(filter_: Filter) -> list[Term]:
    """The filter is not false exactly if, for one of these, every condition and the remainder are not false."""
    return [_term(literals) for literals in _alternatives(filter_, negated=False)]


def passes(remainder: tuple[Literal, ...], facets: Mapping[str, Facet]) -> bool:
    """Whether nothing in the remainder of a term is false."""
    return all(expression.evaluate(facets) is not negated for expression, negated in remainder)


def work_of(expression: Filter) -> int:
    """Units of work, each about half a microsecond, that evaluating this costs at most."""
    if isinstance(expression, And | Or):
        return 1 + sum(map(work_of, expression.operands))
    if isinstance(expression, Not):
        return 1 + work_of(expression.operand)
    if isinstance(expression, In):
        return 1 + len(expression.values)
    return 3 if isinstance(expression, Near) else 1


def is_ceiling(operator: str, *, negated: bool) -> bool:
    """Whether such a condition is false for all that lies above its value, rather than below."""
    return (operator in {"<", "<="}) is not negated


def _alternatives(expression: Filter, *, negated: bool) -> list[tuple[Literal, ...]]:
    """Conjunctions of which one has to hold."""
    whole: list[tuple[Literal, ...]] = [((expression, negated),)]
    if isinstance(expression, Not):
        return _alternatives(expression.operand, negated=not negated)
    if not isinstance(expression, And | Or):
        return whole
    parts = [_alternatives(operand, negated=negated) for operand in expression.operands]
    if isinstance(expression, Or) is not negated:
        joined = [literals for part in parts for literals in part]
        return joined if len(joined) <= MAX_TERMS else whole
    product: list[tuple[Literal, ...]] = [()]
    for operand, part in zip(expression.operands, parts, strict=True):
        fits = len(product) * len(part) <= MAX_TERMS
        product = [left + right for left in product for right in (part if fits else [((operand, negated),)])]
    return product


def _term(literals: tuple[Literal, ...]) -> Term:
    conditions: dict[Key, Any] = {}
    remainder = []
    for expression, negated in literals:
        found, exact = _conditions(expression, negated=negated)
        fits = len(conditions) + len(found) <= MAX_CONDITIONS
        if not (fits and all(_demand(conditions, *condition) for condition in found) and exact):
            remainder.append((expression, negated))
    return Term(conditions, tuple(remainder))


def _demand(conditions: dict[Key, Any], subject: Subject, operator: str, negated: bool, value: Any) -> bool:  # noqa: FBT001 - part of a condition
    """Add one condition to those of a term; false if it has too many of that kind."""
    key = (subject, (operator, negated, 0))
    if operator != IN:
        stricter = min if is_ceiling(operator, negated=negated) else max
        conditions[key] = stricter(conditions.get(key, value), value)
    elif negated:
        conditions[key] = conditions.get(key, frozenset()) | value
    else:
        keys = [(subject, (operator, negated, number)) for number in range(MAX_OF_ONE_KIND)]
        return any(conditions.setdefault(key, value) == value for key in keys)
    return True


def _conditions(expression: Filter, *, negated: bool) -> tuple[list[Condition], bool]:
    """Conditions that are false only where the literal is, and whether they are always false there."""
    match expression:
        case Known(name):
            return [(NAMES, IN, negated, frozenset([name]))], True
        case Has(name, text):
            return [((name, "set", ""), IN, negated, frozenset([text]))], True
        case Compare("=", name, value):
            return _membership(name, (value,), negated=negated)
        case Compare(operator, name, value) if isinstance(value, Ordered):
            return [((name, value.kind, value.scale), operator, negated, value.low)], True
        case In(name, values):
            return _membership(name, values, negated=negated)
        case Near(name, latitude, longitude, metres) if not negated:
            reach = metres + ROUNDING_M
            positions = zip(AXES, _position_m(latitude, longitude), strict=True)
            level = sorted(positions, key=lambda position: abs(position[1]))[:2]  # the third stands nearly upright here
            return [end for axis, at in level for end in _within((name, "place", axis), at - reach, at + reach)], False
    return [], False


def _membership(name: str, values: tuple[Value, ...], *, negated: bool) -> tuple[list[Condition], bool]:
    subjects = {_subject(name, value) for value in values}
    if len(subjects) > 1:  # never false, because one value is always unknown; but it can be true
        return [], not negated
    (subject,) = subjects
    ordered: list[Any] = [value.low for value in values if isinstance(value, Ordered)]
    if not ordered:
        return [(subject, IN, negated, frozenset(map(_plain, values)))], True
    return ([], False) if negated else (_within(subject, min(ordered), max(ordered)), len(values) == 1)


def _within(subject: Subject, low: Any, high: Any) -> list[Condition]:
    return [(subject, ">=", False, low), (subject, "<=", False, high)]


def _subject(name: str, facet: Facet) -> Subject:
    return name, facet.kind, facet.scale if isinstance(facet, Ordered) else ""


def _plain(facet: Facet) -> str | bool:
    """What a text or a boolean holds."""
    return facet.text if isinstance(facet, Text) else isinstance(facet, Boolean) and facet.true


def _position_m(latitude: int, longitude: int) -> tuple[float, float, float]:
    """Where a point of the sphere lies in space: no two points are further apart on an axis than on the ground."""
    north, east = radians(latitude / MICRO_DEGREES), radians(longitude / MICRO_DEGREES)
    return EARTH_RADIUS_M * cos(north) * cos(east), EARTH_RADIUS_M * cos(north) * sin(east), EARTH_RADIUS_M * sin(north)
