"""What a run leaves for others: its findings, `faults.json`, and the figures on the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.checker.tally import Finding
from tests.faults.__main__ import main
from tests.faults.cases import CASES
from tests.faults.figures import BEGIN, END, PAGE, figures, write_page
from tests.faults.report import FULL, TRIED_ELSEWHERE, Run, first_seed, merged, write_results
from tests.faults.stage import Outcome, is_loss

STAMP = {"at": "2026-11-22T08:00:00+00:00", "commit": "abc1234", "machine": {"cores": 2}, "seed": "x", "sizes": FULL}
KILLS = Outcome("killed_at_any_moment", faults=300, checked=9, counts={"kills": 300})
POINTS = Outcome("killed_at_named_points", faults=80, checked=9, counts={"kills at named points": 80})
PARTIES = Outcome("publishers_and_subscribers_are_killed", faults=12, checked=9, counts={"publishers killed": 12})
NO_UNSHARE = "there is no unshare: apt-get install util-linux"
FULL_DISK = Outcome("the_disk_is_full", skipped=NO_UNSHARE)


def everything(*outcomes: Outcome, seconds: float = 1000.0) -> Run:
    run = Run("x", FULL, outcomes=list(outcomes), seconds=seconds)
    run.cuts = {"first": 5000, "cuts": 1000, "lost": 0, "findings": []}
    run.simulation = {"seeds": 1000, "faults": 4000, "failed": {}, "met": {"kill": {"idle": 12}}, "seldom_met": []}
    return run


def told_of(run: Run) -> dict[str, Any]:
    """As it comes back from the file."""
    told: dict[str, Any] = json.loads(json.dumps(merged({}, run, STAMP)))
    return told


def row(lines: list[str], what: str) -> str:
    (found,) = (line for line in lines if line.startswith(f"| {what}"))
    return found


# what is broken


def test_whatever_is_found_makes_the_run_red() -> None:
    run = Run("x", {"kills": 1}, outcomes=[Outcome("killed", findings=["I1 a cast is lost"], losses=1)])
    run.cuts = {"cuts": 3, "lost": 1, "findings": ["power cut 1 lost the sequences [4]"]}
    run.simulation = {"seeds": 2, "failed": {"7": ["I6 twice"]}, "seldom_met": [["kill", "idle"]]}
    run.planted = {"dedupe_off": False, "stale_ack_accepted": True, "brings_much": False}
    run.controls = {"killed": True, "running": False, "cut": False}
    run.untold = {"brings_much": "3 receipts came, and 9 are needed", "cut": "the power was never cut"}

    assert run.losses == 2
    assert run.broken == [
        "killed: I1 a cast is lost",
        "power cut 1 lost the sequences [4]",
        "simulation, seed 7: I6 twice",
        "too seldom met in the simulation: kill while idle",
        "the planted bug dedupe_off was not caught",
        "the planted bug brings_much was not tried: 3 receipts came, and 9 are needed",
        "the run running without a bug was not green",
        "the run cut without a bug was not made: the power was never cut",
    ]


def test_a_full_run_that_takes_longer_than_it_may_is_broken() -> None:
    assert everything(seconds=1199.0).broken == []
    assert everything(seconds=1290.0).broken == ["the run took 21.5 minutes, and may take 20"]


def test_a_run_that_left_a_case_out_is_no_full_run_and_says_so() -> None:
    run = everything(KILLS, FULL_DISK)

    assert not run.is_full
    assert run.left_out == [f"the_disk_is_full: {NO_UNSHARE}"]
    assert set(told_of(run)) == {"parts"}


def test_a_command_that_left_a_case_out_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def all_but_one(run: Run, _: object) -> None:
        run.outcomes += [KILLS, FULL_DISK]

    for name, value in (("run_all", all_but_one), ("RESULTS", tmp_path / "faults.json"), ("ROOT", tmp_path)):
        monkeypatch.setattr(f"tests.faults.__main__.{name}", value)

    assert main([]) == 1
    said = capsys.readouterr().out
    assert f"left out: the_disk_is_full: {NO_UNSHARE}" in said
    assert "this run was not a full one" in said


def test_a_larger_or_a_smaller_run_may_take_its_time() -> None:
    for sizes in (dict(FULL, kills=1000), dict(FULL, seeds=10)):
        assert replace(everything(seconds=5000.0), sizes=sizes).broken == []


@pytest.mark.parametrize(
    ("code", "sentence", "loss"),
    [
        ("I1", "0a1b has a receipt and never came to 'all'", True),
        ("I7", "0a1b has a receipt and is not in the store", True),
        ("I7", "0a1b has two different receipts", False),
        ("I10", "0a1b came to 'all' 31000 ms after nothing was in its way", False),
    ],
)
def test_what_is_gone_is_a_loss_and_what_is_late_is_none(code: str, sentence: str, *, loss: bool) -> None:
    assert is_loss(Finding(code, sentence, ())) is loss


# where it begins


def test_a_seed_gives_the_same_worlds_again_and_another_one_others() -> None:
    assert first_seed("7eabab4b", "simulation") == first_seed("7eabab4b", "simulation")
    assert len({first_seed(seed, what) for seed in ("a", "b") for what in ("simulation", "cuts")}) == 4


def test_the_worlds_are_not_those_of_the_tests() -> None:
    assert all(first_seed(str(number), "cuts") >= TRIED_ELSEWHERE for number in range(100))


# the file


def test_a_single_case_leaves_the_figures_of_the_full_run_alone() -> None:
    full = told_of(everything(KILLS))
    alone = Run("y", {"kills": 4}, chosen=["killed_at_any_moment"], outcomes=[KILLS])

    after = merged(full, alone, dict(STAMP, seed="y"))

    assert after["full"] == full["full"]
    assert after["parts"]["killed_at_any_moment"]["seed"] == "y"


def test_parts_leave_each_other_alone() -> None:
    one = merged({}, Run("a", {}, chosen=["killed_at_any_moment"], outcomes=[KILLS]), dict(STAMP, seed="a"))
    other = merged(one, Run("b", {}, chosen=["killed_at_named_points"], outcomes=[POINTS]), dict(STAMP, seed="b"))

    assert {name: part["seed"] for name, part in other["parts"].items()} == {
        "killed_at_any_moment": "a",
        "killed_at_named_points": "b",
    }


def test_planted_bugs_have_a_section_of_their_own() -> None:
    full = told_of(everything(KILLS))

    planted = Run("z", {}, only_planted=True, planted={"dedupe_off": True}, controls={"killed": True})
    after = merged(full, planted, STAMP)

    assert after["full"] == full["full"]
    assert after["planted"]["caught"] == {"dedupe_off": True}
    assert after["planted"]["green"] == {"killed": True}


def test_a_run_of_everything_that_is_smaller_is_no_full_run() -> None:
    smaller = replace(everything(KILLS), sizes=dict(FULL, cuts=10))

    assert set(told_of(smaller)) == {"parts"}
    assert set(told_of(smaller)["parts"]) == {"killed_at_any_moment", "cuts", "simulation"}


def test_a_full_run_keeps_how_often_each_fault_met_each_state() -> None:
    assert told_of(everything())["full"]["simulation"]["met"] == {"kill": {"idle": 12}}


def test_what_else_is_in_the_file_goes_with_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "results" / "faults.json"
    path.parent.mkdir()
    path.write_text('{"kills": 3, "planted": {"caught": {}}}')

    write_results(path, everything(KILLS))

    written = json.loads(path.read_text())
    assert set(written) == {"full", "planted"}
    assert written["full"]["sizes"] == FULL
    assert [each.name for each in path.parent.iterdir()] == ["faults.json"]


# the page


def test_the_figures_are_put_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    write_page(page, told_of(everything(KILLS)))

    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text


def test_the_page_has_the_markers() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text.count(BEGIN) == text.count(END) == 1


def test_nothing_lost_has_a_bound() -> None:
    lines = figures(told_of(everything(KILLS, POINTS)))

    assert row(lines, "router processes killed") == "| router processes killed | 380 | 0 | 1 in 126 loses something |"
    assert row(lines, "power cut under a store").endswith("| 1,000 | 0 | 1 in 333 loses something |")


def test_a_row_with_a_loss_has_no_bound() -> None:
    run = everything(replace(KILLS, losses=5), POINTS)
    run.cuts["lost"] = 1
    run.simulation["failed"] = {"5007": ["I6 twice"]}

    lines = figures(told_of(run))

    assert row(lines, "router processes killed") == "| router processes killed | 380 | 5 |  |"
    assert row(lines, "power cut under a store") == "| power cut under a store | 1,000 | 1 |  |"
    assert row(lines, "worlds simulated").endswith("| 1,000 | 1 failed |  |")


def test_what_publishers_and_subscribers_lose_is_no_loss_of_a_killed_router() -> None:
    lines = figures(told_of(everything(KILLS, replace(PARTIES, losses=3))))

    assert "| 300 | 0 |" in row(lines, "router processes killed")


def test_the_head_line_sums_up() -> None:
    head = figures(told_of(everything(KILLS)))[0]

    assert "5,300 faults" in head
    assert "**0 promises broken**" in head
    assert head.endswith("No case was left out.")


def test_a_case_shows_the_longest_wait_and_what_is_to_be_known_beside_it() -> None:
    lines = figures(told_of(everything(replace(KILLS, longest_wait_ms=321.4, remarks=["on a slow disk"]), POINTS)))

    assert row(lines, "killed at any moment").endswith("| 300 | 9 | 0 | 321 | 300 kills, on a slow disk |")
    assert "| 0 | - |" in row(lines, "killed at named points")


def test_a_fault_that_cannot_meet_a_state_has_a_dash() -> None:
    lines = figures(told_of(everything()))

    assert row(lines, "kill |").startswith("| kill | 0 | 12 | 0 |")
    assert row(lines, "link cut |").startswith("| link cut | - | 0 |")


def test_planted_bugs_are_on_the_page_with_their_own_commit() -> None:
    told = told_of(everything(KILLS))
    caught, green = {"dedupe_off": True, "filter_ignored": False}, {"killed": True, "running": False}
    told["planted"] = {**STAMP, "commit": "fed4321", "caught": caught, "green": green}
    expected = (
        "| bugs planted in routers and simulated worlds, 2026-11-22, commit fed4321 | 2 "
        "| 1 not caught: filter ignored; 1 of 2 runs without a bug green | |"
    )

    assert row(figures(told), "bugs planted") == expected


def test_a_full_run_and_planted_bugs_leave_each_other_alone_on_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\n{END}\nafter\n")
    full = told_of(everything(KILLS))
    write_page(page, full)
    before = page.read_text()
    planted = {**STAMP, "commit": "fed4321", "caught": {"dedupe_off": True}, "green": {"killed": True}}

    write_page(page, {"planted": planted})

    old, new = row(figures(full), "bugs planted"), row(figures({**full, "planted": planted}), "bugs planted")
    assert old != new
    assert page.read_text() == before.replace(old, new)

    write_page(page, full)

    assert page.read_text() == before.replace(old, new)


def test_a_run_that_was_cut_short_still_has_its_figures() -> None:
    run = everything(KILLS)
    run.cuts, run.simulation = {"findings": ["the cuts were not done"]}, {"first": 7, "failed": {"7": ["not done"]}}

    lines = figures(told_of(run))

    assert "2 promises broken" in lines[0]
    assert row(lines, "power cut under a store") == "| power cut under a store | 0 | 0 |  |"


# how long it may take


def test_a_case_has_more_time_for_more_kills() -> None:
    killed = next(case for case in CASES if case.kills)

    assert killed.rounds(1000) > killed.rounds(200)
    assert killed.within_s(killed.rounds(1000)) > killed.within_s(killed.rounds(200))
