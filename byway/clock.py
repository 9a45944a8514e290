"""What time it is for a node: a clock that never runs backwards and does not believe a jump.

Whatever needs the time is given a clock, so that a simulation can give another one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from byway.protocol.limits import DAY_MS, HOUR_MS

Clock: TypeAlias = Callable[[], int]
"""Gives Unix milliseconds."""

MAX_CORRECTION_MS: Final = HOUR_MS  # what the wall clock may be put right by, either way, in a day
ANCHOR_MS: Final = DAY_MS  # how long corrections add up before they begin anew
MAX_AWAY_MS: Final = 30 * DAY_MS  # the longest life of a cast: whoever was away longer has none left to lose by waiting


def now_ms() -> int:
    """The time of this machine, in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Milliseconds that only ever go on, also while the machine sleeps; where they begin means nothing."""
    source = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux stops its CLOCK_MONOTONIC in a suspend
    return time.clock_gettime_ns(source) // 1_000_000


class Uptime(NamedTuple):
    """How long a computer has been running."""

    boot: bytes
    """16 bytes that name this run of it; zeros where it does not tell."""
    steady_ms: int

    def since(self, before: Uptime) -> int | None:
        """The milliseconds from `before` until now, if both are of one run of the computer; else None."""
        if self.boot != before.boot or self.boot == UNKNOWN_UPTIME.boot or self.steady_ms < before.steady_ms:
            return None
        return self.steady_ms - before.steady_ms


UNKNOWN_UPTIME: Final = Uptime(bytes(16), 0)


def uptime() -> Uptime:
    """How long this computer has been running."""
    return Uptime(_boot(), steady_ms())


@cache
def _boot() -> bytes:
    try:
        return UUID(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()).bytes
    except (OSError, ValueError):
        return UNKNOWN_UPTIME.boot


class Jump(NamedTuple):
    """The wall clock says something that is not believed, or (`believed`) can be believed again."""

    wall_ms: int
    node_ms: int
    believed: bool


class SteadyClock:
    """Gives Unix milliseconds that never decrease, from any thread.

    The wall clock is followed as long as it is within an hour of what the steady clock makes of the time it was
    believed at; beyond that the steady clock goes on alone, from `high_water`, the last time that the node noted.
    Where nobody knows how long ago that was, the wall clock may also be up to 30 days ahead of it, until it has been
    believed once: so long the node may have been off.
    """

    def __init__(
        self,
        wall: Clock,
        steady: Clock,
        *,
        high_water: int | None = None,
        away: int | None = None,
        confirmed: bool = False,
        on_jump: Callable[[Jump], None],
    ) -> None:
        """Without a `high_water`, or if its operator has `confirmed` the wall clock, it is believed as it is now.

        `away` is how many milliseconds ago `high_water` was noted, as the steady clock says; None if it cannot.
        `on_jump` is called once each time that the wall clock is believed no more, or again; also by other threads.
        """
        self._wall = wall
        self._steady = steady
        self._on_jump = on_jump
        self._lock = threading.Lock()
        self._met = high_water is None or confirmed or away is not None
        self._anchor = wall() if high_water is None or confirmed else high_water + (away or 0)
        self._anchored = steady()
        self._last = self._anchor
        self._believed = True
        self()

    def __call__(self) -> int:
        """The time of the node, in Unix milliseconds."""
        with self._lock:
            wall, steady = self._wall(), self._steady()
            expected = self._anchor + steady - self._anchored
            believed = -MAX_CORRECTION_MS <= wall - expected <= (MAX_CORRECTION_MS if self._met else MAX_AWAY_MS)
            self._last = now = max(self._last, wall if believed else expected)
            if believed and (not self._met or steady - self._anchored >= ANCHOR_MS):
                self._anchor, self._anchored, self._met = now, steady, True
            changed = believed is not self._believed
            self._believed = believed
        if changed:
            self._on_jump(Jump(wall, now, believed))
        return now
