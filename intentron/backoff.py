"""How long to wait before trying again: longer each time, and never at the same moment as others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FIRST_S: Final = 0.5
MOST_S: Final = 60.0

_STEPS: Final = 2**16


class Backoff:
    """Waits that double from `first_s` up to `most_s`, each shortened by up to a half at random."""

    def __init__(self, random: Callable[[int], bytes], *, first_s: float = FIRST_S, most_s: float = MOST_S) -> None:
        self._random = random
        self._first_s = first_s
        self._most_s = most_s
        self._whole_s = first_s

    def next_s(self, asked_ms: int | None = None) -> float:
        """Seconds to wait after one more failure; at least as long as the other end has asked for."""
        whole, self._whole_s = self._whole_s, min(2 * self._whole_s, self._most_s)
        return max(whole * (0.5 + share(self._random) / 2), (asked_ms or 0) / 1000)

    def reset(self) -> None:
        """It went well: the next failure is the first."""
        self._whole_s = self._first_s


def share(random: Callable[[int], bytes]) -> float:
    """A random number in 0..1, 1 left out."""
    return int.from_bytes(random(2), "big") / _STEPS
