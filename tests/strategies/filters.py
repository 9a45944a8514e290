"""Filters, over the names and values of `tests.strategies.facets`."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from byway.errors import StatementError
from byway.protocol.facets import (
    MAX_LATITUDE,
    MAX_LONGITUDE,
    Boolean,
    Date,
    DecimalRange,
    Instant,
    Integer,
    Money,
    Ordered,
    Quantity,
    Text,
)
from byway.protocol.filter import And, Compare, Filter, Has, In, Known, Near, Not, Or, Value, parse_filter
from byway.protocol.limits import MAX_METRES, MAX_SET_TEXT_BYTES
from tests.strategies import facets

ordered_values: SearchStrategy[Ordered] = st.one_of(
    facets.integers.map(lambda value: Integer(value, value)),
    facets.decimals.map(lambda value: DecimalRange(value, value)),
    facets.days.map(lambda value: Date(value, value)),
    facets.instants.map(lambda value: Instant(value, value)),
    st.builds(lambda currency, value: Money(currency, value, value), facets.currencies, facets.integers),
    st.builds(lambda unit, value: Quantity(unit, value, value), facets.units, facets.decimals),
)
values: SearchStrategy[Value] = ordered_values | facets.texts().map(Text) | st.booleans().map(Boolean)

predicates: SearchStrategy[Filter] = st.one_of(
    st.builds(Known, facets.names),
    st.builds(Compare, st.just("="), facets.names, values),
    st.builds(Compare, st.sampled_from(["<", "<=", ">", ">="]), facets.names, ordered_values),
    st.builds(In, facets.names, st.lists(values, min_size=1, max_size=4).map(tuple)),
    st.builds(Has, facets.names, facets.texts(MAX_SET_TEXT_BYTES)),
    st.builds(
        Near,
        facets.names,
        st.integers(-MAX_LATITUDE, MAX_LATITUDE),
        st.integers(-MAX_LONGITUDE, MAX_LONGITUDE),
        st.integers(0, MAX_METRES),
    ),
)


def filters(min_operands: int = 1) -> SearchStrategy[Filter]:
    """Filters within the limits; `and` and `or` have at least `min_operands`."""

    def joined(inner: SearchStrategy[Filter]) -> SearchStrategy[Filter]:
        operands = st.lists(inner, min_size=min_operands, max_size=4).map(tuple)
        return st.builds(And, operands) | st.builds(Or, operands) | st.builds(Not, inner)

    return st.recursive(predicates, joined, max_leaves=12).filter(_is_within_limits)


def nearly_filters() -> SearchStrategy[Any]:
    """Decoded values that look like filters, most of them wrong in one place."""
    odd = facets.nearly_facets() | st.sampled_from([["and"], ["not"], ["known", "A"], ["in", "price", []]])

    def spoilt(wire: list[Any], path: list[int], what: Any) -> list[Any]:
        inner = wire
        for step in path:
            at = step % len(inner)
            if not isinstance(inner[at], list) or not inner[at]:
                break
            inner = inner[at]
        inner[path[-1] % len(inner)] = what
        return wire

    return odd | st.builds(
        spoilt, filters().map(lambda filter_: filter_.wire()), st.lists(st.integers(0, 5), min_size=1, max_size=4), odd
    )


def _is_within_limits(made: Filter) -> bool:
    try:
        parse_filter(made.wire())
    except StatementError:
        return False
    return True
