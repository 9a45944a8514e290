"""What a subscriber has handled of one journal, in one epoch (wire-protocol sections 4.10 and 8.5).  Pure.

Deliveries may be handled in any order.  `through` moves up to the first that is not handled yet; what is handled
above it is `also`.  What lies below `through` is signed for in ranges that join.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from byway.protocol.frames import Entry
from byway.protocol.limits import MAX_ALSO

MAX_SIGNED_REFUSALS: Final = 1000  # an acknowledgement has a body of at most 4,096 values


@dataclass(frozen=True, slots=True)
class Range:
    """What one acknowledgement is about: the journal range (`after`, `through`]."""

    after: int
    through: int
    delivered: tuple[tuple[int, bytes], ...]  # sequences and ids, in order
    refused: tuple[tuple[int, str], ...]  # sequences and codes


class Handled:
    """Begins at the cursor that the server named; `through` is what is handled without a gap."""

    def __init__(self, cursor: int) -> None:
        self.through = cursor
        self._looked = cursor  # how far the server has looked
        self._order: list[int] = []  # a heap of what was delivered above `through`
        self._waiting: set[int] = set()  # of these, what is not handled
        self._above: dict[int, tuple[bytes, str]] = {}  # of these, what is: the id, and the code of a refusal
        self._signed = cursor
        self._unsigned: list[tuple[int, bytes, str]] = []  # handled up to `through` and not signed for
        self._refused: list[tuple[int, str]] = []  # not told yet

    def deliver(self, through: int, entries: Iterable[Entry]) -> list[Entry]:
        """Take a Deliver in; returns what was not delivered before in this epoch."""
        new = [entry for entry in entries if not self._is_known(entry.sequence)]
        for entry in new:
            self._waiting.add(entry.sequence)
            heappush(self._order, entry.sequence)
        self._looked = max(self._looked, through)
        self._move()
        return new

    def handle(self, sequence: int, statement_id: bytes, code: str = "") -> None:
        """The subscriber is done with a delivery; `code` says why it was refused.  Twice is once."""
        if sequence not in self._waiting:
            return
        self._waiting.remove(sequence)
        self._above[sequence] = (statement_id, code)
        if code:
            self._refused.append((sequence, code))
        self._move()

    @property
    def also(self) -> tuple[int, ...]:
        """The first of what is handled above `through`, as many as an Ack may list."""
        return tuple(sorted(self._above)[:MAX_ALSO])

    def take_refused(self) -> tuple[tuple[int, str], ...]:
        """What was refused since this was asked last."""
        refused, self._refused = self._refused[:MAX_ALSO], self._refused[MAX_ALSO:]
        return tuple(refused)

    def range(self) -> Range | None:
        """What to sign for next; None if all that was delivered up to `through` is signed for."""
        if not self._unsigned:
            return None
        through = self.through
        refused = [(sequence, code) for sequence, _, code in self._unsigned if code]
        if len(refused) > MAX_SIGNED_REFUSALS:
            refused = refused[:MAX_SIGNED_REFUSALS]
            through = refused[-1][0]
        delivered = tuple((sequence, digest) for sequence, digest, _ in self._unsigned if sequence <= through)
        return Range(self._signed, through, delivered, tuple(refused))

    def signed(self, through: int) -> None:
        """The server has the acknowledgement up to `through`."""
        self._signed = through
        self._unsigned = [part for part in self._unsigned if part[0] > through]

    def _is_known(self, sequence: int) -> bool:
        return sequence <= self.through or sequence in self._waiting or sequence in self._above

    def _move(self) -> None:
        while self._order and self._order[0] in self._above:
            sequence = heappop(self._order)
            self._unsigned.append((sequence, *self._above.pop(sequence)))
        self.through = self._order[0] - 1 if self._order else self._looked
