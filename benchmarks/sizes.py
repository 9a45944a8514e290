"""How much is measured: in five minutes, or all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.measurements.accept import AcceptSizes
from benchmarks.measurements.backlog import BacklogSizes
from benchmarks.measurements.fanout import FanoutSizes
from benchmarks.measurements.filters import FilterSizes
from benchmarks.measurements.growth import GrowthSizes
from benchmarks.measurements.idle import IdleSizes
from benchmarks.measurements.latency import LatencySizes
from benchmarks.measurements.match import MatchSizes
from benchmarks.measurements.recovery import RecoverySizes
from benchmarks.measurements.whole_link import LinkSizes

MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of each measurement."""

    accept: AcceptSizes
    link: LinkSizes
    fanout: FanoutSizes
    backlog: BacklogSizes
    latency: LatencySizes
    match: MatchSizes
    filters: FilterSizes
    idle: IdleSizes
    recovery: RecoverySizes
    growth: GrowthSizes

    @property
    def casts(self) -> int:
        """How many have to be signed beforehand: each measurement has a router of its own, and takes the same ones."""
        publishing = (self.accept, self.link, self.fanout, self.backlog, self.latency)
        return max(sizes.casts for sizes in publishing)


# Rounds are of the same size in both, so that their figures can be compared: the full run has more of them, and more
# sizes.
QUICK: Final = Sizes(
    accept=AcceptSizes(rounds=5, batched=2048, single=1024),
    link=LinkSizes(rounds=5, links=200),
    fanout=FanoutSizes(rounds=3, casts_for={1: 2048, 64: 1024}),
    backlog=BacklogSizes(rounds=5, casts=8192),
    latency=LatencySizes(rounds=3, casts_at={100: 400}),
    match=MatchSizes(rounds=5, sizes=(1000, MILLION)),
    filters=FilterSizes(rounds=5, sizes=(1000, 10_000, 100_000)),
    idle=IdleSizes(rounds=3, links=200, subscribing_links=8, stored=100_000),
    recovery=RecoverySizes(rounds=3, casts=(100_000,)),
    growth=GrowthSizes(steps=(100_000,), rounds=5, commits=100),
)

FULL: Final = Sizes(
    accept=AcceptSizes(rounds=11, batched=2048, single=1024),
    link=LinkSizes(rounds=9, links=200),
    fanout=FanoutSizes(rounds=7, casts_for={1: 2048, 8: 1024, 64: 1024, 512: 64}),
    backlog=BacklogSizes(rounds=9, casts=8192),
    latency=LatencySizes(rounds=9, casts_at={10: 30, 100: 400, 1000: 3000}),
    match=MatchSizes(rounds=9, sizes=(1000, 10_000, 100_000, MILLION)),
    filters=FilterSizes(rounds=9, sizes=(1000, 10_000, 100_000)),
    idle=IdleSizes(rounds=3, links=200, subscribing_links=8, stored=100_000),
    recovery=RecoverySizes(rounds=5, casts=(100_000, MILLION)),
    growth=GrowthSizes(
        steps=(100_000, *(step * MILLION for step in (1, 2, 3, 4, 5))),
        rounds=7,
        commits=100,
    ),
)
