"""How long a router takes to start again with all that it has stored."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.figure import Figure
from benchmarks.limits import VERIFICATION, limits_around
from benchmarks.load.stored import MIXED, FilledStore, entries
from benchmarks.measurements.sizes_text import short
from benchmarks.router_process import RouterFolder, router_folder, running_router


@dataclass(frozen=True, slots=True)
class RecoverySizes:
    """Starts of each store that are measured, and the casts in those that are not empty."""

    rounds: int
    casts: tuple[int, ...]


def measure(sizes: RecoverySizes) -> list[Figure]:
    """From the command to `ready`, the start of Python included: an empty store, and those with many casts, in turns.

    The casts came in commits of 1 to 512, by the `MIXED` sizes: a start reads each commit.
    """
    casts = entries()
    with ExitStack() as stack:
        folders = {count: stack.enter_context(router_folder()) for count in (0, *sizes.casts)}
        for count, folder in folders.items():
            with FilledStore(folder) as filled:
                filled.fill(casts, count, MIXED)
        rounds = [{count: _start(folder) for count, folder in folders.items()} for _ in range(sizes.rounds)]
    return [_figure(count, [each[count] for each in rounds]) for count in folders]


def _start(folder: RouterFolder) -> tuple[float, float]:
    """Seconds, and how many verifications that is."""
    with limits_around() as limits, running_router(folder) as router:
        start_s = router.start_s
    return start_s, start_s / limits.verification_s


def _figure(count: int, rounds: list[tuple[float, float]]) -> Figure:
    seconds, verifications = zip(*rounds, strict=True)
    stored = f"{count:,} stored casts" if count else "an empty store"
    return Figure.of(
        f"recovery_{short(count)}_s", seconds, f"s to start with {stored}", limit=VERIFICATION, in_limits=verifications
    )
