"""All measurements by name, and one run of some of them."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.figure import Figure
from benchmarks.load.prepared import Supply, prepare
from benchmarks.measurements import (
    accept,
    backlog,
    fanout,
    filters,
    growth,
    idle,
    latency,
    match,
    recovery,
    whole_link,
)
from benchmarks.sizes import Sizes


class Casts:
    """A file of casts, signed when a measurement first needs some.  The router of each has seen none of them."""

    def __init__(self, path: Path, count: int, say: Callable[[str], None]) -> None:
        self._path = path
        self._count = count
        self._say = say

    def supply(self) -> Supply:
        if not self._path.exists():
            self._say(f"signing {self._count:,} casts")
            prepare(self._path, self._count)
        return Supply(self._path, self._count)


Measuring = Callable[[Sizes, Casts], Sequence[Figure]]

MEASUREMENTS: Final[dict[str, Measuring]] = {
    "accept": lambda sizes, casts: accept.measure(casts.supply(), sizes.accept),
    "link": lambda sizes, casts: whole_link.measure(casts.supply(), sizes.link),
    "fanout": lambda sizes, casts: fanout.measure(casts.supply(), sizes.fanout),
    "backlog": lambda sizes, casts: backlog.measure(casts.supply(), sizes.backlog),
    "latency": lambda sizes, casts: latency.measure(casts.supply(), sizes.latency),
    "match": lambda sizes, _: match.measure(sizes.match),
    "filters": lambda sizes, _: filters.measure(sizes.filters),
    "idle": lambda sizes, _: idle.measure(sizes.idle),
    "recovery": lambda sizes, _: recovery.measure(sizes.recovery),
    "growth": lambda sizes, _: growth.measure(sizes.growth),
}


@contextmanager
def left_out_if_it_fails(name: str, leave_out: Callable[[str], object]) -> Generator[None]:
    """Have a measurement that fails end here: `leave_out` is told why, and standard error gets the traceback."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not worth the twenty minutes of all the others
        traceback.print_exc()
        leave_out(f"{name}: {type(error).__name__}: {error}")


def measure(
    names: Sequence[str], sizes: Sizes, say: Callable[[str], None], leave_out: Callable[[str], object]
) -> list[Figure]:
    """The figures of these measurements.  `say` is told what goes on, `leave_out` which measurement failed, and why."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="byway-bench-") as folder:
        casts = Casts(Path(folder) / "casts", sizes.casts, say)
        for name in names:
            say(name)
            with left_out_if_it_fails(name, leave_out):
                figures += MEASUREMENTS[name](sizes, casts)
    return figures
