"""Worker threads get their turn beside a busy event loop.

A loop that always has a runnable task polls with a timeout of zero.  Each poll gives up the interpreter lock
for an instant and takes it back, which resets the clock after which a waiting thread may ask for it: the
thread that writes the store then gets no turn at all (`docs/decisions/0008-thread-turns.md`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import trio

_T = TypeVar("_T")

_ENOUGH_TO_SWITCH_S: Final = 1e-6  # any sleep leaves the lock to whoever waits for it


class ThreadTurns(trio.abc.Instrument):
    """Makes calls in worker threads, and lets them run: it has to be among the instruments of `trio.run` for that."""

    def __init__(self) -> None:
        self._at_work = 0

    async def run(self, call: Callable[[], _T], /) -> _T:
        """The result of `call`, made in a worker thread.  Cancelling waits until it has ended."""
        self._at_work += 1
        try:
            return await trio.to_thread.run_sync(call)
        finally:
            self._at_work -= 1

    def before_io_wait(self, timeout: float) -> None:
        """Let a thread that is at work have the lock for a moment, when the loop is not going to wait."""
        if timeout <= 0 and self._at_work:
            time.sleep(_ENOUGH_TO_SWITCH_S)
