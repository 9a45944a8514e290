"""What an operator is told at the start: nothing if all is well, else what is wrong and the next command."""

from __future__ import annotations

from typing import cast

import pytest
from structlog.testing import capture_logs

from byway.clock import MAX_AWAY_MS, now_ms, uptime
from byway.errors import StoreError
from byway.protocol.limits import DAY_MS, HOUR_MS, MINUTE_MS
from byway.protocol.urn import node_urn
from byway.recovery import NAMED, Decided, node_clock, recover, recovery_lines
from byway.store.high_water import InDoubt, Mark
from byway.store.store import LastCommit, Recovered, Store

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


def test_what_has_no_head_any_more_is_in_doubt() -> None:
    found = RECOVERED._replace(last=None, without_head=(31, 40))
    doubt, chain = recovery_lines(found, mark(0), Decided(RUN, begin_chain=True))

    assert doubt.startswith("in doubt    statements 31 to 40: ")
    assert chain.startswith("new chain ")


class Found:
    """A store that recovers as it is told."""

    def __init__(self, found: Recovered | StoreError) -> None:
        self.found = found
        self.chain: bytes | None = None

    def recover(self, _now: int, *, begin_chain: bytes | None = None) -> Recovered:
        self.chain = begin_chain
        if isinstance(self.found, StoreError):
            raise self.found
        return self.found


def recovered(store: Found, decided: Decided = Decided(RUN)) -> Recovered:  # noqa: B008 - frozen
    return recover(cast("Store", store), 0, decided, bytes)


def test_a_damaged_chain_stops_the_start_with_the_next_command() -> None:
    with pytest.raises(StoreError) as raised:
        recovered(Found(StoreError("the end is damaged", code="chain-damaged")))

    assert (str(raised.value), raised.value.code) == ("the end is damaged", "chain-damaged")
    assert raised.value.next_step.endswith(f"once: {RUN} --begin-chain")

    other = StoreError("the disk", code="store-failed", next_step="check it")
    with pytest.raises(StoreError) as raised:
        recovered(Found(other))
    assert raised.value is other


def test_a_new_chain_is_begun_when_the_operator_says_so() -> None:
    store = Found(RECOVERED)
    recovered(store)
    assert store.chain is None
    recovered(store, Decided(RUN, begin_chain=True))
    assert store.chain == bytes(16)


def test_each_subscription_that_is_lost_is_logged_by_key_and_name() -> None:
    with capture_logs() as logs:
        recovered(Found(RECOVERED._replace(dropped=[(b"k" * 32, "homes"), (b"?", "fo\ufffdd")])))

    count, *logs = logs
    assert (count["event"], count["count"]) == ("subscriptions_damaged", 2)
    assert [(line["event"], line["code"], line["sub"]) for line in logs] == [
        ("subscription_damaged", "damaged", "homes"),
        ("subscription_damaged", "damaged", "fo\ufffdd"),
    ]
    assert logs[0]["key"] == node_urn(b"k" * 32)
    assert all(line["next_step"] for line in logs)

    with capture_logs() as logs:
        recovered(Found(RECOVERED._replace(dropped=[(b"k" * 32, str(number)) for number in range(10_000)])))
    assert len(logs) == 1 + NAMED


def test_a_lost_high_water_file_is_one_line() -> None:
    [line] = recovery_lines(RECOVERED, None, Decided(RUN))
    assert "high-water" in line


def test_a_new_chain_is_told_once_it_has_begun() -> None:
    [line] = recovery_lines(RECOVERED._replace(last=None), mark(0), Decided(RUN, begin_chain=True))
    assert line.startswith("new chain ")


@pytest.mark.parametrize(
    ("away", "far"),
    [(MAX_AWAY_MS + DAY_MS, "31 days ahead of"), (-7 * HOUR_MS // 2, "3 h behind"), (-(2**53), "behind")],
)
def test_a_clock_that_is_not_believed_is_logged_once_with_the_next_command(away: int, far: str) -> None:
    with capture_logs() as logs:
        clock = node_clock(mark(now_ms() - away), Decided(RUN))
        for _ in range(3):
            assert abs(clock() - (now_ms() - away)) < HOUR_MS

    [line] = logs
    assert (line["event"], line["code"]) == ("clock_jumped", "clock-jumped")
    assert f"{far} the time of the node" in line["sentence"]
    assert line["next_step"].endswith(f": {RUN} --believe-clock")


@pytest.mark.parametrize("high_water", [None, mark(now_ms()), mark(now_ms() - MAX_AWAY_MS + HOUR_MS)])
def test_a_clock_that_is_believed_is_no_news(high_water: Mark | None) -> None:
    with capture_logs() as logs:
        assert abs(node_clock(high_water, Decided(RUN))() - now_ms()) < HOUR_MS
    assert logs == []


def test_a_node_that_was_restarted_beside_a_wrong_clock_loses_no_time() -> None:
    """It was off for two hours, while somebody set the clock three days ahead."""
    running = uptime()
    noted = mark(now_ms() - 3 * DAY_MS - 2 * HOUR_MS)._replace(
        uptime=running._replace(steady_ms=running.steady_ms - 2 * HOUR_MS)
    )
    with capture_logs() as logs:
        assert abs(node_clock(noted, Decided(RUN))() - (now_ms() - 3 * DAY_MS)) < MINUTE_MS

    assert [line["event"] for line in logs] == ["clock_jumped"]
    assert logs[0]["next_step"].endswith(f": {RUN} --believe-clock")


def test_the_operator_can_say_that_the_clock_is_right() -> None:
    for away in (400 * DAY_MS, -400 * DAY_MS):
        with capture_logs() as logs:
            clock = node_clock(mark(now_ms() - away), Decided(RUN, believe_clock=True))
            assert abs(clock() - now_ms()) < HOUR_MS
        assert logs == []
