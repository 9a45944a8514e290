"""Evidence is there as soon as it is noted, and what is not evidence is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checker.evidence import EvidenceError, SystemClock, Witness, read_evidence

ROOT = Path(__file__).parent.parent.parent
NODE = "urn:byway:node:" + "a" * 52

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.checker.evidence import SystemClock, Witness
witness = Witness(Path(sys.argv[1]), "buyer", SystemClock(), role="publisher")
witness.note("unknown", node="%s", id=b"i" * 32)
os.kill(os.getpid(), signal.SIGKILL)
"""


def noted(folder: Path) -> Path:
    with Witness(folder, "buyer", SystemClock(), role="publisher") as witness:
        witness.note("unknown", node=NODE, id=b"i" * 32)
        witness.note("refusal", node=NODE, id=b"i" * 32, code="busy")
    return folder / "buyer.jsonl"


def test_what_was_noted_is_read_again(tmp_path: Path) -> None:
    noted(tmp_path)

    began, unknown, refusal = read_evidence(tmp_path)

    assert (began.name, began.fields["role"]) == ("began", "publisher")
    assert (unknown.name, unknown.fields) == ("unknown", {"node": NODE, "id": b"i" * 32})
    assert (refusal.witness, refusal.seq, refusal.place) == ("buyer", 3, "buyer.jsonl:3")
    assert began.monotonic_ns <= unknown.monotonic_ns <= refusal.monotonic_ns


def test_what_a_killed_witness_has_noted_is_there(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED % NODE, tmp_path], cwd=ROOT, check=False)

    assert ended.returncode == -signal.SIGKILL
    assert [event.name for event in read_evidence(tmp_path)] == ["began", "unknown"]


def test_a_line_that_was_cut_off_does_not_count(tmp_path: Path) -> None:
    path = noted(tmp_path)
    os.truncate(path, path.stat().st_size - 1)

    assert [event.name for event in read_evidence(tmp_path)] == ["began", "unknown"]


def test_a_witness_does_not_write_into_an_earlier_life(tmp_path: Path) -> None:
    noted(tmp_path)

    with pytest.raises(FileExistsError):
        Witness(tmp_path, "buyer", SystemClock(), role="publisher")


def test_an_event_that_is_not_known_is_not_noted(tmp_path: Path) -> None:
    with Witness(tmp_path, "buyer", SystemClock(), role="publisher") as witness:
        for event, fields in (("guess", {}), ("heal", {"why": 1}), ("unknown", {"node": NODE})):
            with pytest.raises(ValueError, match=event):
                witness.note(event, **fields)

    assert [event.name for event in read_evidence(tmp_path)] == ["began"]


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(
    "spoilt",
    [
        "",
        "nothing",
        "{}",
        "[1, 2, 3]",
        '[9, 9, 9, "heal", {}]',
        '[2, 0, 0, "heal", {}]',
        '[2, 9, 9, "guess", {}]',
        '[2, 9, 9, "unknown", {"node": 1, "id": "aWk="}]',
        '[2, 9, 9, "unknown", {"node": "n", "id": "no base64"}]',
    ],
)
def test_a_line_that_is_none_is_refused(tmp_path: Path, spoilt: str, number: int) -> None:
    path = noted(tmp_path)
    lines = path.read_text().splitlines()
    lines[number] = spoilt
    path.write_text("".join(f"{line}\n" for line in lines))

    with pytest.raises(EvidenceError, match=r"buyer\.jsonl"):
        read_evidence(tmp_path)


def test_a_gap_is_refused(tmp_path: Path) -> None:
    path = noted(tmp_path)
    lines = path.read_text().splitlines()
    path.write_text(f"{lines[0]}\n{lines[2]}\n")

    assert json.loads(lines[2])[0] == 3
    with pytest.raises(EvidenceError, match=r"buyer\.jsonl:2"):
        read_evidence(tmp_path)


def test_an_empty_folder_is_no_evidence(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError):
        read_evidence(tmp_path)
