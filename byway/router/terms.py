"""Many filters as terms in columns, which find the false ones together.

What a cast finds is what no column calls false, less what the remainder of its term makes false.  Segments are small,
so that a change touches little.  Where one handle alone has a filter of one term, the slot holds the handle itself:
what a cast finds is in no cache, and each object on the way to it would have to be fetched from memory.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

from byway.protocol.filter import Filter
from byway.router.columns import BITS, SLOTS, Column, column_for, slots_in
from byway.router.conditions import Cast, Literal, Relation, Subject, Term, passes, terms_of

Handle = TypeVar("Handle")

SEGMENT_WORK: Final = 40  # units: a cast has up to 193 readings, each of which may have columns
_NO_COLUMNS: Final[dict[Relation, Column]] = {}


class Terms(Generic[Handle]):
    """The terms of filters, and the handles that are found by them.  Whoever adds a filter keeps its slots."""

    def __init__(self) -> None:
        self._segments: list[_Segment[Handle]] = []
        self._free: dict[bool, list[int]] = {False: [], True: []}
        self._last: dict[bool, int] = {}

    @property
    def work(self) -> int:
        """Units of work that finding costs at most, beside what is found."""
        return sum([segment.work for segment in self._segments if segment.live])

    def add(self, filter_: Filter, handles: list[Handle]) -> tuple[int, ...]:
        """Take in a filter with a list of its handles, and tell its slots."""
        terms = terms_of(filter_)
        slots = tuple(self._slot(exact=not term.remainder) for term in terms)
        for slot, term in zip(slots, terms, strict=True):
            self._segments[slot // SLOTS].add(slot % SLOTS, term, handles)
        return slots

    def update(self, slots: tuple[int, ...], handles: list[Handle]) -> None:
        """Take notice that there are others in the list of these slots: one alone is held without it."""
        alone = len(slots) == len(handles) == 1
        for slot in slots:
            segment = self._segments[slot // SLOTS]
            if alone:
                segment.hold(slot % SLOTS, handles[0])
            else:
                segment.hold_all(slot % SLOTS, handles)

    def remove(self, filter_: Filter, slots: tuple[int, ...]) -> None:
        for slot, term in zip(slots, terms_of(filter_), strict=True):
            self._segments[slot // SLOTS].remove(slot % SLOTS, term)
            self._free[not term.remainder].append(slot)

    def find(self, cast: Cast) -> list[Handle]:
        """The handles whose filter is not false, each once."""
        found: list[Handle] = []
        lists: dict[int, list[Handle]] = {}
        for segment in self._segments:
            segment.find(cast, found, lists)
        for handles in lists.values():
            found += handles
        return found

    def _slot(self, *, exact: bool) -> int:
        """A free slot.  Terms without a remainder keep to themselves, so that each segment has fewer columns."""
        if self._free[exact]:
            return self._free[exact].pop()
        last = self._last.get(exact)
        if last is None or self._segments[last].is_full:
            last = self._last[exact] = len(self._segments)
            self._segments.append(_Segment())
        return last * SLOTS + self._segments[last].issue()


class _Segment(Generic[Handle]):
    """Up to `SLOTS` terms.  Each condition is in a column; a slot that no column calls false fulfils all of its own."""

    __slots__ = ("_columns", "_held", "_lists", "_remainders", "live", "work")

    def __init__(self) -> None:
        self.work = SEGMENT_WORK
        self.live = 0
        self._lists = 0  # the slots that hold a list of handles, and not a handle
        self._held: list[Any] = []
        self._remainders: dict[int, tuple[Literal, ...]] = {}
        self._columns: dict[Subject, dict[Relation, Column]] = {}

    @property
    def is_full(self) -> bool:
        return len(self._held) == SLOTS

    def issue(self) -> int:
        """A slot that has never been used."""
        self._held.append(None)
        return len(self._held) - 1

    def hold(self, slot: int, handle: Handle) -> None:
        """Find this handle by this slot."""
        self._held[slot] = handle
        self._lists &= ~BITS[slot]

    def hold_all(self, slot: int, handles: list[Handle]) -> None:
        """Find what is in this list by this slot."""
        self._held[slot] = handles
        self._lists |= BITS[slot]

    def add(self, slot: int, term: Term, handles: list[Handle]) -> None:
        self.live |= BITS[slot]
        self.hold_all(slot, handles)
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
        self._held[slot] = None
        self._lists &= ~BITS[slot]
        self.live ^= BITS[slot]
        if self._remainders.pop(slot, None):
            self.work -= term.work
        for (subject, relation), value in term.conditions.items():
            columns = self._columns[subject]
            if columns[relation].remove(slot, value):
                self.work -= columns.pop(relation).work
                if not columns:
                    del self._columns[subject]

    def find(self, cast: Cast, found: list[Handle], lists: dict[int, list[Handle]]) -> None:
        """Add to `found` the handles, and to `lists` the lists, whose terms are not false."""
        false = 0
        for subject, reading in cast.readings:
            for column in self._columns.get(subject, _NO_COLUMNS).values():
                false |= column.false(reading)
        left = self.live & ~false
        if listed := left & self._lists:
            left ^= listed
            lists.update((id(self._held[slot]), self._held[slot]) for slot in self._passing(listed, cast))
        held = self._held
        found += [held[slot] for slot in self._passing(left, cast)]

    def _passing(self, slots: int, cast: Cast) -> list[int]:
        """Those of these slots whose remainder is not false."""
        remainders = self._remainders
        passing = slots_in(slots)
        if remainders:
            passing = [slot for slot in passing if passes(remainders[slot], cast.facets)]
        return passing
