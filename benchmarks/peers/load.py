"""What every load process of a peer does, as `benchmarks.load.behave` does for ours.

The clients of the peers are made for asyncio, and so these processes run on it, and on nothing else.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Final

WITHIN_S: Final = 300.0  # a server that has ended answers to nobody


async def ready() -> None:
    """Say that everything is prepared, and wait for the word to begin."""
    print("ready", flush=True)
    if not await asyncio.to_thread(sys.stdin.readline):
        raise SystemExit("whoever started this has ended")


async def give(**results: float) -> None:
    """Give the results, and wait until whoever started this wants it to end, so that leaving is not measured."""
    print(json.dumps(results), flush=True)
    await asyncio.to_thread(sys.stdin.readline)


class Countdown:
    """Counts what arrives, until all is there."""

    def __init__(self, count: int, check: Callable[[bytes], bool] | None) -> None:
        self._left = count
        self._check = check
        self._all = asyncio.Event()
        self.bad = 0
        """Badly signed."""
        self.last = 0.0
        """The instant at which all was there."""

    def take(self, message: bytes) -> None:
        """Check it, if there is a check, and count it."""
        if self._check is not None:
            self.bad += not self._check(message)
        self._left -= 1
        if not self._left:
            self.last = time.monotonic()
            self._all.set()

    async def wait(self) -> None:
        """Until all is there.  Raises `ValueError` for what was badly signed."""
        await self._all.wait()
        if self.bad:
            raise ValueError(f"{self.bad} casts were badly signed")
