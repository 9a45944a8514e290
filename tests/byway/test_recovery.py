"""What an operator is told at the start: nothing if all is well, else what is wrong and the next command."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from byway.clock import MAX_AWAY_MS, now_ms
from byway.protocol.limits import DAY_MS, HOUR_MS
from byway.recovery import Decided, node_clock, recovery_lines
from byway.store.high_water import InDoubt, Mark
from byway.store.store import LastCommit, Recovered

RUN = "byway run here.toml"
LAST = LastCommit(3, 31, 10, b"head", b"frontier")
RECOVERED = Recovered(b"c" * 16, LAST, 41, [], 40)


def mark(clock_ms: int) -> Mark:
    return Mark(b"c" * 16, 3, 41, clock_ms)


def test_a_store_that_is_well_needs_no_word() -> None:
    assert recovery_lines(RECOVERED, mark(0), Decided(RUN)) == []
    assert recovery_lines(RECOVERED._replace(last=None, next_sequence=1), None, Decided(RUN)) == []


@pytest.mark.parametrize(
    ("doubt", "said"),
    [
        (InDoubt((41, 70), (4, 7)), "commits 4 to 7, statements 41 to 70: "),
        (InDoubt((41, 41), (4, 4)), "commit 4, statement 41: "),
        (InDoubt((41, 70), None), "in doubt    statements 41 to 70: "),
    ],
)
def test_what_is_in_doubt_is_named_with_the_next_command(doubt: InDoubt, said: str) -> None:
    first, second, last = recovery_lines(RECOVERED._replace(in_doubt=doubt), mark(0), Decided(RUN))

    assert said in first
    assert "store-rolled-back" in second
    assert last.endswith(f": {RUN} --begin-chain")


def test_a_lost_high_water_file_is_one_line() -> None:
    [line] = recovery_lines(RECOVERED, None, Decided(RUN))
    assert "high-water" in line


def test_a_new_chain_is_told_once_it_has_begun() -> None:
    [line] = recovery_lines(RECOVERED._replace(last=None), mark(0), Decided(RUN, begin_chain=True))
    assert line.startswith("new chain ")


@pytest.mark.parametrize("away", [MAX_AWAY_MS + DAY_MS, -2 * HOUR_MS, -(2**53)])
def test_a_clock_that_is_not_believed_is_logged_once_with_the_next_command(away: int) -> None:
    with capture_logs() as logs:
        clock = node_clock(mark(now_ms() - away), Decided(RUN))
        for _ in range(3):
            assert abs(clock() - (now_ms() - away)) < HOUR_MS

    [line] = logs
    assert (line["event"], line["code"]) == ("clock_jumped", "clock-jumped")
    assert line["next_step"].endswith(f": {RUN} --believe-clock")


@pytest.mark.parametrize("high_water", [None, mark(now_ms()), mark(now_ms() - MAX_AWAY_MS + HOUR_MS)])
def test_a_clock_that_is_believed_is_no_news(high_water: Mark | None) -> None:
    with capture_logs() as logs:
        assert abs(node_clock(high_water, Decided(RUN))() - now_ms()) < HOUR_MS
    assert logs == []


def test_the_operator_can_say_that_the_clock_is_right() -> None:
    for away in (400 * DAY_MS, -400 * DAY_MS):
        with capture_logs() as logs:
            clock = node_clock(mark(now_ms() - away), Decided(RUN, believe_clock=True))
            assert abs(clock() - now_ms()) < HOUR_MS
        assert logs == []
