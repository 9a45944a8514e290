"""How much work is asked for: nothing in quiet times, more while there is too much to do, less again after it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from byway.protocol.limits import MAX_STAMP_BITS
from byway.router.difficulty import BASE_BITS, FALL_EVERY_S, LEEWAY_BITS, MOST_BITS, RISE_EVERY_S, Difficulty


def pressed(seconds: int, *, every_s: float = 0.25) -> tuple[Difficulty, float]:
    """What is asked after so long a time of too much to do, and when that was."""
    difficulty = Difficulty()
    now = 100.0
    while now <= 100.0 + seconds:
        difficulty.press(now)
        now += every_s
    return difficulty, now - every_s


def test_nothing_is_asked_while_it_is_quiet() -> None:
    assert [Difficulty().bits(now) for now in (0.0, 0.1, 1e9)] == [0, 0, 0]


def test_the_first_press_asks_for_the_base_and_each_further_second_for_one_more() -> None:
    assert [pressed(seconds)[0].bits(100.0 + seconds) for seconds in range(4)] == [BASE_BITS + n for n in range(4)]


def test_it_ends_at_what_a_link_can_be_asked_for() -> None:
    difficulty, now = pressed(60)
    assert difficulty.bits(now) == MOST_BITS <= MAX_STAMP_BITS
    assert BASE_BITS > LEEWAY_BITS


def test_in_quiet_it_falls_by_one_each_few_seconds_and_then_to_nothing() -> None:
    difficulty, now = pressed(3)
    seen = [difficulty.bits(now + step * FALL_EVERY_S) for step in range(6)]
    assert seen == [BASE_BITS + 3, BASE_BITS + 2, BASE_BITS + 1, BASE_BITS, 0, 0]


def test_it_goes_on_from_where_it_has_fallen_to() -> None:
    difficulty, now = pressed(5)
    difficulty.press(now + 2 * FALL_EVERY_S)
    assert difficulty.bits(now + 2 * FALL_EVERY_S) == BASE_BITS + 5 - 2 + 1
    difficulty.press(now + 100 * FALL_EVERY_S)
    assert difficulty.bits(now + 100 * FALL_EVERY_S) == BASE_BITS


@given(st.lists(st.floats(0, 20), max_size=60))
def test_it_is_within_its_bounds_and_never_rises_faster_than_it_may(waits: list[float]) -> None:
    difficulty = Difficulty()
    now, before, rose = 0.0, 0, -RISE_EVERY_S
    for wait in waits:
        now += wait
        before = difficulty.bits(now)
        difficulty.press(now)
        bits = difficulty.bits(now)
        assert BASE_BITS <= bits <= MOST_BITS
        if bits > before > 0:
            assert bits == before + 1
            assert now >= rose + RISE_EVERY_S
        if bits > before:
            rose = now
