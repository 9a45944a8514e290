"""A real router whose disk fails at its n-th operation of a kind, once or from then on.

`FAIL="sync 3 once" python -m tests.faults.failing_router run FILE`; `stays` in the place of `once`.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Final

import apsw

from byway.cli.app import main
from tests.faults.kill_points import hurry
from tests.faults.watched_disk import WatchedDisk

FAIL: Final = "FAIL"
FAILED: Final = "the disk fails here at"  # in the log, with the time in nanoseconds: a witness knows since when


class Failing:
    """Raises at the operation, and says so the first time."""

    def __init__(self, operation: str, at: int, *, stays: bool) -> None:
        self._operation = f"before {operation}"
        self._left = at
        self._stays = stays

    def __call__(self, operation: str, which: str) -> None:
        if operation != self._operation:
            return
        self._left -= 1
        if self._left == 0:
            sys.stderr.write(f"{FAILED} {time.time_ns()}: {operation}, {which}\n")
        if self._left == 0 or (self._stays and self._left < 0):
            raise apsw.IOError(f"{operation} fails")


if __name__ == "__main__":
    operation, at, how = os.environ[FAIL].split()
    hurry()
    disk = WatchedDisk(Failing(operation, int(at), stays=how == "stays"))
    main()
