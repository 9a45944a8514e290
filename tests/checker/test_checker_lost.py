"""The checker sees what is lost: each of I1, I10 and I13 turns red alone for what it is there for."""

from __future__ import annotations

import copy

import pytest

from byway.protocol.statement import parse_statement
from tests.checker.spoiling import MS, Copy, Line

SELLERS = ["all", "beds", "near", "offers"]


@pytest.mark.parametrize("sub", SELLERS)
def test_a_receipted_cast_that_never_came_is_lost(run: Copy, sub: str) -> None:
    lost = next(line.id for line in run.all("received", sub=sub) if not is_over(run, line))

    run.drop(lambda line: line.event in ("received", "effect") and line.fields["sub"] == sub and line.id == lost)

    assert run.red() == {"I1"}


def is_over(run: Copy, received: Line) -> bool:
    """The first cast was closed, and the first offer replaced: nobody is owed them."""
    close = parse_statement(run.of("closer", "attempt")[0].get("statement"))
    offers = [line.id for line in run.all("received", sub="offers")]
    return received.id in (close.body()["cast"], *offers[:-1])


@pytest.mark.parametrize("sub", ["all", "beds", "near"])
def test_what_came_long_after_the_last_fault_came_too_late(run: Copy, sub: str) -> None:
    later = 40_000 * MS
    healed = run.all("heal")[0].monotonic_ns
    for name, lines in run.lines.items():
        for line in lines:
            late = line.event == "end-of-drain" or name.endswith(f"-{sub}")
            if late and line.monotonic_ns > healed:
                line.monotonic_ns += later
                line.wall_ns += later

    assert run.red() == {"I10"}


def test_a_fault_that_never_ends_leaves_nothing_to_conclude(run: Copy) -> None:
    run.drop(lambda line: line.event == "fault-stop")

    assert run.red() == {"I10"}


def test_an_attempt_that_was_never_answered_is_silence(run: Copy) -> None:
    lost = run.all("receipt")[0]
    run.drop(lambda line: line is lost)

    assert run.red() == {"I13"}


def test_an_attempt_of_a_witness_that_was_killed_needs_no_answer(run: Copy) -> None:
    lost = run.of("buyer", "receipt")[0]
    (witness,) = [name for name, lines in run.lines.items() if lost in lines]
    heal = run.all("heal")[0]
    killed = copy.deepcopy(heal)
    killed.event, killed.fields = "killed", {"witness": witness}
    run.insert_after(heal, killed)
    run.drop(lambda line: line is lost)

    assert run.red() == set()


def test_an_answer_that_took_too_long_is_silence(run: Copy) -> None:
    last = run.of("offer-2", "receipt")[-1]
    for line in [last, run.all("end-of-drain")[0]]:
        line.monotonic_ns += 46_000 * MS

    assert run.red() == {"I13"}


def test_what_came_and_was_never_acked_has_no_end(run: Copy) -> None:
    run.drop(lambda line: line.event in ("ack-sent", "acked") and line.fields["sub"] == "offers")

    assert run.red() == {"I13"}
