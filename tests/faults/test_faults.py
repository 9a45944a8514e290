"""A slice of `make faults`: processes, power, disk, store and peers fail a real router, a few times each.

Clocks that jump, pauses, strace and the crowds take longer, and are in `make faults` alone.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio

from byway.errors import StoreError
from tests.crash.parties import seeded
from tests.faults.cases import CASES, Case
from tests.faults.one_case import run_case
from tests.faults.stage import NotPossible, Outcome, Stage, needed
from tests.faults.store_cuts import cut_many

SLICE = {
    "killed_at_any_moment": 20,
    "killed_at_named_points": 2,
    "publishers_and_subscribers_are_killed": 2,
    "an_operation_fails": 1,
    "the_disk_is_full": 1,
    "power_cut_under_load": 1,
    "bits_of_a_closed_store": 1,
    "bits_of_a_log": 1,
    "a_store_without_its_end": 1,
    "a_log_without_its_end": 1,
    "an_old_backup": 1,
    "cut_at_any_byte": 10,
    "sessions_are_replayed": 1,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SLICE)
async def test_a_promise_is_kept_in_the_case(name: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    outcome = Outcome(name)
    try:
        await case.run(Stage(tmp_path, seeded(name), SLICE[name], outcome))
    except* NotPossible as why:
        pytest.skip(str(why))

    assert outcome.findings == []
    assert outcome.faults > 0
    assert outcome.checked > 0


def test_power_cuts_are_counted(tmp_path: Path) -> None:
    assert json.loads(json.dumps(cut_many(7, 2, tmp_path))) == {"first": 7, "cuts": 2, "lost": 0, "findings": []}


def test_a_store_that_cannot_be_read_after_a_power_cut_is_a_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise StoreError("there is no sound head")

    monkeypatch.setattr("tests.faults.store_cuts.cut", unreadable)

    told = cut_many(0, 2, tmp_path)

    assert told["lost"] == 2
    assert "no sound head" in told["findings"][0]


def test_a_missing_program_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(NotPossible, match="there is no such-a-program: apt-get install some-package"):
        needed("such-a-program", "some-package")


def test_a_case_that_is_not_possible_is_left_out_by_name(tmp_path: Path) -> None:
    async def needs_a_program(_: Stage) -> None:
        async with trio.open_nursery():
            needed("such-a-program", "some-package")

    outcome = run_case(Case(needs_a_program), 1, "x", tmp_path)

    assert outcome.case == "needs_a_program"
    assert outcome.skipped == "there is no such-a-program: apt-get install some-package"
    assert outcome.findings == []
