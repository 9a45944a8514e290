"""What a machine is doing at an instant, for faults that wait for it and for the table of what was met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from random import Random
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
WORK_S: Final = (0.0002, 0.003)  # what a flush, a page or a batch of signatures takes
AT_ONCE: Final = 0.6  # of all work: what takes a while costs the simulation as much time as what it does
LOOK_EVERY_S: Final = 0.05
HELD_S: Final = 0.2  # what it takes while a fault waits for more to come together
STATES: Final = (RECOVERING, IDLE, VERIFYING, COMMITTING, COMMITTED, DELIVERING, AWAITING, PAGING, SWEEPING)


class States:
    """The states of one machine; it may be in several at once."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._changed = trio.Event()
        self._held: Counter[str] = Counter()

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

    @contextmanager
    def held(self, state: str) -> Generator[None]:
        """Work of this kind takes long while the block runs."""
        self._held[state] += 1
        try:
            yield
        finally:
            self._held[state] -= 1
            self._tell()

    async def work(self, state: str, random: Random) -> None:
        """What is done in a state takes its time, or none."""
        await trio.sleep(0.0 if random.random() < AT_ONCE else random.uniform(*WORK_S))
        if self._held[state]:
            with trio.move_on_after(HELD_S):
                while self._held[state]:
                    await self._changed.wait()

    async def reach(self, state: str, *, within_s: float, ready: Callable[[], object] = lambda: True) -> bool:
        """Wait for a state in which what `ready` looks at is so too.  False if it did not come in time."""
        with trio.move_on_after(within_s):
            while not (is_there := state in self.now) or not ready():
                with trio.move_on_after(LOOK_EVERY_S) if is_there else nullcontext():
                    await self._changed.wait()
            return True
        return False

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
