"""A real router on a disk that loses its power: what was not flushed is gone, or torn, when the next process starts.

`CUT="130 7" python -m tests.faults.power_cut_router run FILE`: at the 130th operation from the start on, with chance 7.
Without `CUT` the power stays.  The high-water file is beside that disk, and is found as it
was written, now or before, or torn.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Final

from byway import daemon
from byway.cli.app import main
from byway.store.high_water import HIGH_WATER_FILE
from byway.store.sqlite.store import open_store
from tests.crash.parties import seeded
from tests.faults.kill_points import hurry
from tests.store.power_loss import CHANGES, Disk, Image, Unflushed

CUT: Final = "CUT"


class Power:
    """Cuts itself off at the operation, with what the next boot may find left behind."""

    def __init__(self, disk: Disk, folder: Path, at: int, seed: str) -> None:
        self._disk = disk
        self._beside = folder / HIGH_WATER_FILE
        self._mark = Unflushed(self._beside)
        self._left = at
        self._seed = seed

    def __call__(self, operation: str, _name: str) -> None:
        self._mark.look()
        self._left -= operation in CHANGES
        if self._left == 0:
            leave(self._disk, self._seed)
            self._beside.write_bytes(self._mark.after_cut(seeded(f"{self._seed} mark")))
            os.kill(os.getpid(), signal.SIGKILL)


def boot(folder: Path) -> Disk:
    """A disk with what is in the folder."""
    disk = Disk()
    for path in folder.glob("store.db*"):
        image = disk.images[str(path)] = Image()
        image.current[:] = image.durable[:] = path.read_bytes()
    return disk


def leave(disk: Disk, seed: str) -> None:
    """Put what a boot may find now where it will look."""
    folder = Path(next(iter(disk.images))).parent
    with tempfile.TemporaryDirectory(dir=folder) as place:
        after = Path(place) / "after"
        disk.after_cut(after, seeded(seed))
        for path in folder.glob("store.db*"):
            path.unlink()
        for path in after.iterdir():
            shutil.move(path, folder / path.name)


def run_on_such_a_disk() -> None:
    """Run `byway` with its store there, as it is."""
    disk: list[Disk] = []

    @functools.wraps(open_store)
    def open_there(folder: Path, **more: object) -> object:
        disk.append(boot(folder))
        if at := os.environ.get(CUT):
            disk[0].before = Power(disk[0], folder, int(at.split()[0]), at.split()[1])
        return open_store(folder, vfs=disk[0].name, **more)  # type: ignore[arg-type]  # as they came

    daemon.__dict__["open_store"] = open_there  # the disk is all that differs
    try:
        main()
    finally:
        for each in disk:
            for image in each.images.values():
                image.flush()
            leave(each, "")


if __name__ == "__main__":
    hurry()
    run_on_such_a_disk()
