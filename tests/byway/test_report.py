"""What is told at a terminal: a sentence, a code and a next step for everything, and never a traceback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from byway.cli.app import app
from byway.cli.next_steps import NEXT_STEPS
from byway.cli.report import FAILED, run_command, set_up_log
from byway.errors import CODES, BywayError, LinkError, Refused

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = {"byway": "byway", "authorities": "byway-authority", "intentron": "intentron"}


def failing(error: BaseException) -> int:
    def command() -> None:
        raise error

    return run_command(command)


def test_every_code_has_a_next_step_and_nothing_else_has() -> None:
    assert NEXT_STEPS.keys() == CODES.keys()
    assert all(NEXT_STEPS.values())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (LinkError("it is away", code="unreachable"), f"[unreachable]\nnext    {NEXT_STEPS['unreachable']}\n"),
        (LinkError("it is away", code="unreachable", next_step="go there"), "[unreachable]\nnext    go there\n"),
        (Refused("of-a-newer-version", "it says no"), "error   it says no  [of-a-newer-version]\n"),
    ],
)
def test_what_to_do_is_told_by_the_error_or_else_by_its_code(
    error: BywayError, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(error) == FAILED
    assert capsys.readouterr().err.endswith(told)


def test_a_mistake_of_ours_is_a_sentence_and_its_traceback_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    assert failing(ExceptionGroup("nursery", [KeyError("prefix")])) == FAILED

    (file,) = tmp_path.iterdir()
    assert capsys.readouterr().err == (
        "error   this program made a mistake: KeyError('prefix')  [internal-error]\n"
        f"next    report it with the file {file}\n"
    )
    assert "Traceback" in file.read_text()


def test_a_file_that_fails_is_named_and_is_not_called_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(PermissionError(13, "Permission denied", "/etc/shadow")) == FAILED
    assert "error   /etc/shadow: Permission denied  [data-unreadable]\n" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("ini",), ("init", "--bogus"), ("publish",), ("publish", "a", "b", "--hours", "x")])
def test_what_was_typed_wrongly_is_refused_like_everything_else(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        run_command(lambda: app(words))

    assert exit_.value.code == 2
    told = capsys.readouterr().err.splitlines()
    assert [line[:8] for line in told] == ["error   ", "next    "]
    assert told[0].endswith("[bad-request]")
    assert told[1].endswith(" --help")


def test_a_terminal_that_is_gone_stops_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, f"Input/output error at {text}")

    monkeypatch.setattr(sys, "stderr", Gone())
    set_up_log("text")
    structlog.get_logger().warning("link_refused")


@pytest.mark.parametrize("package", PROGRAMS)
def test_who_reads_no_further_hears_no_more(package: str, tmp_path: Path) -> None:
    """As `head` does; of each of the three commands."""
    reading, writing = os.pipe()
    os.close(reading)
    done = _init(package, tmp_path, writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (FAILED, "")


@pytest.mark.parametrize("package", PROGRAMS)
def test_output_that_cannot_be_written_is_told(package: str, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = _init(package, tmp_path, full.fileno())
    assert done.returncode == FAILED
    error, next_step = done.stderr.splitlines()
    assert error == "error   the output cannot be written: No space left on device  [data-unwritable]"
    assert next_step.startswith("next    ")


def _init(package: str, folder: Path, stdout: int) -> subprocess.CompletedProcess[str]:
    words = {
        "byway": ("init", "byway.toml", "--data", "."),
        "authorities": ("messaging", "init", "m.toml", "--data", "."),
        "intentron": ("init", "--home", "."),
    }
    return subprocess.run(
        [sys.executable, "-c", f"from {package}.cli.app import main; main()", *words[package]],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
