"""Facets of every type.  Names and values are few, so that filters often have something to compare."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from byway.protocol.decimals import read_decimal
from byway.protocol.facets import (
    MAX_LATITUDE,
    MAX_LONGITUDE,
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
from byway.protocol.limits import (
    MAX_DAY,
    MAX_INSTANT_MS,
    MAX_INTEGER,
    MAX_METRES,
    MAX_SET_TEXT_BYTES,
    MAX_TEXT_BYTES,
    MIN_DAY,
    MIN_INSTANT_MS,
    MIN_INTEGER,
)

NAMES: Final = ["price", "beds", "kind", "where", "tags", "in", "known", "true", "a_1"]

Number = TypeVar("Number", int, Decimal)

names = st.sampled_from(NAMES)
currencies = st.sampled_from(["USD", "EUR", "JPY", "KWD"])
units = st.sampled_from(["LBR", "KGM", "C62", "4B"])
integers = st.integers(-3, 3) | st.integers(MIN_INTEGER, MAX_INTEGER)
days = st.integers(20_000, 20_003) | st.integers(MIN_DAY, MAX_DAY)
instants = st.integers(0, 3) | st.integers(MIN_INSTANT_MS, MAX_INSTANT_MS)


def _wire_decimal(mantissa: int, exponent: int) -> list[int]:
    while mantissa and mantissa % 10 == 0:
        mantissa //= 10
    return [mantissa, exponent if mantissa else 0]


decimals: SearchStrategy[Decimal] = st.builds(
    _wire_decimal,
    st.integers(-30, 30) | st.integers(MIN_INTEGER, MAX_INTEGER),
    st.integers(-1, 1) | st.integers(-18, 18),
).map(read_decimal)


def texts(max_bytes: int = MAX_TEXT_BYTES) -> SearchStrategy[str]:
    """Texts of 1 to `max_bytes` bytes."""
    any_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=max_bytes // 4)
    return st.sampled_from(["condo", "house", "\U0001f3e0"]) | any_text


def ranges(make: Callable[[Number | None, Number | None], Ordered], ends: SearchStrategy[Number]) -> Any:
    """Ordered facets: one value, a closed range, or one with an open end."""
    return (
        ends.map(lambda value: make(value, value))
        | st.tuples(ends, ends).map(lambda pair: make(min(pair), max(pair)))
        | ends.map(lambda low: make(low, None))
        | ends.map(lambda high: make(None, high))
    )


def money(ends: SearchStrategy[int] = integers) -> SearchStrategy[Money]:
    found: SearchStrategy[Money] = currencies.flatmap(
        lambda code: ranges(lambda low, high: Money(code, low, high), ends)
    )
    return found


def quantities(ends: SearchStrategy[Decimal] = decimals) -> SearchStrategy[Quantity]:
    found: SearchStrategy[Quantity] = units.flatmap(
        lambda code: ranges(lambda low, high: Quantity(code, low, high), ends)
    )
    return found


places = st.builds(
    Place,
    st.sampled_from([0, 42_280_000]) | st.integers(-MAX_LATITUDE, MAX_LATITUDE),
    st.sampled_from([0, -83_740_000]) | st.integers(-MAX_LONGITUDE, MAX_LONGITUDE),
    st.sampled_from([0, 500]) | st.integers(0, MAX_METRES),
)
text_sets = st.lists(texts(MAX_SET_TEXT_BYTES), min_size=1, max_size=5).map(TextSet.of)
ordered: SearchStrategy[Ordered] = st.one_of(
    ranges(Integer, integers),
    ranges(DecimalRange, decimals),
    ranges(Date, days),
    ranges(Instant, instants),
    money(),
    quantities(),
)


def facets() -> SearchStrategy[Facet]:
    """A facet of any type."""
    return st.one_of(texts().map(Text), st.booleans().map(Boolean), text_sets, places, ordered)


def facet_maps() -> SearchStrategy[dict[str, Facet]]:
    """The facets of a cast."""
    return st.dictionaries(names, facets(), max_size=len(NAMES))


def nearly_facets() -> SearchStrategy[Any]:
    """Decoded values that look like facets, most of them wrong in one place."""
    odd: SearchStrategy[Any] = st.sampled_from(
        [
            None,
            True,
            0,
            -1,
            2**63,
            1.5,
            "",
            "x" * 257,
            "\ud800",
            "usd",
            b"USD",
            [],
            [1, 0],
            [10, 0],
            [1, 19],
            [None],
            {},
        ]
    )

    def spoilt(wire: list[Any], at: int, what: Any, how: int) -> list[Any]:
        at %= len(wire)
        return [[*wire[:at], what, *wire[at + 1 :]], wire[:at], [*wire, what], wire][how]

    return odd | st.builds(spoilt, facets().map(lambda facet: facet.wire()), st.integers(0, 9), odd, st.integers(0, 3))
