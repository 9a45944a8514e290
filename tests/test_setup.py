"""A bare machine is set up, or told in one sentence what is missing."""

from __future__ import annotations

import ast
import errno
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from setup import environment

SOURCE = Path(environment.__file__)


class Machine:
    """Stands in for the commands of a machine on which only some ways to make an environment work."""

    def __init__(self, *works: str, output: str = "it does not work here") -> None:
        self.works = works
        self.output = output
        self.tried: list[str] = []
        self.has_venv = False

    def run(self, command: Sequence[str], **_: str) -> tuple[bool, str]:
        if command[0] == environment.VENV_PYTHON:
            return self.has_venv, ""
        line = " ".join(command)
        self.tried.append(line)
        if not any(way in line for way in self.works):
            return False, self.output
        self.has_venv = self.has_venv or "--without-pip" not in line
        return True, ""


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Everything happens in an empty folder."""
    monkeypatch.setattr(environment, "VENV", str(tmp_path / ".venv"))
    monkeypatch.setattr(environment, "VENV_PYTHON", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.setattr(environment, "is_debian_python", lambda: False)
    return monkeypatch


def test_an_old_python_can_read_it() -> None:
    """Otherwise it could not say that it is too old."""
    ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_an_old_python_without_a_newer_one_gets_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(environment.SetUpError, match=r"needs Python 3\.11 or newer"):
        environment.newer_python()


def test_a_python_that_only_seems_to_be_there_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Version managers put commands on the path that fail when they are called."""
    for name, status in (("python3.13", 127), ("python3.12", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert environment.newer_python() == str(tmp_path / "python3.12")


@pytest.mark.parametrize(
    "works",
    [
        ("-m venv",),
        ("--without-pip", "-m pip --python"),
        ("-m virtualenv",),
        ("virtualenv --python",),
        ("uv venv",),
    ],
    ids=["ensurepip", "pip of the system", "virtualenv as a module", "virtualenv as a command", "uv"],
)
def test_one_way_to_make_an_environment_is_enough(on: pytest.MonkeyPatch, works: tuple[str, ...]) -> None:
    machine = Machine(*works)
    on.setattr(environment, "run", machine.run)

    environment.make_venv()

    assert machine.has_venv
    assert works[-1] in machine.tried[-1]


def test_debian_without_its_venv_package_gets_it_where_that_is_allowed(on: pytest.MonkeyPatch) -> None:
    machine = Machine("apt-get")
    on.setattr(environment, "run", machine.run)
    on.setattr(environment, "is_debian_python", lambda: True)
    on.setattr("os.geteuid", lambda: 0)

    environment.make_venv()

    assert any(line.startswith("apt-get install") for line in machine.tried)


def test_debian_without_its_venv_package_gets_the_command_to_type_otherwise(on: pytest.MonkeyPatch) -> None:
    on.setattr(environment, "run", Machine().run)
    on.setattr(environment, "is_debian_python", lambda: True)
    on.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(environment.SetUpError, match=r"type `sudo apt-get install --yes python3\.\d+-venv`"):
        environment.make_venv()


def test_a_machine_on_which_nothing_works_is_told_what_to_install(on: pytest.MonkeyPatch) -> None:
    on.setattr(environment, "run", Machine().run)

    with pytest.raises(environment.SetUpError, match="install virtualenv or uv"):
        environment.make_venv()


@pytest.mark.parametrize(
    "sign", ["NewConnectionError('Failed to establish a new connection')", "Temporary failure in name resolution"]
)
def test_a_machine_without_a_network_is_told_so(on: pytest.MonkeyPatch, sign: str) -> None:
    """And not to install something, which would not help it either."""
    on.setattr(environment, "run", Machine(output=f"WARNING: Retrying after connection broken by {sign}").run)

    with pytest.raises(environment.SetUpError, match="index cannot be reached"):
        environment.make_venv()


def test_what_pip_says_first_is_the_reason_that_is_shown(on: pytest.MonkeyPatch, tmp_path: Path) -> None:
    output = "Collecting trio\nERROR: No matching distribution found for trio==99\nERROR: advice"
    on.setattr(environment, "LOG", str(tmp_path / "log"))
    on.setattr(environment, "run", lambda *_, **__: (False, output))

    with pytest.raises(environment.SetUpError, match="No matching distribution found for trio==99; the whole"):
        environment.install([])

    assert (tmp_path / "log").read_text() == output


def stopped_in_the_middle(on: pytest.MonkeyPatch, tmp_path: Path, error: type[BaseException]) -> dict[str, object]:
    """An environment that was whole, whose next installation ends like this; returns the stamp it is left with."""
    kept = {"home": "Python {}.{} in {}".format(*sys.version_info[:2], environment.VENV), "files": "old", "groups": []}
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    (tmp_path / "stamp").write_text(json.dumps(kept))

    def install(_: list[str]) -> None:
        raise error

    on.setattr(environment, "STAMP", str(tmp_path / "stamp"))
    on.setattr(environment, "is_usable", lambda: True)
    on.setattr(environment, "install", install)
    with pytest.raises(error):
        environment.set_up([])
    return environment.read_stamp()


def test_what_was_cut_off_in_the_middle_is_not_built_upon(on: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert stopped_in_the_middle(on, tmp_path, KeyboardInterrupt)["home"] == ""


def test_what_pip_could_not_do_leaves_the_environment_that_was_there(on: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert stopped_in_the_middle(on, tmp_path, environment.SetUpError)["home"] != ""


def test_a_command_that_is_interrupted_ends_with_all_that_it_has_started(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = ["sh", "-c", f"(exec 3> '{pipe}'; sleep 5; echo still here >&3) & wait"]
    script = f"""
import signal
from setup import environment

signal.signal(signal.SIGTERM, environment.interrupt)
environment.run({command!r})
"""
    with (
        subprocess.Popen(
            [sys.executable, "-c", script], cwd=SOURCE.parent.parent, stderr=subprocess.DEVNULL
        ) as process,
        pipe.open("rb") as heard,
    ):  # waits until it has begun
        process.terminate()
        assert heard.read() == b""


def test_a_command_that_begins_while_an_interruption_comes_ends_with_it(tmp_path: Path) -> None:
    """Before anybody has been told that it has begun."""
    pipe, begun = tmp_path / "pipe", tmp_path / "begun"
    os.mkfifo(pipe)
    command = ["sh", "-c", f"(exec 3> '{pipe}'; touch '{begun}'; sleep 5; echo still here >&3) & wait"]
    script = f"""
import os, signal, subprocess, time
from setup import environment

begin = subprocess.Popen

def interrupted(*given, **named):
    process = begin(*given, **named)
    while not os.path.exists({str(begun)!r}):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    return process

subprocess.Popen = interrupted
signal.signal(signal.SIGTERM, environment.interrupt)
environment.run({command!r})
"""
    with (
        subprocess.Popen([sys.executable, "-c", script], cwd=SOURCE.parent.parent, stderr=subprocess.DEVNULL),
        pipe.open("rb") as heard,
    ):
        assert heard.read() == b""


def test_a_machine_error_is_one_sentence(on: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def set_up(_: list[str]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/here/.venv")

    on.setattr(environment, "set_up", set_up)
    on.setattr("signal.signal", lambda *_: None)

    assert environment.main([]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "/here/.venv: No space left on device: set that right, and type the same command again."
    ]


def test_a_group_brings_its_own_requirements() -> None:
    assert any(requirement.startswith("pytest") for requirement in environment.requirements(["test"]))
    with pytest.raises(environment.SetUpError, match="no dependency group 'none'"):
        environment.requirements(["none"])


def test_every_pin_is_one_exact_version() -> None:
    """Names and versions only: no index, no hash, no range."""
    pins = (SOURCE.parent.parent / "constraints.txt").read_text().splitlines()[1:]

    assert pins == sorted(pins, key=lambda pin: pin.split("==")[0])
    assert all(name == name.lower() and version for name, version in (pin.split("==") for pin in pins))
