"""What it costs a router to accept a cast: verified, flushed, receipted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.figure import Figure
from benchmarks.limits import Limits, limits_around
from benchmarks.load.prepared import Supply
from benchmarks.load.process import LoadFailed, load_processes, load_time, run_all
from benchmarks.round import Round, load_figure, rate_figure, ratio_figure
from benchmarks.router_process import RouterProcess, running_router

LINKS: Final = 4
BATCH: Final = 64
SINGLE_LINKS: Final = 64

_MODULE: Final = "benchmarks.load.publishers"


@dataclass(frozen=True, slots=True)
class AcceptSizes:
    """Rounds, and casts in each."""

    rounds: int
    batched: int
    single: int

    @property
    def casts(self) -> int:
        return self.rounds * (self.batched + self.single)


def measure(supply: Supply, sizes: AcceptSizes) -> list[Figure]:
    """Submits of 64 on 4 standing links, and single casts on 64 links, in turns."""
    batched, singles = [], []
    with running_router() as router:
        for _ in range(sizes.rounds):
            batched.append(accept_round(router, supply, sizes.batched, links=LINKS, batch=BATCH))
            singles.append(accept_round(router, supply, sizes.single, links=SINGLE_LINKS, batch=1))
    return [
        ratio_figure("accept_cpu_ratio", batched),
        ratio_figure("accept_single_ratio", singles),
        rate_figure("accept_per_s", batched, "casts a second, batches of 64"),
        rate_figure("accept_single_per_s", singles, "casts a second, one at a time on 64 links"),
        load_figure("accept_load_cores", batched),
        *_limits([each.limits for each in batched]),
    ]


def accept_round(router: RouterProcess, supply: Supply, count: int, *, links: int, batch: int) -> Round:
    """Hand `count` casts in over `links` standing links, `batch` in a Submit.

    Raises `LoadFailed` if the router does not accept all of them.
    """
    arguments = (router.at, supply.path, supply.take(count), count, links, batch, 1)
    with load_processes(_MODULE, arguments) as load, limits_around() as limits:
        before, load_before = router.cpu_time(), load_time(load)
        (results,) = run_all(load)
        cpu_s, load_cpu_s = router.cpu_time().since(before), load_time(load).since(load_before)
    if results["accepted"] != count:
        raise LoadFailed(f"only {results['accepted']} of {count} casts were accepted")
    return Round(count, cpu_s, results["ended"] - results["began"], limits, load_cpu_s)


def _limits(measured: Sequence[Limits]) -> list[Figure]:
    """What the machine could do meanwhile."""
    return [
        Figure.of("verification_us", [each.verification_s * 1e6 for each in measured], "µs of CPU", better="neither"),
        Figure.of(
            "flush_us", [each.flush_s * 1e6 for each in measured], "µs until 4 kB are on the disk", better="neither"
        ),
        Figure.of(
            "copy_us", [each.copy_s * 1e6 for each in measured], "µs of CPU for a cast over loopback", better="neither"
        ),
    ]
