"""Once a second: deletes what has expired, and tells how much that was, and what has been found damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import structlog
import trio

from byway.errors import StoreError
from byway.router.store_thread import StoreThread
from byway.store.store import Store

log = structlog.get_logger()

SWEEP_EVERY_S: Final = 1.0
SLICE: Final = (
    256  # statements, or a whole commit: about as long as a commit takes, so that sweeping keeps up with accepting
)


class Sweeper:
    """Keeps the store of one router clean.  Expiry never waits for a subscriber, nor a commit for expiry."""

    def __init__(
        self, store: Store, thread: StoreThread, *, now_ms: Callable[[], int], fail: Callable[[StoreError], object]
    ) -> None:
        """`fail` is told when the store raises."""
        self._store = store
        self._thread = thread
        self._now_ms = now_ms
        self._fail = fail
        self._damaged: frozenset[int] = frozenset()

    @property
    def damaged(self) -> int:
        """How many statements have been found damaged since the start.  They are not handed out."""
        return len(self._damaged)

    async def run(self) -> None:
        """Sweep until cancelled: in slices, between which waiting commits go first, as long as something is due."""
        while True:
            deleted = 0
            try:
                while count := await self._thread.run(lambda: self._store.sweep(self._now_ms(), SLICE)):
                    deleted += count
            except StoreError as error:
                self._fail(error)
            if deleted:
                log.info("expired", code="expired", count=deleted)
            self._tell(await self._thread.run(lambda: self._store.damaged))
            await trio.sleep(SWEEP_EVERY_S)

    def _tell(self, damaged: frozenset[int]) -> None:
        for first, last in _ranges(damaged - self._damaged):
            log.error(
                "damaged",
                code="damaged",
                first=first,
                last=last,
                next_step="check the disk; what its senders or another router still have can be submitted again",
            )
        self._damaged = damaged


def _ranges(sequences: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = 0
    for sequence in sorted(sequences):
        if last and sequence != last + 1:
            yield first, last
        if sequence != last + 1 or not last:
            first = sequence
        last = sequence
    if last:
        yield first, last
