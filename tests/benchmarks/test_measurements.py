"""Every measurement runs, in small, with real processes, and gives its figures by their names."""

from __future__ import annotations

import random
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest

from benchmarks.limits import VERIFICATION, Limits
from benchmarks.load.prepared import Supply, prepare
from benchmarks.load.process import LoadFailed
from benchmarks.measurements import filters, growth, match, turns
from benchmarks.measurements.accept import AcceptSizes, accept_round
from benchmarks.measurements.backlog import BacklogSizes
from benchmarks.measurements.fanout import FanoutSizes
from benchmarks.measurements.filters import FilterSizes
from benchmarks.measurements.growth import GrowthSizes
from benchmarks.measurements.idle import IdleSizes
from benchmarks.measurements.latency import LatencySizes, Slice, _plain, _targeted, telling
from benchmarks.measurements.match import MatchSizes
from benchmarks.measurements.recovery import RecoverySizes
from benchmarks.measurements.whole_link import LinkSizes
from benchmarks.router_process import RouterFolder, router_folder, running_router
from benchmarks.sizes import FULL, QUICK, Sizes
from benchmarks.suite import MEASUREMENTS, measure
from byway.protocol.facets import Money
from byway.protocol.filter import Compare
from byway.router.index import SubscriptionIndex

SMALL: Final = Sizes(
    accept=AcceptSizes(rounds=1, batched=64, single=64),
    link=LinkSizes(rounds=1, links=4),
    fanout=FanoutSizes(rounds=1, casts_for={1: 16, 3: 8}, checked=3),
    backlog=BacklogSizes(rounds=1, casts=64),
    latency=LatencySizes(rounds=2, casts_at={100: 100}),
    match=MatchSizes(rounds=2, sizes=(300, 3000)),
    filters=FilterSizes(rounds=1, sizes=(1000,)),
    idle=IdleSizes(rounds=1, links=5, subscribing_links=1, stored=1000),
    recovery=RecoverySizes(rounds=1, casts=(500, 1000)),
    growth=GrowthSizes(steps=(500, 1000), rounds=1, commits=2),
)

NAMES: Final = {
    "accept": [
        *("accept_cpu_ratio", "accept_single_ratio", "accept_per_s", "accept_single_per_s"),
        *("accept_load_cores", "verification_us", "flush_us", "copy_us"),
    ],
    "link": ["link_ms"],
    "fanout": [
        *("fanout1_cpu_us", "fanout1_copies", "fanout1_per_s", "fanout1_load_cores"),
        *("fanout3_cpu_us", "fanout3_copies", "fanout3_per_s", "fanout3_load_cores", "fanout3_checked_per_s"),
    ],
    "backlog": ["backlog_cpu_us", "backlog_copies", "backlog_per_s"],
    "latency": [
        *("latency_p50_ms", "latency_p99_ms"),
        *("latency_100_p50_ms", "latency_100_p99_ms", "latency_100_late_p50_ms", "latency_100_late_p99_ms"),
    ],
    "match": ["match_300_us", "match_3k_us", "match_3k_vs_300", "match_index_b"],
    "filters": ["filters_1k_ms", "filters_1k_evaluations", "filters_1k_change_us"],
    "idle": ["idle_link_kb", "idle_subscription_b", "idle_live_subscription_b"],
    "recovery": ["recovery_0_s", "recovery_500_s", "recovery_1k_s"],
    "growth": ["store_cast_us", "growth_500", "growth_1k"],
}

# What is left when something else is taken away, which in so small a run may be more.
DIFFERENCES: Final = frozenset(
    {"latency_p50_ms", "latency_p99_ms", "idle_link_kb", "idle_subscription_b", "idle_live_subscription_b"}
)


def unheard(_: str) -> None:
    """For whoever does not want to be told."""


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_measurement_gives_its_figures(name: str) -> None:
    figures = measure([name], SMALL, unheard, pytest.fail)

    assert [figure.name for figure in figures] == NAMES[name]
    assert all(figure.value.median > 0 or figure.name in DIFFERENCES for figure in figures)
    assert all(figure.value.low <= figure.value.median <= figure.value.high for figure in figures)


def test_the_full_sizes_are_those_that_the_targets_are_for() -> None:
    assert 64 in FULL.fanout.casts_for
    assert 100 in FULL.latency.casts_at
    assert {1000, 1_000_000} <= set(FULL.match.sizes)
    assert 100_000 in FULL.filters.sizes
    assert 1_000_000 in FULL.recovery.casts
    assert 5_000_000 in FULL.growth.steps


def test_the_full_run_has_all_that_a_quick_one_is_compared_with() -> None:
    assert QUICK.fanout.casts_for.items() <= FULL.fanout.casts_for.items()
    assert QUICK.latency.casts_at.items() <= FULL.latency.casts_at.items()
    assert set(QUICK.match.sizes) <= set(FULL.match.sizes)
    assert set(QUICK.filters.sizes) <= set(FULL.filters.sizes)
    assert set(QUICK.recovery.casts) <= set(FULL.recovery.casts)
    assert set(QUICK.growth.steps) <= set(FULL.growth.steps)


def test_a_growing_store_is_compared_with_one_that_is_new_in_each_round(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted() -> AbstractContextManager[RouterFolder]:
        made.append(1)
        return router_folder()

    monkeypatch.setattr(growth, "router_folder", counted)

    growth.measure(GrowthSizes(steps=(100, 400), rounds=3, commits=1))

    assert len(made) == 1 + 2 * 3


def test_among_few_as_many_casts_take_turns_as_among_many() -> None:
    few, many = match._casts(300), match._casts(30_000)

    assert len(few) == len(many) == len({topic for topic, _ in many}) == match.CASTS
    assert len({topic for topic, _ in few}) == len({topic for topic, _ in few[:100]}) == 100
    assert len({repr(facets) for _, facets in few}) == len({repr(facets) for _, facets in many}) == match.WISHES


def test_a_round_costs_what_the_middle_call_does(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = iter([1.0, 9.0, 2.0, 5.0, 3.0, 4.0])
    monkeypatch.setattr(turns, "_cpu_s", lambda _: next(costs))

    measured, _ = turns.in_turns([lambda: None], rounds=2)

    assert measured == [2.0, 4.0]


def test_every_cast_finds_the_same_number_of_filters() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex()
    least = list(range(1000, 1_001_000, 1000))
    for number, price in enumerate(least):
        index.add(number, filters.PATTERN, Compare(">=", "price", Money("USD", price, price)))

    chance = random.Random(1)  # noqa: S311 - the same casts in every run

    casts = filters._casts(chance, index, least, 30)

    assert {len(index.find(filters.TOPIC, cast)) for cast in casts} == {30}
    assert len({repr(cast) for cast in casts}) == len(casts) == filters.CASTS
    with pytest.raises(RuntimeError, match="only 0 casts found 1001"):
        filters._casts(chance, index, least, 1001)


def test_a_percentile_is_told_by_a_round_or_by_all_together_or_not_at_all() -> None:
    """Two casts at least have to be later than it."""
    limits = [Limits(verification_s=flush / 1000, flush_s=flush) for flush in (0.1, 0.2, 0.1, 0.2, 0.1)]
    rounds = [Slice([0.001] * 400, [0.0] * 400, each) for each in limits]

    assert telling(rounds, 990) == rounds
    (together,) = telling(rounds, 999)
    assert len(together.latencies_s) == len(together.late_s) == 2000
    assert together.limits.flush_s == pytest.approx(0.14)
    assert together.limits.verification_s == pytest.approx(0.000_14)
    assert telling(rounds[:4], 999) == []
    assert telling([], 500) == []


def test_a_latency_is_compared_in_verifications_whatever_the_disk() -> None:
    flushes = (0.000_1, 0.01)
    quick, slow = (Slice([0.02] * 400, [0.0] * 400, Limits(verification_s=0.000_1, flush_s=each)) for each in flushes)

    (one, *_), (other, *_) = _plain(100, [quick]), _plain(100, [slow])
    beyond = _targeted([quick])

    assert one.in_limits == other.in_limits
    assert one.comparable.median == pytest.approx(200)
    assert [each.comparable.median for each in beyond] == pytest.approx([199, 199])
    assert {each.limit for each in (one, other, *beyond)} == {VERIFICATION}


@pytest.mark.slow
def test_a_round_counts_only_what_was_accepted(tmp_path: Path) -> None:
    """Casts with spoiled signatures are refused, and then there is no figure."""
    prepare(tmp_path / "casts", 64)
    data = bytearray((tmp_path / "casts").read_bytes())
    data[-1] ^= 1  # the last byte of the last signature
    (tmp_path / "casts").write_bytes(data)

    with running_router() as router, pytest.raises(LoadFailed, match="63 of 64"):
        accept_round(router, Supply(tmp_path / "casts", 64), 64, links=1, batch=64)
