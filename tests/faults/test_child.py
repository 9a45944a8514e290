"""A case that does not end is ended, and whatever it has started with it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.faults.child import told
from tests.faults.stage import comes_true

WAIT = "import time; time.sleep(60)"


def in_python(code: str) -> list[str]:
    """Words after `python -m` that run this code."""
    return ["timeit", "-n1", "-r1", code]


def is_gone(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


async def test_what_is_told_is_the_json_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "said.json"
    file.write_text('{"said": 7}')

    assert await told(["json.tool", str(file)], 30.0) == {"said": 7}


async def test_a_module_that_tells_nothing_has_failed() -> None:
    found = await told(in_python("1 / 0"), 30.0)

    assert "ended with 1" in found["failed"]
    assert "ZeroDivisionError" in found["failed"]


async def test_a_module_that_does_not_end_is_killed_with_what_it_has_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    child = f"import os, pathlib; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); {WAIT}"

    found = await told(in_python(f"import subprocess; subprocess.run([{sys.executable!r}, '-c', {child!r}])"), 3.0)

    assert "was not done in 3 s" in found["failed"]
    assert await comes_true(lambda: is_gone(pid.read_text()), 10.0)


async def test_a_module_that_has_ended_and_left_somebody_with_its_output_is_not_waited_for(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    child = f"import os, pathlib; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); {WAIT}"

    found = await told(in_python(f"import subprocess; subprocess.Popen([{sys.executable!r}, '-c', {child!r}])"), 3.0)

    assert "was not done in 3 s" in found["failed"]
    assert await comes_true(lambda: is_gone(pid.read_text()), 10.0)
