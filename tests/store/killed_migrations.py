"""Processes that migrate a store and end with SIGKILL: `python -m tests.store.killed_migrations STORE FOLDER`.

The first process ends at the first point, the second at the second, and so on until one lives to the end.  A point is
before and after each operation on the disk, and each row that the migration writes anew.  What process N leaves is in
FOLDER/N; the points are written to standard output, one on each line.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from byway.store.sqlite import opening
from byway.store.sqlite.schema import STORE
from tests.faults.watched_disk import WatchedDisk


class Fate:
    """Ends the process when it gets to its point."""

    def __init__(self, number: int) -> None:
        self._left = number

    def reach(self, point: str) -> None:
        self._left -= 1
        if not self._left:
            os.write(sys.stdout.fileno(), f"{point}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        self.reach(f"row for {name}")
        return function(*arguments)


def migrate(path: Path, number: int) -> None:
    fate = Fate(number)
    disk = WatchedDisk(lambda operation, which: fate.reach(f"{operation} of the {which}"))
    functions = {name: partial(fate.watched, name, function) for name, function in STORE.functions.items()}
    opening.open_connection(path, schema=STORE._replace(functions=functions)).close()
    disk.unregister()


def main(store: Path, folder: Path) -> None:
    for number in itertools.count(1):
        place = Path(shutil.copytree(store.parent, folder / str(number)))
        process = os.fork()
        if not process:
            migrate(place / store.name, number)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        if status == 0:
            return
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            sys.exit(f"process {number} ended with {status}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
