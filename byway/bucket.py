"""Buckets: what may be spent in a while, for each of many keys (a token bucket, as in RFC 2697 section 3)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

FEW: Final = 1024  # so many buckets are kept without looking for full ones


class Buckets:
    """A bucket for each key, full at first: `rate` comes in a second, up to `burst`.

    A bucket that is full again is forgotten, so what is kept grows with who spent lately, not with who ever came.
    """

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._levels: dict[Hashable, tuple[float, float]] = {}  # level, and when it was so
        self._look_at = FEW

    def __len__(self) -> int:
        return len(self._levels)

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds until there is one to spend; 0 if there is now."""
        if key not in self._levels:
            return 0.0
        return max(0.0, (1 - self._level(key, now)) / self._rate)

    def spend(self, key: Hashable, now: float, amount: float) -> None:
        """Take out `amount`, be it more than there is: the next has to wait for it."""
        self._levels[key] = (self._level(key, now) - amount, now)
        if len(self._levels) >= self._look_at:
            self._levels = {key: held for key, held in self._levels.items() if self._level(key, now) < self._burst}
            self._look_at = max(FEW, 2 * len(self._levels))

    def _level(self, key: Hashable, now: float) -> float:
        level, at = self._levels.get(key, (self._burst, now))
        return min(self._burst, level + (now - at) * self._rate)
