"""An honest run is green, and the command says what was judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checker.__main__ import main
from tests.checker.spoiling import Copy
from tests.checker.verdict import PROMISES, judge

ROOT = Path(__file__).parent.parent.parent

IMPORTED = """
import sys
from tests.checker.__main__ import main
status = main(sys.argv[1:])
print(sorted({name.partition(".")[0] for name in sys.modules} & {"byway", "authorities", "intentron", "nacl", "apsw"}))
print(sorted(name for name in sys.modules if name.startswith("tests.") and not name.startswith("tests.checker")))
sys.exit(status)
"""


def arguments(run: Copy, *more: str) -> list[str]:
    stores = [f"--store={store}" for store in run.stores]
    return [str(run.evidence), *stores, f"--scan={run.folder / 'router'}", *more]


def test_an_honest_run_is_green_and_everything_was_looked_at(run: Copy) -> None:
    tallies = judge(run.evidence, stores=run.stores, scanned=[run.folder / "router"])

    assert [finding for tally in tallies.values() for finding in tally.findings] == []
    assert [code for code, tally in tallies.items() if not tally.checked] == []


def test_every_invariant_has_a_test_in_which_it_alone_is_red() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_checker_*.py"))

    assert [code for code in PROMISES if f'== {{"{code}"}}' not in tests] == []


def test_the_checker_imports_nothing_that_it_judges(run: Copy) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments(run)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ended.stdout.splitlines()[-2:] == ["[]", "[]"], ended
    assert ended.returncode == 0, ended


def test_a_green_run_is_a_table_and_status_0(run: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(run)) == 0

    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["promise", "checked", "broken"]
    assert [line.split()[0] for line in lines] == list(PROMISES)
    assert {line.split()[-1] for line in lines} == {"0"}


def test_a_red_run_names_the_lines_of_evidence_and_has_status_1(run: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    run.all("measured")[0].fields["value"] = 101
    run.save()

    assert main(arguments(run)) == 1
    assert "longest stall of the loop, ms was 101, and may be 100 (01-nemesis.jsonl:6)" in capsys.readouterr().out
    assert main(arguments(run, "--json")) == 1
    told = json.loads(capsys.readouterr().out)
    assert [finding["code"] for tally in told.values() for finding in tally["findings"]] == ["I15"]


def test_a_run_without_an_end_is_no_evidence(run: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    run.drop(lambda line: line.event == "end-of-drain")
    run.save()

    assert main(arguments(run)) == 2
    assert "end-of-drain" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--store", "--scan"])
def test_what_is_not_there_cannot_be_judged(run: Copy, capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert main([str(run.evidence), option, str(run.folder / "nothing")]) == 2
    assert "nothing" in capsys.readouterr().err
