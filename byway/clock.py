"""The wall clock.  Whatever needs it is given it, so that a simulation can give another one."""

from __future__ import annotations

import time


def now_ms() -> int:
    """The time of this machine, in Unix milliseconds."""
    return time.time_ns() // 1_000_000
