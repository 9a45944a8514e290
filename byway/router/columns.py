"""Columns: which of up to `SLOTS` terms are false for what a cast says of one subject.

A set of slots is an integer with a bit for each.  A slot is in a column at most once, and leaves it with the value
that it came with.  Casts differ, so what one of them reads is in no cache when the next one comes: columns are packed,
and what costs is how many places in memory are looked at.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, MutableSequence
from typing import Any, ClassVar, Final

from byway.router.conditions import IN, Relation, is_ceiling

SLOTS: Final = 4096  # larger makes finding cheaper, and changes dearer
STEP: Final = 64  # thresholds between two marks
BITS: Final = tuple(1 << slot for slot in range(SLOTS))

_BYTES: Final = SLOTS // 8  # of a set of slots that is changed bit by bit
_PACKED: Final[dict[type, str]] = {int: "q", float: "d"}  # facets have integers of 64 bits


class Thresholds:
    """Slots in the order of the values that an end of a range is compared with."""

    work: ClassVar = 8  # units that finding costs at most, when little of it is in the cache
    __slots__ = ("_all", "_bisect", "_end", "_falls", "_marks", "_open_is_false", "_slots", "_values")

    def __init__(self, operator: str, *, negated: bool) -> None:
        self._end = 0 if operator in {"<", "<="} else 1  # a range overlaps what is below a value by its low end
        self._bisect = bisect_left if operator in {"<=", ">"} else bisect_right
        self._falls = is_ceiling(operator, negated=negated)
        self._open_is_false = negated
        self._all = 0
        self._values: MutableSequence[Any] = []
        self._slots = array("H")
        self._marks: list[bytearray] = []  # the slots before each STEP-th place, as the bytes of a set, lowest first

    def add(self, slot: int, value: Any) -> None:
        if not self._slots and type(value) in _PACKED:
            self._values = array(_PACKED[type(value)])
        at = bisect_right(self._values, value)
        self._values.insert(at, value)
        self._slots.insert(at, slot)
        self._all |= BITS[slot]
        self._shift(slot, at // STEP, STEP)
        if len(self._slots) == (len(self._marks) + 1) * STEP:
            self._marks.append(bytearray(self._all.to_bytes(_BYTES, "little")))

    def remove(self, slot: int, value: Any) -> bool:
        """Take `slot` out; true if the column is empty now."""
        at = self._slots.index(slot, bisect_left(self._values, value))
        self._all ^= BITS[slot]
        del self._values[at], self._slots[at]
        if len(self._slots) < len(self._marks) * STEP:
            self._marks.pop()
        self._shift(slot, at // STEP, STEP - 1)
        return not self._slots

    def false(self, ends: tuple[Any, Any]) -> int:
        """The slots whose condition is false for a range with these ends."""
        end = ends[self._end]
        if end is None:
            return self._all if self._open_is_false else 0
        at = self._bisect(self._values, end)
        marks = min((at + STEP // 2) // STEP, len(self._marks))  # up to the nearest
        slots = self._marks[marks - 1].copy() if marks else bytearray(_BYTES)
        for slot in self._slots[marks * STEP : at] or self._slots[at : marks * STEP]:
            slots[slot >> 3] ^= 1 << (slot & 7)
        before = int.from_bytes(slots, "little")
        return before if self._falls else self._all ^ before

    def _shift(self, slot: int, first: int, crossing: int) -> None:
        """Bring the marks from the `first` on up to date: `slot` came or went, so another crossed each of them."""
        byte, bit = slot >> 3, 1 << (slot & 7)
        for mark, other in zip(self._marks[first:], self._slots[first * STEP + crossing :: STEP], strict=True):
            mark[byte] ^= bit
            mark[other >> 3] ^= 1 << (other & 7)


class Choices:
    """Slots by the texts that they ask for: one of them has to be there, or, negated, none of them may be."""

    work: ClassVar = 12  # units, for a set of as many texts as there may be
    __slots__ = ("_all", "_by_text", "_negated")

    def __init__(self, *, negated: bool) -> None:
        self._negated = negated
        self._all = 0
        self._by_text: dict[Hashable, int] = {}  # a set of slots, or one slot as its complement, which is much smaller

    def add(self, slot: int, texts: Iterable[Hashable]) -> None:
        self._all |= BITS[slot]
        for text in texts:
            self._by_text[text] = self._with(text) | BITS[slot] if text in self._by_text else ~slot

    def remove(self, slot: int, texts: Iterable[Hashable]) -> bool:
        """Take `slot` out; true if the column is empty now."""
        self._all ^= BITS[slot]
        for text in texts:
            left = self._with(text) ^ BITS[slot]
            if left:
                self._by_text[text] = left
            else:
                del self._by_text[text]
        return not self._all

    def false(self, texts: Iterable[Hashable]) -> int:
        """The slots whose condition is false where these texts are there."""
        asked = 0
        for text in texts:
            slots = self._by_text.get(text, 0)
            asked |= slots if slots >= 0 else BITS[~slots]
        return asked if self._negated else self._all ^ asked

    def _with(self, text: Hashable) -> int:
        slots = self._by_text[text]
        return slots if slots >= 0 else BITS[~slots]


Column = Thresholds | Choices


def slots_in(slots: int) -> list[int]:
    """Each of a set of slots, the last one first."""
    if not slots:
        return []
    slot = slots.bit_length() - 1
    each = []
    for zeros in bin(slots)[len("0b1") :].split("1"):
        each.append(slot)
        slot -= 1 + len(zeros)
    return each


def column_for(relation: Relation) -> Column:
    """An empty column for conditions of this kind."""
    operator, negated, _ = relation
    return Choices(negated=negated) if operator == IN else Thresholds(operator, negated=negated)
