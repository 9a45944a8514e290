"""The line of those with stamps: nobody without one is before them, and they are before nobody every other turn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from byway.router.verdict_queue import VerdictQueue


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 9))
def test_all_comes_out_once_and_half_of_each_piece_is_for_either(stamped: int, others: int, at_most: int) -> None:
    queue: VerdictQueue[str] = VerdictQueue()
    queue.put("x", "a", ["stamped"] * stamped, stamped=True)
    queue.put("x", "a", ["other"] * others, stamped=False)
    left = {"stamped": stamped, "other": others}
    while queue:
        assert len(queue) == sum(left.values())
        part = queue.take(at_most)
        assert len(part) == min(at_most, sum(left.values()))
        assert part.count("stamped") >= min(left["stamped"], (at_most + 1) // 2)
        assert part.count("other") >= min(left["other"], at_most // 2)
        for item in part:
            left[item] -= 1
    assert left == {"stamped": 0, "other": 0}


def test_a_stamp_goes_before_a_flood_of_many_prefixes() -> None:
    queue: VerdictQueue[str] = VerdictQueue()
    for number in range(1000):
        queue.put(f"flood {number}", "a", ["flood"] * 10, stamped=False)
    queue.put("person", "b", ["stamped"], stamped=True)
    assert "stamped" in queue.take(2)


def test_stamps_of_one_link_do_not_push_back_those_of_another() -> None:
    queue: VerdictQueue[str] = VerdictQueue()
    queue.put("x", "a", ["many"] * 1000, stamped=True)
    queue.put("y", "b", ["one"], stamped=True)
    assert queue.take(4).count("one") == 1
