"""How long a cast takes from the person who publishes it to the seller who wants it, at a steady rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import fmean, quantiles
from typing import Final

from benchmarks.figure import Figure
from benchmarks.limits import VERIFICATION, Limits, limits_around
from benchmarks.load import prepared
from benchmarks.load.prepared import Supply
from benchmarks.load.process import load_processes, run_all
from benchmarks.router_process import RouterProcess, running_router

STEADY: Final = 100  # casts a second: the rate that the targets are for

_PEOPLE: Final = "benchmarks.load.punctual"
_SELLER: Final = "benchmarks.load.seller"
_THOUSANDTHS: Final = {"p50": 500, "p99": 990, "p99_9": 999}
_BEYOND: Final = 2  # casts that have to be later than a percentile: else it would be nothing but the latest


@dataclass(frozen=True, slots=True)
class LatencySizes:
    """Rounds, and the casts in each by how many come in a second."""

    rounds: int
    casts_at: dict[int, int]

    @property
    def casts(self) -> int:
        return self.rounds * sum(self.casts_at.values())


@dataclass(frozen=True, slots=True)
class Slice:
    """Casts at one rate: how long each took, how late who published it was woken, and the limits meanwhile."""

    latencies_s: Sequence[float]
    late_s: Sequence[float]
    limits: Limits

    def tells(self, thousandth: int) -> bool:
        """Whether there are enough casts for this percentile."""
        return len(self.latencies_s) * (1000 - thousandth) >= _BEYOND * 1000


def measure(supply: Supply, sizes: LatencySizes) -> list[Figure]:
    """Percentiles at each rate; at the steady rate also beyond one flush of the same round.

    Beside them stands how late who publishes was woken: that is the machine's, and nothing is taken away for it.
    """
    slices: dict[int, list[Slice]] = {rate: [] for rate in sizes.casts_at}
    with running_router() as router:
        for _ in range(sizes.rounds):
            for rate, count in sizes.casts_at.items():
                slices[rate].append(_slice(router, supply, rate, count))
    return [
        *_targeted(slices.get(STEADY, [])),
        *(figure for rate, measured in slices.items() for figure in _plain(rate, measured)),
        *(figure for rate, measured in slices.items() for figure in _late(rate, measured)),
    ]


def telling(measured: Sequence[Slice], thousandth: int) -> Sequence[Slice]:
    """Who can tell this percentile: each round, or only all of them together as one, or nobody."""
    if not measured or all(each.tells(thousandth) for each in measured):
        return measured
    together = Slice(
        list(chain.from_iterable(each.latencies_s for each in measured)),
        list(chain.from_iterable(each.late_s for each in measured)),
        Limits(
            verification_s=fmean(each.limits.verification_s for each in measured),
            flush_s=fmean(each.limits.flush_s for each in measured),
        ),
    )
    return [together] if together.tells(thousandth) else []


def _slice(router: RouterProcess, supply: Supply, rate: int, count: int) -> Slice:
    first = supply.take(count)
    with (
        load_processes(_SELLER, (router.at, count)) as selling,
        load_processes(_PEOPLE, (router.at, supply.path, first, count, rate)) as publishing,
        limits_around() as limits,
    ):
        sold, published = run_all([*selling, *publishing])
    casts = prepared.read(supply.path, first, count)
    due = published["due"]
    return Slice(
        [sold["arrived"][cast.id.hex()] - instant for cast, instant in zip(casts, due, strict=True)],
        [woke - instant for woke, instant in zip(published["woke"], due, strict=True)],
        limits,
    )


def _targeted(measured: Sequence[Slice]) -> list[Figure]:
    figures = []
    for name in ("p50", "p99"):
        if told := telling(measured, _THOUSANDTHS[name]):
            beyond = [_percentile_ms(each.latencies_s, _THOUSANDTHS[name]) - each.limits.flush_s * 1e3 for each in told]
            unit = f"ms from person to seller at {STEADY} casts a second, beyond one flush"
            figures.append(_figure(f"latency_{name}_ms", beyond, unit, told))
    return figures


def _plain(rate: int, measured: Sequence[Slice]) -> list[Figure]:
    figures = []
    for name, thousandth in _THOUSANDTHS.items():
        if told := telling(measured, thousandth):
            milliseconds = [_percentile_ms(each.latencies_s, thousandth) for each in told]
            together = "" if len(told) == len(measured) else ", all rounds together"
            unit = f"ms from person to seller at {rate:,} casts a second{_overload(rate)}{together}"
            figures.append(_figure(f"latency_{rate}_{name}_ms", milliseconds, unit, told))
    return figures


def _figure(name: str, milliseconds: Sequence[float], unit: str, told: Sequence[Slice]) -> Figure:
    """Beside it in verifications and not in flushes, of which a latency has one, and which differ far more by disk."""
    verifications = [ms / each.limits.verification_s / 1e3 for ms, each in zip(milliseconds, told, strict=True)]
    return Figure.of(name, milliseconds, unit, limit=VERIFICATION, in_limits=verifications)


def _late(rate: int, measured: Sequence[Slice]) -> list[Figure]:
    unit = "ms by which who publishes was woken too late"
    return [
        Figure.of(
            f"latency_{rate}_late_{name}_ms",
            [_percentile_ms(each.late_s, _THOUSANDTHS[name]) for each in told],
            unit,
            better="neither",
        )
        for name in ("p50", "p99")
        if (told := telling(measured, _THOUSANDTHS[name]))
    ]


def _overload(rate: int) -> str:
    """Casts come one in a Submit: what a router does not accept of these waits, and that is what is measured then.

    Who publishes has no core to itself either, and is late: two processes that share the rate are no less so.
    """
    return ": overload where `accept_single_per_s` is less, and the load is late itself" if rate > STEADY else ""


def _percentile_ms(seconds: Sequence[float], thousandth: int) -> float:
    return quantiles(seconds, n=1000, method="inclusive")[thousandth - 1] * 1e3
