"""What it costs a router to let a subscriber catch up: casts that were stored before it came, read from the disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.figure import Figure
from benchmarks.limits import limits_around
from benchmarks.load.prepared import Supply
from benchmarks.load.process import load_processes, load_time, run_all
from benchmarks.measurements.accept import BATCH, LINKS, accept_round
from benchmarks.round import Round, copies_figure, cpu_figure, rate_figure
from benchmarks.router_process import RouterProcess, running_router

_SUBSCRIBERS: Final = "benchmarks.load.subscribers"


@dataclass(frozen=True, slots=True)
class BacklogSizes:
    """Rounds, and the stored casts that a subscriber gets in each."""

    rounds: int
    casts: int


def measure(supply: Supply, sizes: BacklogSizes) -> list[Figure]:
    """A new router with nothing but the backlog; each round has a subscriber of its own, which begins at the oldest."""
    with running_router() as router:
        accept_round(router, supply, sizes.casts, links=LINKS, batch=BATCH)
        rounds = [backlog_round(router, sizes.casts) for _ in range(sizes.rounds)]
    return [
        cpu_figure("backlog_cpu_us", rounds, "µs of CPU a stored cast, delivered and acked"),
        copies_figure("backlog_copies", rounds),
        rate_figure("backlog_per_s", rounds, "stored casts delivered in a second"),
    ]


def backlog_round(router: RouterProcess, count: int) -> Round:
    """A subscriber that begins at the oldest cast, and has `count` to catch up with."""
    arguments = (router.at, 1, count, "oldest", "trusting")
    with load_processes(_SUBSCRIBERS, arguments) as load, limits_around() as limits:
        before, load_before = router.cpu_time(), load_time(load)
        (results,) = run_all(load)
        cpu_s, load_cpu_s = router.cpu_time().since(before), load_time(load).since(load_before)
    return Round(count, cpu_s, results["delivered"] - results["began"], limits, load_cpu_s)
