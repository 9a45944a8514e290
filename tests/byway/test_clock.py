"""The clock of a node never runs backwards, and follows the wall clock only as far as it can be believed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.clock import (
    ANCHOR_MS,
    MAX_AWAY_MS,
    MAX_CORRECTION_MS,
    UNKNOWN_UPTIME,
    Jump,
    SteadyClock,
    Uptime,
    now_ms,
    steady_ms,
    uptime,
)
from byway.protocol.limits import DAY_MS, HOUR_MS

START = 1_800_000_000_000


class Machine:
    """A computer whose two clocks are in the hands of a test."""

    def __init__(self, wall: int = START) -> None:
        self.wall = wall
        self.steady = 5_000
        self.jumps: list[Jump] = []

    def clock(self, *, high_water: int | None = None, away: int | None = None, confirmed: bool = False) -> SteadyClock:
        return SteadyClock(
            lambda: self.wall,
            lambda: self.steady,
            high_water=high_water,
            away=away,
            confirmed=confirmed,
            on_jump=self.jumps.append,
        )

    def passes(self, span: int) -> None:
        self.wall += span
        self.steady += span


steps = st.lists(
    st.tuples(
        st.integers(0, 3 * DAY_MS),
        st.one_of(st.just(0), st.integers(-2 * HOUR_MS, 2 * HOUR_MS), st.integers(-(2**45), 2**45)),
    ),
    max_size=30,
)


@given(st.none() | st.integers(START - 40 * DAY_MS, START + 40 * DAY_MS), st.booleans(), steps)
def test_it_never_runs_backwards_and_never_faster_than_it_may(
    high_water: int | None, confirmed: bool, moves: list[tuple[int, int]]
) -> None:
    """Whatever the wall clock does: in each day it can add an hour, and once what the node may have been off."""
    machine = Machine()
    clock = machine.clock(high_water=high_water, confirmed=confirmed)
    first, began = clock(), machine.steady
    last = first
    if high_water is not None and not confirmed:
        assert high_water <= first <= high_water + MAX_AWAY_MS
    met_by = 0 if high_water is None or confirmed else MAX_AWAY_MS
    for span, jump in moves:
        machine.passes(span)
        machine.wall += jump

        now = clock()

        assert now >= last
        elapsed = machine.steady - began
        assert now - first <= elapsed + met_by + MAX_CORRECTION_MS * (1 + elapsed // ANCHOR_MS)
        last = now


@given(st.lists(st.tuples(st.integers(0, DAY_MS), st.integers(-100, 100)), max_size=20))
def test_it_follows_a_wall_clock_that_is_put_right_now_and_then(moves: list[tuple[int, int]]) -> None:
    machine = Machine()
    clock = machine.clock(high_water=START)
    highest = machine.wall
    for span, correction in moves:
        machine.passes(span)
        machine.wall += correction
        highest = max(highest, machine.wall)
        assert clock() == highest
    assert machine.jumps == []


def test_a_jump_is_not_believed_and_said_once() -> None:
    for jump in (400 * DAY_MS, -400 * DAY_MS, HOUR_MS + 1, -HOUR_MS - 1):
        machine = Machine()
        clock = machine.clock()
        machine.wall += jump

        for second in range(3):
            assert clock() == START + 1_000 * second
            machine.passes(1_000)

        assert machine.jumps == [Jump(START + jump, START, believed=False)]


def test_a_jump_that_is_taken_back_is_followed_again() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += DAY_MS
    assert clock() == START
    machine.wall -= DAY_MS
    machine.passes(1_000)

    assert clock() == START + 1_000
    assert [jump.believed for jump in machine.jumps] == [False, True]


def test_within_an_hour_the_wall_clock_is_believed_but_time_does_not_go_back() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += HOUR_MS
    assert clock() == START + HOUR_MS
    machine.wall -= HOUR_MS // 2
    assert clock() == START + HOUR_MS
    machine.passes(HOUR_MS)
    assert clock() == START + 3 * HOUR_MS // 2
    assert machine.jumps == []


def test_many_small_steps_are_one_large_one() -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(100):
        machine.wall += 50 * 60_000
        clock()

    assert clock() - START <= HOUR_MS
    assert machine.jumps


def test_a_node_that_was_off_for_a_weekend_just_works() -> None:
    machine = Machine()
    for away in (0, 3 * DAY_MS, MAX_AWAY_MS):
        assert machine.clock(high_water=START - away)() == START
    assert machine.jumps == []


def test_a_wall_clock_far_ahead_at_the_start_waits_for_the_operator() -> None:
    machine = Machine()
    assert machine.clock(high_water=START - MAX_AWAY_MS - 1)() == START - MAX_AWAY_MS - 1
    assert machine.jumps == [Jump(START, START - MAX_AWAY_MS - 1, believed=False)]

    assert machine.clock(high_water=START - MAX_AWAY_MS - 1, confirmed=True)() == START


def test_a_wall_clock_behind_at_the_start_waits_for_the_high_water_or_for_the_operator() -> None:
    machine = Machine()
    assert machine.clock(high_water=START + 1_000)() == START + 1_000
    assert machine.jumps == []
    assert machine.clock(high_water=START + DAY_MS)() == START + DAY_MS
    assert [jump.believed for jump in machine.jumps] == [False]

    assert machine.clock(high_water=START + DAY_MS, confirmed=True)() == START


def test_a_downtime_that_is_known_is_not_lost_and_not_taken_for_a_jump() -> None:
    """Within one run of the computer the steady clock goes on while the node is off."""
    machine = Machine()
    assert machine.clock(high_water=START - 40 * DAY_MS, away=40 * DAY_MS)() == START
    assert machine.jumps == []

    for jump in (2 * DAY_MS, -2 * DAY_MS, 400 * DAY_MS):
        machine = Machine(wall=START + jump)
        clock = machine.clock(high_water=START - DAY_MS, away=DAY_MS)
        assert clock() == START
        assert machine.jumps == [Jump(START + jump, START, believed=False)]
        machine.passes(1_000)
        machine.wall -= jump
        assert clock() == START + 1_000

    assert Machine(START + DAY_MS).clock(high_water=START, away=0, confirmed=True)() == START + DAY_MS


@given(st.integers(START - 40 * DAY_MS, START), st.integers(0, 40 * DAY_MS), st.integers(-(2**45), 2**45))
def test_after_a_known_downtime_the_wall_clock_counts_within_an_hour(high_water: int, away: int, jump: int) -> None:
    machine = Machine(wall=high_water + away + jump)

    now = machine.clock(high_water=high_water, away=away)()

    assert now == high_water + away + (jump if 0 <= jump <= MAX_CORRECTION_MS else 0)
    assert bool(machine.jumps) == (abs(jump) > MAX_CORRECTION_MS)


def test_two_readings_tell_the_time_between_them_within_one_run_of_the_computer() -> None:
    before, after = Uptime(b"b" * 16, 1_000), Uptime(b"b" * 16, 5_000)

    assert after.since(before) == 4_000
    assert before.since(after) is None
    assert after.since(Uptime(b"a" * 16, 1_000)) is None
    assert Uptime(bytes(16), 5_000).since(UNKNOWN_UPTIME) is None


@pytest.mark.skipif(not Path("/proc/sys/kernel/random/boot_id").exists(), reason="only Linux names its boots")
def test_this_computer_names_its_run() -> None:
    first, second = uptime(), uptime()

    assert first.boot.hex() == Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
    assert second.since(first) is not None


def test_a_computer_without_a_battery_for_its_clock_is_believed_when_it_has_found_the_time() -> None:
    """It begins in 1970, and learns of the time from the network, after the node has started."""
    machine = Machine(wall=0)
    clock = machine.clock(high_water=START)
    machine.passes(10_000)
    assert clock() == START + 10_000

    machine.wall = START + 2 * DAY_MS

    assert clock() == START + 2 * DAY_MS
    assert [jump.believed for jump in machine.jumps] == [False, True]
    machine.wall += 2 * DAY_MS
    assert clock() == START + 2 * DAY_MS


def test_the_clocks_of_this_machine_are_read_in_milliseconds() -> None:
    assert abs(now_ms() - time.time() * 1000) < HOUR_MS
    before = steady_ms()
    assert 0 <= steady_ms() - before < HOUR_MS
