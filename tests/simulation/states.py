"""What a machine is doing at an instant, for faults that wait for it and for the table of what was met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import trio

RECOVERING: Final = "recovering"  # from opening the store until it listens
IDLE: Final = "idle"
VERIFYING: Final = "verifying"
COMMITTING: Final = "committing"  # a commit is due, and not flushed
COMMITTED: Final = "committed"  # flushed, and no receipt has left
DELIVERING: Final = "delivering"
AWAITING: Final = "awaiting ack"
PAGING: Final = "paging"  # reading the backlog
SWEEPING: Final = "sweeping"
STATES: Final = (RECOVERING, IDLE, VERIFYING, COMMITTING, COMMITTED, DELIVERING, AWAITING, PAGING, SWEEPING)


class States:
    """The states of one machine; it may be in several at once."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._changed = trio.Event()

    @property
    def now(self) -> frozenset[str]:
        found = frozenset(state for state, count in self._counts.items() if count > 0)
        return found or frozenset([IDLE])

    def enter(self, state: str) -> None:
        self._counts[state] += 1
        self._tell()

    def leave(self, state: str) -> None:
        self._counts[state] -= 1
        self._tell()

    def clear(self) -> None:
        """The machine has lost its memory."""
        self._counts.clear()
        self._tell()

    @contextmanager
    def being(self, state: str) -> Generator[None]:
        self.enter(state)
        counts = self._counts
        try:
            yield
        finally:
            if counts[state] > 0:
                self.leave(state)

    async def reach(self, state: str, *, within_s: float) -> bool:
        """Wait for a state.  False if it did not come in time."""
        with trio.move_on_after(within_s):
            while state not in self.now:
                await self._changed.wait()
            return True
        return False

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
