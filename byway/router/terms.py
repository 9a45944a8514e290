"""Many filters as terms in columns, which find the false ones together.

What a cast finds is what no column calls false, less what the remainder of its term makes false.  Segments are small,
so that a change touches little.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from byway.protocol.filter import Filter
from byway.router.columns import BITS, SLOTS, Column, column_for
from byway.router.conditions import Cast, Literal, Relation, Subject, Term, passes, terms_of

Found = TypeVar("Found")

SEGMENT_WORK: Final = 40  # units: a cast has up to 193 readings, each of which may have columns
_NO_COLUMNS: Final[dict[Relation, Column]] = {}


class Terms(Generic[Found]):
    """The terms of filters, and what is found by them.  Whoever adds a filter keeps its slots."""

    def __init__(self) -> None:
        self._segments: list[_Segment[Found]] = []
        self._free: dict[bool, list[int]] = {False: [], True: []}
        self._last: dict[bool, int] = {}

    @property
    def work(self) -> int:
        """Units of work that finding costs at most, beside what is found."""
        return sum([segment.work for segment in self._segments if segment.live])

    def add(self, filter_: Filter, found: Found) -> tuple[int, ...]:
        """Take in a filter, and tell its slots."""
        terms = terms_of(filter_)
        slots = tuple(self._slot(exact=not term.remainder) for term in terms)
        for slot, term in zip(slots, terms, strict=True):
            self._segments[slot // SLOTS].add(slot % SLOTS, term, found, several=len(terms) > 1)
        return slots

    def remove(self, filter_: Filter, slots: tuple[int, ...]) -> None:
        for slot, term in zip(slots, terms_of(filter_), strict=True):
            self._segments[slot // SLOTS].remove(slot % SLOTS, term)
            self._free[not term.remainder].append(slot)

    def find(self, cast: Cast) -> list[Found]:
        """What was added with filters that are not false."""
        found = [each for segment in self._segments for each in segment.find(cast)]
        return list(dict.fromkeys(found)) if any(segment.several for segment in self._segments) else found

    def _slot(self, *, exact: bool) -> int:
        """A free slot.  Terms without a remainder keep to themselves, so that each segment has fewer columns."""
        if self._free[exact]:
            return self._free[exact].pop()
        last = self._last.get(exact)
        if last is None or self._segments[last].is_full:
            last = self._last[exact] = len(self._segments)
            self._segments.append(_Segment())
        return last * SLOTS + self._segments[last].issue()


class _Segment(Generic[Found]):
    """Up to `SLOTS` terms.  Each condition is in a column; a slot that no column calls false fulfils all of its own."""

    __slots__ = ("_columns", "_found", "_remainders", "live", "several", "work")

    def __init__(self) -> None:
        self.work = SEGMENT_WORK
        self.several = 0  # terms of filters that have more than one
        self.live = 0
        self._found: list[Found | None] = []
        self._remainders: dict[int, tuple[Literal, ...]] = {}
        self._columns: dict[Subject, dict[Relation, Column]] = {}

    @property
    def is_full(self) -> bool:
        return len(self._found) == SLOTS

    def issue(self) -> int:
        """A slot that has never been used."""
        self._found.append(None)
        return len(self._found) - 1

    def add(self, slot: int, term: Term, found: Found, *, several: bool) -> None:
        self._found[slot] = found
        self.live |= BITS[slot]
        if several:
            self.several |= BITS[slot]
        if term.remainder:
            self._remainders[slot] = term.remainder
            self.work += term.work
        for (subject, relation), value in term.conditions.items():
            columns = self._columns.setdefault(subject, {})
            if relation not in columns:
                columns[relation] = column_for(relation)
                self.work += columns[relation].work
            columns[relation].add(slot, value)

    def remove(self, slot: int, term: Term) -> None:
        self._found[slot] = None
        self.live ^= BITS[slot]
        self.several &= ~BITS[slot]
        if self._remainders.pop(slot, None):
            self.work -= term.work
        for (subject, relation), value in term.conditions.items():
            columns = self._columns[subject]
            if columns[relation].remove(slot, value):
                self.work -= columns.pop(relation).work
                if not columns:
                    del self._columns[subject]

    def find(self, cast: Cast) -> list[Found]:
        """What was added with terms that are not false."""
        false = 0
        for subject, reading in cast.readings:
            for column in self._columns.get(subject, _NO_COLUMNS).values():
                false |= column.false(reading)
        found = []
        digits = bin(self.live & ~false)[:1:-1]
        slot = digits.find("1")
        while slot >= 0:
            each = self._found[slot]
            if each is not None and (slot not in self._remainders or passes(self._remainders[slot], cast.facets)):
                found.append(each)
            slot = digits.find("1", slot + 1)
        return found
