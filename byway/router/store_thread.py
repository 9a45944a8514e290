"""Where the store runs: one call at a time in a worker thread, commits before everything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import trio

_T = TypeVar("_T")


class Run(Protocol):
    """Makes a call of the store and gives its result; cancelling waits until the call has ended."""

    async def __call__(self, call: Callable[[], _T], /) -> _T: ...


async def in_thread(call: Callable[[], _T], /) -> _T:
    """The result of `call`, made in a worker thread."""
    return await trio.to_thread.run_sync(call)


class StoreThread:
    """Runs calls of the store one after the other, off the event loop: with `run`, which a simulation gives its own."""

    def __init__(self, run: Run = in_thread) -> None:
        self._call = run
        self._busy = False
        self._commits = trio.lowlevel.ParkingLot()
        self._others = trio.lowlevel.ParkingLot()

    async def commit(self, call: Callable[[], _T]) -> _T:
        """The result of `call`, which goes before all reads and sweeps that are waiting.

        Cancelling waits until a call that has begun has ended: a commit is never left behind.
        """
        return await self._run(call, self._commits)

    async def run(self, call: Callable[[], _T]) -> _T:
        """The result of `call`, in its turn.  Cancelling waits until a call that has begun has ended."""
        return await self._run(call, self._others)

    async def _run(self, call: Callable[[], _T], queue: trio.lowlevel.ParkingLot) -> _T:
        if self._busy:
            await queue.park()  # whoever ends its call hands the thread over
        self._busy = True
        try:
            return await self._call(call)
        finally:
            self._busy = bool(self._commits.unpark() or self._others.unpark())
