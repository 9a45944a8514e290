"""How long a cast takes from the person who publishes it to the seller who wants it, at a steady rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Final

from benchmarks.figure import Figure
from benchmarks.limits import FLUSH, Limits, limits_around
from benchmarks.load import prepared
from benchmarks.load.prepared import Supply
from benchmarks.load.process import load_processes, run_all
from benchmarks.router_process import RouterProcess, running_router

STEADY: Final = 100  # casts a second: the rate that the targets are for

_PEOPLE: Final = "benchmarks.load.punctual"
_SELLER: Final = "benchmarks.load.seller"
_THOUSANDTHS: Final = {"p50": 500, "p99": 990, "p99_9": 999}


@dataclass(frozen=True, slots=True)
class LatencySizes:
    """Rounds, and the casts in each by how many come in a second."""

    rounds: int
    casts_at: dict[int, int]

    @property
    def casts(self) -> int:
        return self.rounds * sum(self.casts_at.values())


@dataclass(frozen=True, slots=True)
class _Slice:
    latencies_s: list[float]
    limits: Limits

    def milliseconds(self, thousandth: int) -> float:
        return quantiles(self.latencies_s, n=1000, method="inclusive")[thousandth - 1] * 1e3


def measure(supply: Supply, sizes: LatencySizes) -> list[Figure]:
    """Percentiles at each rate, one sample a round; at the steady rate also beyond one flush of the same round."""
    slices: dict[int, list[_Slice]] = {rate: [] for rate in sizes.casts_at}
    with running_router() as router:
        for _ in range(sizes.rounds):
            for rate, count in sizes.casts_at.items():
                slices[rate].append(_slice(router, supply, rate, count))
    return [
        *_targeted(slices.get(STEADY, [])),
        *(figure for rate, measured in slices.items() for figure in _plain(rate, measured)),
    ]


def _slice(router: RouterProcess, supply: Supply, rate: int, count: int) -> _Slice:
    first = supply.take(count)
    with (
        load_processes(_SELLER, (router.at, count)) as selling,
        load_processes(_PEOPLE, (router.at, supply.path, first, count, rate)) as publishing,
        limits_around() as limits,
    ):
        sold, published = run_all([*selling, *publishing])
    casts = prepared.read(supply.path, first, count)
    due = zip(casts, published["due"], strict=True)
    return _Slice([sold["arrived"][cast.id.hex()] - instant for cast, instant in due], limits)


def _targeted(measured: Sequence[_Slice]) -> list[Figure]:
    return [
        Figure.of(
            f"latency_{name}_ms",
            [each.milliseconds(_THOUSANDTHS[name]) - each.limits.flush_s * 1e3 for each in measured],
            f"ms from person to seller at {STEADY} casts a second, beyond one flush",
        )
        for name in ("p50", "p99")
        if measured
    ]


def _plain(rate: int, measured: Sequence[_Slice]) -> list[Figure]:
    return [
        Figure.of(
            f"latency_{rate}_{name}_ms",
            [each.milliseconds(thousandth) for each in measured],
            f"ms from person to seller at {rate:,} casts a second",
            limit=FLUSH,
            in_limits=[each.milliseconds(thousandth) / each.limits.flush_s / 1e3 for each in measured],
        )
        for name, thousandth in _THOUSANDTHS.items()
    ]
