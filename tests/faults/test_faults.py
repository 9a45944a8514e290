"""A small slice of `make faults`: each kind of fault meets a real router once or twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio

from tests.crash.parties import seeded
from tests.faults.cases import CASES, Case
from tests.faults.one_case import run_case
from tests.faults.report import BEGIN, END, PAGE, Run, figures, write_page
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
    "an_old_backup": 1,
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


def test_a_case_that_finds_something_makes_the_run_red() -> None:
    run = Run("x", [Outcome("killed", findings=["I1 a cast is lost"], losses=1)])
    run.cuts = {"cuts": 3, "lost": 1, "findings": ["power cut 1 lost the sequences [4]"]}
    run.simulation = {"seeds": 2, "failed": {"7": ["I6 twice"]}, "never_met": [["kill", "idle"]]}
    run.planted = {"dedupe_off": False, "stale_ack_accepted": True}

    assert run.losses == 2
    assert run.broken == [
        "killed: I1 a cast is lost",
        "power cut 1 lost the sequences [4]",
        "simulation, seed 7: I6 twice",
        "never met in the simulation: ['kill', 'idle']",
        "the planted bug dedupe_off was not caught",
    ]


def test_the_figures_are_put_between_the_markers(tmp_path: Path) -> None:
    run = Run("x", [Outcome("killed_at_any_moment", faults=300, checked=9, counts={"kills": 300})])
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    write_page(page, figures(run))

    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert "| router processes killed | 300 | 0 | 1 in 100 loses something |" in text


def test_the_page_has_the_markers() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text.count(BEGIN) == text.count(END) == 1


def test_power_cuts_are_counted(tmp_path: Path) -> None:
    assert json.loads(json.dumps(cut_many(0, 2, tmp_path))) == {"cuts": 2, "lost": 0, "findings": []}


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
