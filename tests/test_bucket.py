"""Buckets: never more is spent than comes in, and nothing is kept of those who have not spent lately."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from byway.bucket import FEW, Buckets


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 5)), max_size=60))
def test_what_is_spent_stays_within_what_came_in_and_one_last_purchase(steps: list[tuple[float, int]]) -> None:
    buckets = Buckets(rate=2, burst=4)
    now = spent = 0.0
    for pause, amount in steps:
        now += pause
        if not buckets.wait("a", now):
            assert spent <= 4 + 2 * now - 1 + 1e-6
            buckets.spend("a", now, amount)
            spent += amount


@given(st.integers(1, 100))
def test_who_waits_as_long_as_told_may_spend(amount: int) -> None:
    buckets = Buckets(rate=3, burst=5)
    buckets.spend("a", 0, amount)
    wait = buckets.wait("a", 0)
    assert buckets.wait("a", wait + 1e-9) == 0
    assert wait == 0 or buckets.wait("a", wait * 0.9) > 0
    assert buckets.wait("b", 0) == 0


def test_full_buckets_are_forgotten() -> None:
    buckets = Buckets(rate=1, burst=1)
    for number in range(50 * FEW):
        buckets.spend(number, number / 100, 1)
    assert len(buckets) <= 2 * FEW
