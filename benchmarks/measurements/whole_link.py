"""What a whole link costs a router: people open one for each cast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.figure import Figure
from benchmarks.limits import VERIFICATION, limits_around
from benchmarks.load.prepared import Supply
from benchmarks.load.process import LoadFailed, load_processes, load_time, run_all
from benchmarks.round import Round
from benchmarks.router_process import RouterProcess, running_router

AT_ONCE: Final = 8

_MODULE: Final = "benchmarks.load.whole_links"


@dataclass(frozen=True, slots=True)
class LinkSizes:
    """Rounds, and links in each."""

    rounds: int
    links: int

    @property
    def casts(self) -> int:
        return self.rounds * self.links


def measure(supply: Supply, sizes: LinkSizes) -> list[Figure]:
    """Handshake, hello, one cast, receipt, close."""
    with running_router() as router:
        rounds = [link_round(router, supply, sizes.links) for _ in range(sizes.rounds)]
    return [
        Figure.of(
            "link_ms",
            [each.cpu_each_s * 1e3 for each in rounds],
            "ms of CPU a link: handshake, hello, one cast, receipt, close",
            limit=VERIFICATION,
            in_limits=[each.cpu_each_s / each.limits.verification_s for each in rounds],
        )
    ]


def link_round(router: RouterProcess, supply: Supply, count: int) -> Round:
    """`count` links, one after the other, `AT_ONCE` at a time.  Raises `LoadFailed` if a cast is not accepted."""
    arguments = (router.at, supply.path, supply.take(count), count, AT_ONCE)
    with load_processes(_MODULE, arguments) as load, limits_around() as limits:
        before, load_before = router.cpu_time(), load_time(load)
        (results,) = run_all(load)
        cpu_s, load_cpu_s = router.cpu_time().since(before), load_time(load).since(load_before)
    if results["accepted"] != count:
        raise LoadFailed(f"only {results['accepted']} of {count} casts were accepted")
    return Round(count, cpu_s, results["ended"] - results["began"], limits, load_cpu_s)
