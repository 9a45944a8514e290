"""The checker sees who was let in, and what came twice, late, in the open or in excess: I5, I6, I11, I12 and I15."""

from __future__ import annotations

import base64
import copy

import pytest

from byway.protocol.statement import parse_statement
from tests.checker.honest_run import CANARY
from tests.checker.spoiling import MS, Copy, Line

SELLERS = ["all", "beds", "near", "away", "offers"]


def test_a_hostile_attempt_with_a_receipt_was_let_in(run: Copy) -> None:
    receipted = {line.id for line in run.all("receipt")}
    line = next(line for line in run.all("attempt") if line.id in receipted)
    line.fields["hostile"] = "a replayed session"

    assert run.red() == {"I5"}


@pytest.mark.parametrize("kind", [3, 4, 6], ids=["sealed", "mailbox", "acknowledgement"])
def test_a_statement_on_the_link_of_another_key_was_let_in(run: Copy, kind: int) -> None:
    line = next(line for line in run.all("attempt") if line.get("statement")[3] == kind)
    line.fields["key"] = line.fields["node"]

    assert run.red() == {"I5"}


def test_another_key_at_a_mailbox_was_let_in(run: Copy) -> None:
    for line in run.all(*("subscribed", "received", "effect", "ack-sent", "acked"), sub="offers"):
        line.fields["key"] = line.fields["node"]

    assert run.red() == {"I5"}


@pytest.mark.parametrize("sub", SELLERS)
def test_two_effects_are_one_too_many(run: Copy, sub: str) -> None:
    line = run.all("effect", sub=sub)[0]
    run.insert_after(line, line)

    assert run.red() == {"I6"}


@pytest.mark.parametrize("sub", SELLERS)
def test_an_acked_cast_without_its_effect_is_noticed(run: Copy, sub: str) -> None:
    line = run.all("effect", sub=sub)[0]
    run.drop(lambda other: other is line)

    assert run.red() == {"I6"}


@pytest.mark.parametrize("sub", SELLERS)
def test_what_was_confirmed_may_not_come_again_in_the_epoch(run: Copy, sub: str) -> None:
    acked = run.all("acked", sub=sub)[-1]
    came = next(line for line in run.all("received", sub=sub) if line.fields["epoch"] == acked.fields["epoch"])
    again = copy.deepcopy(came)
    again.monotonic_ns, again.wall_ns = acked.monotonic_ns, acked.wall_ns
    run.insert_after(acked, again)

    assert run.red() == {"I6"}


def test_an_epoch_that_does_not_grow_fences_nobody(run: Copy) -> None:
    for line in run.all("subscribed", "received", "ack-sent", "acked", sub="all"):
        line.fields["epoch"] = 1

    assert run.red() == {"I6"}


@pytest.mark.parametrize(("which", "broken"), [(0, set()), (-1, {"I6"})], ids=["on its way", "new"])
def test_a_link_that_was_replaced_may_bring_what_was_on_its_way(run: Copy, which: int, broken: set[str]) -> None:
    """The first link of the seller comes to again, after the second one: with an old cast, or with a new one."""
    first, second = run.all("subscribed", sub="all")
    line = [each for each in run.all("received", sub="all") if each.monotonic_ns > second.monotonic_ns][-1]
    late = copy.deepcopy(run.all("received", sub="all")[which])
    late.monotonic_ns, late.wall_ns = line.monotonic_ns, line.wall_ns
    late.fields |= {"epoch": first.fields["epoch"], "link": first.fields["link"]}
    run.insert_after(line, late)

    assert run.red() == broken


def test_a_stale_ack_that_moves_the_cursor_is_noticed(run: Copy) -> None:
    for line in run.all("ack-sent", sub="away")[-2:]:
        line.fields["epoch"] = 1

    assert run.red() == {"I6", "I13"}


@pytest.mark.parametrize("sub", SELLERS)
def test_a_cast_that_came_after_it_expired_is_noticed(run: Copy, sub: str) -> None:
    line = run.all("received", sub=sub)[-1]
    line.wall_ns = (parse_statement(line.get("statement")).expires + 1001) * MS

    assert run.red() == {"I11"}


def test_a_cast_that_came_within_the_slack_of_the_clock_is_in_time(run: Copy) -> None:
    line = run.all("received", sub="all")[-1]
    line.wall_ns = (parse_statement(line.get("statement")).expires + 1000) * MS

    assert run.red() == set()


@pytest.mark.parametrize("sub", SELLERS)
def test_a_cast_that_was_used_after_it_expired_is_noticed(run: Copy, sub: str) -> None:
    line = run.all("effect", sub=sub)[-1]
    line.wall_ns = (expiry_of(run, line) + 1001) * MS

    assert run.red() == {"I11"}


def test_a_subscriber_may_take_its_time_over_what_it_was_handed_before_it_expired(run: Copy) -> None:
    line = run.all("effect", sub="all")[-1]
    line.wall_ns = (expiry_of(run, line) + 5000) * MS
    line.fields["took_ms"] = 4000

    assert run.red() == set()


def test_how_long_a_node_was_stopped_counts_against_who_uses_what_it_handed_over_and_not_against_the_node(
    run: Copy,
) -> None:
    came, used = late_by(run, 5000)
    run.insert_after(came, standstill(came, "stopped", ms=4000, node=came.fields["node"]))
    assert run.red() == {"I11"}

    used.wall_ns -= 4000 * MS
    assert run.red() == set()


def test_what_expired_before_a_node_was_stopped_is_late(run: Copy) -> None:
    came, used = late_by(run, 5000)
    used.wall_ns -= 4000 * MS
    run.insert_after(came, standstill(came, "stopped", ms=3999, node=came.fields["node"]))

    assert run.red() == {"I11"}


def test_how_long_another_node_was_stopped_does_not_count(run: Copy) -> None:
    came, used = late_by(run, 5000)
    used.wall_ns -= 4000 * MS
    run.insert_after(came, standstill(came, "stopped", ms=4000, node=came.fields["key"]))

    assert run.red() == {"I11"}


def test_how_long_everybody_stood_still_counts_against_nobody(run: Copy) -> None:
    came, _ = late_by(run, 5000)
    run.insert_after(came, standstill(came, "away", ms=3000), standstill(came, "away", ms=4000))
    assert run.red() == set()

    late_by(run, 5001)
    assert run.red() == {"I11"}


def expiry_of(run: Copy, line: Line) -> int:
    """In milliseconds."""
    return next(parse_statement(each.get("statement")).expires for each in run.all("attempt") if each.id == line.id)


def late_by(run: Copy, ms: int) -> tuple[Line, Line]:
    """The last cast came, and was used, so late; both lines."""
    used = run.all("effect", sub="all")[-1]
    came = next(line for line in run.all("received", sub="all") if line.id == used.id)
    came.wall_ns = used.wall_ns = (expiry_of(run, used) + ms) * MS
    return came, used


def standstill(after: Line, event: str, **fields: object) -> Line:
    """One that ends when this line was written."""
    return Line([0, after.monotonic_ns, after.wall_ns, event, fields])


def test_a_refusal_of_what_has_not_expired_is_noticed(run: Copy) -> None:
    next(line for line in run.all("refusal") if line.fields["code"] == "bad-signature").fields["code"] = "expired"

    assert run.red() == {"I11"}


def test_a_cast_that_was_handed_in_after_it_expired_may_not_be_accepted(run: Copy) -> None:
    line = run.all("attempt")[0]
    for each in run.all("attempt"):
        if each.id == line.id:
            each.wall_ns = (parse_statement(line.get("statement")).expires + 1000) * MS

    assert run.red() == {"I11"}


@pytest.mark.parametrize(
    "spelt",
    [CANARY, CANARY.hex().encode(), *(base64.b64encode(bytes(before) + CANARY + b"behind") for before in range(4))],
    ids=["raw", "hex", *(f"base64 after {before}" for before in range(4))],
)
def test_a_secret_in_a_file_is_found(run: Copy, spelt: bytes) -> None:
    (run.folder / "router" / "log").write_bytes(bytes(3 << 20) + spelt + b"\n")

    assert run.red() == {"I12"}


def test_a_figure_over_its_bound_is_found(run: Copy) -> None:
    run.all("measured")[0].fields["value"] = 101

    assert run.red() == {"I15"}
