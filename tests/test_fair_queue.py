"""The fair queue: nobody waits for more than one item of each other prefix, and of each other link."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from byway.fair_queue import FairQueue

PUTS = st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("abc"), st.integers(0, 6)), max_size=30)


def filled(puts: list[tuple[str, str, int]]) -> tuple[FairQueue[tuple[str, str, int]], list[tuple[str, str, int]]]:
    queue: FairQueue[tuple[str, str, int]] = FairQueue()
    expected = []
    for number, (prefix, link, count) in enumerate(puts):
        items = [(prefix, link, number * 10 + index) for index in range(count)]
        queue.put(prefix, link, items)
        expected += items
    return queue, expected


@given(PUTS, st.integers(1, 9))
def test_all_comes_out_once_and_each_link_in_its_order(puts: list[tuple[str, str, int]], at_most: int) -> None:
    queue, expected = filled(puts)
    taken = []
    while queue:
        part = queue.take(at_most)
        assert 0 < len(part) <= at_most
        taken += part
    assert sorted(taken) == sorted(expected)
    for prefix in "xyz":
        for link in "abc":
            numbers = [number for o, name, number in taken if (o, name) == (prefix, link)]
            assert numbers == sorted(numbers)
    assert queue.take(1) == []


@given(PUTS)
def test_while_two_wait_neither_gets_two_turns_more_than_the_other(puts: list[tuple[str, str, int]]) -> None:
    queue, expected = filled(puts)
    left = Counter(prefix for prefix, _, _ in expected)
    turns: Counter[str] = Counter()
    while queue:
        waiting = [prefix for prefix in left if left[prefix]]
        assert max(turns[prefix] for prefix in waiting) - min(turns[prefix] for prefix in waiting) <= 1
        ((prefix, _, _),) = queue.take(1)
        turns[prefix] += 1
        left[prefix] -= 1


def test_one_item_behind_a_thousand_of_others_is_the_second_to_come() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("x", "a", ["flood"] * 1000)
    queue.put("x", "b", ["same prefix"])
    queue.put("y", "c", ["other prefix"])
    assert queue.take(4) == ["flood", "other prefix", "same prefix", "flood"]
    assert len(queue) == 998
