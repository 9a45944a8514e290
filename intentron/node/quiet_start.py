"""The quiet start: a node that comes back does not open all its links at one moment.

Links of several keys that appear together would show that the keys are one person's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

from intentron.backoff import share

SPREAD_S: Final = 5.0  # long beside the time that opening a link takes, short beside a person's patience
_START_S: Final = 0.2  # what begins later begins for reasons of its own, at a time of its own


class QuietStart:
    """Tasks wait with it before they open a link that belongs to one cast."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._started = float("-inf")

    def begin(self) -> None:
        """The node starts now."""
        self._started = trio.current_time()

    async def wait(self) -> None:
        """Wait a random while if the node has only just started."""
        if trio.current_time() < self._started + _START_S:
            await trio.sleep(SPREAD_S * share(self._random))
