"""How long a router takes to start again with all that it has stored."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.figure import Figure
from benchmarks.limits import VERIFICATION, limits_around
from benchmarks.load.stored import FilledStore, entries
from benchmarks.measurements.sizes_text import short
from benchmarks.router_process import RouterFolder, router_folder, running_router


@dataclass(frozen=True, slots=True)
class RecoverySizes:
    """Starts that are measured, and stored casts: none at first."""

    rounds: int
    casts: int


def measure(sizes: RecoverySizes) -> list[Figure]:
    """From the command to `ready`, the start of Python included: an empty store, and one with many casts."""
    with router_folder() as empty, router_folder() as full:
        with FilledStore(full) as filled:
            filled.fill(entries(), sizes.casts)
        rounds = [(_start(empty), _start(full)) for _ in range(sizes.rounds)]
    return [
        _figure("recovery_0_s", [before for before, _ in rounds], "s to start with an empty store"),
        _figure(
            f"recovery_{short(sizes.casts)}_s",
            [after for _, after in rounds],
            f"s to start with {sizes.casts:,} stored casts",
        ),
    ]


def _start(folder: RouterFolder) -> tuple[float, float]:
    """Seconds, and how many verifications that is."""
    with limits_around() as limits, running_router(folder) as router:
        start_s = router.start_s
    return start_s, start_s / limits.verification_s


def _figure(name: str, rounds: list[tuple[float, float]], unit: str) -> Figure:
    seconds, verifications = zip(*rounds, strict=True)
    return Figure.of(name, seconds, unit, limit=VERIFICATION, in_limits=verifications)
