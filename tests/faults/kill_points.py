"""A real router that ends with SIGKILL at a named point, as if the system had killed it there.

`KILL_AT="after receipt" KILL_WHEN=7 python -m tests.faults.kill_points run FILE`: the seventh time it gets there.
The points are around the real parts; these know nothing of it.  Checkpoints and sweeps come more often than usual, so
that a short run gets to their points.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final

from byway.cli.app import main
from byway.link.link import Link
from byway.protocol.frames import Accepted, Acked, Deliver, Frame
from byway.router import writer
from byway.router.router import Router
from byway.router.session import Session
from byway.store import directory
from byway.store.high_water import HighWaterFile
from byway.store.sqlite import database, journal
from byway.store.sqlite.store import SqliteStore
from tests.faults.watched_disk import WatchedDisk

ON_DISK: Final = tuple(
    f"{moment} {operation} of the {which}"
    for which in ("log", "database")
    for operation in ("write", "sync")
    for moment in ("before", "after")
)
IN_PROGRAM: Final = (
    "before receipt",
    "after receipt",
    "before answer",
    "half of an answer",
    "after answer",
    "before delivery",
    "half of a delivery",
    "after delivery",
    "before ack",
    "after ack",
    "before cursor",
    "after cursor",
    "before acked",
    "after acked",
    "before checkpoint",
    "after checkpoint",
    "before deletion",
    "after deletion",
    "after sweep",
    "before recovery",
    "after recovery",
    "before high water",
    "after high water",
)
POINTS: Final = ON_DISK + IN_PROGRAM
RARE: Final = frozenset({"recovery", "deletion", "sweep", "checkpoint", "database"})  # the first time is soon enough

AT: Final = "KILL_AT"
WHEN: Final = "KILL_WHEN"


class Fate:
    """Counts how often the process gets to its point, and ends it there."""

    def __init__(self, point: str, when: int) -> None:
        self._point = point
        self._left = when

    def reach(self, point: str) -> None:
        if self.is_due(point):
            self.end()

    def is_due(self, point: str) -> bool:
        """Count the point; whether the process is to end there now."""
        if point != self._point:
            return False
        self._left -= 1
        return self._left == 0

    def end(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def around(owner: Any, name: str, fate: Fate, point: str) -> None:
    """The process may end before and after this function of the real part."""
    real = getattr(owner, name)

    @wraps(real)
    def watched(*arguments: Any, **more: Any) -> Any:
        fate.reach(f"before {point}")
        result = real(*arguments, **more)
        fate.reach(f"after {point}")
        return result

    setattr(owner, name, watched)


def on_the_link(fate: Fate) -> None:
    """Before, in the middle of, and after the write that has such a frame."""
    send_many, write = Link.send_many, Link._write
    halved: set[int] = set()

    async def watched_send(link: Link, frames: Sequence[Frame]) -> None:
        kinds = {"answer": Accepted, "delivery": Deliver, "acked": Acked}
        there = [name for name, kind in kinds.items() if any(isinstance(frame, kind) for frame in frames)]
        for name in there:
            fate.reach(f"before {name}")
            a_half = "half of an" if name == "answer" else "half of a"
            if fate.is_due(f"{a_half} {name}"):
                halved.add(id(link))
        await send_many(link, frames)
        for name in there:
            fate.reach(f"after {name}")

    async def watched_write(link: Link, data: bytes) -> None:
        if id(link) in halved:
            await write(link, data[: len(data) // 2])
            fate.end()
        await write(link, data)

    for name, watched in (("send_many", watched_send), ("_write", watched_write)):
        setattr(Link, name, watched)


def plant(fate: Fate) -> WatchedDisk:
    """Put the points around the parts.  The disk has to be kept."""
    around(writer, "receipts_of", fate, "receipt")
    around(Session, "_ack", fate, "ack")
    around(Router, "_moved", fate, "cursor")
    around(journal, "delete", fate, "deletion")
    around(SqliteStore, "sweep", fate, "sweep")
    around(SqliteStore, "recover", fate, "recovery")
    around(HighWaterFile, "write", fate, "high water")
    around(database.Database, "_checkpoint", fate, "checkpoint")
    on_the_link(fate)
    return WatchedDisk(lambda operation, which: fate.reach(f"{operation} of the {which}"))


def hurry(set_to: Callable[[Any, str, Any], None] = setattr) -> None:
    """Checkpoints after few pages, sweeps of what expired in the last moment."""
    set_to(database, "CHECKPOINT_PAGES", 12)
    set_to(directory, "MINUTE_MS", 100)


if __name__ == "__main__":
    hurry()
    disk = plant(Fate(os.environ[AT], int(os.environ[WHEN])))
    main()
