"""What a run keeps: a full one takes the place of the last full one, any other leaves it as it is."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import disk, peers
from benchmarks.figure import Figure
from benchmarks.load.process import LoadFailed
from benchmarks.report.result import Result
from benchmarks.router_process import RouterFailed
from benchmarks.suite import MEASUREMENTS


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Results and page are in an empty folder."""
    monkeypatch.setattr(command, "LATEST", tmp_path / "latest.json")
    monkeypatch.setattr(command, "LAST", tmp_path / "last.json")
    monkeypatch.setattr(command, "is_in_memory", lambda _: False)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(command, "write_page", lambda result: result.write(tmp_path / "page.md"))
    return tmp_path


def result(value: float, *left_out: str) -> Result:
    return Result.now([Figure.of("link_ms", [value] * 3, "ms")], seconds=1, peers={}, left_out=left_out)


def test_a_full_run_is_kept_and_written_on_the_page(here: Path) -> None:
    command.keep(result(1.23449), whole=True)

    assert Result.read(here / "latest.json").figures == result(1.234).figures
    assert Result.read(here / "page.md") == Result.read(here / "latest.json")


def test_a_full_run_that_left_something_out_replaces_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.keep(result(1.0), whole=True)
    (here / "page.md").unlink()

    command.keep(result(2.0, "rabbitmq is not here"), whole=True)

    assert Result.read(here / "latest.json").figures == result(1.0).figures
    assert Result.read(here / "last.json").figures == result(2.0).figures
    assert not (here / "page.md").exists()
    assert "latest.json and the page stay those of the last full run" in capsys.readouterr().out


def test_a_missing_peer_is_an_error(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "missing", lambda: ["rabbitmq is not here"])
    monkeypatch.setattr(peers, "measure", lambda *_: [])
    for name in MEASUREMENTS:
        monkeypatch.setitem(MEASUREMENTS, name, lambda *_: [])

    assert command.main(["--full"]) == 1
    assert [path.name for path in here.iterdir()] == ["last.json"]


def test_another_run_is_compared_with_the_last_full_one(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.keep(result(1.0), whole=True)
    (here / "page.md").unlink()

    command.keep(result(2.0, "rabbitmq is not here"), whole=False)

    assert Result.read(here / "latest.json").figures == result(1.0).figures
    assert sorted(path.name for path in here.iterdir()) == ["last.json", "latest.json"]
    said = capsys.readouterr().out
    assert "slower beyond the noise: link_ms (2.00 times)" in said
    assert "left out: rabbitmq is not here" in said


@pytest.mark.parametrize("text", [None, "{}"], ids=["none", "of another form"])
def test_without_a_full_run_there_is_nothing_to_compare_with(
    here: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    if text is not None:
        (here / "latest.json").write_text(text)

    command.keep(result(1.0), whole=False)

    assert "nothing to compare with" in capsys.readouterr().out
    assert Result.read(here / "last.json").figures == result(1.0).figures


def test_a_measurement_that_fails_is_named_and_the_others_go_on(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Sequence[Figure]:
        raise LoadFailed("the seller gave no results")

    monkeypatch.setitem(MEASUREMENTS, "accept", fail)
    monkeypatch.setitem(MEASUREMENTS, "link", lambda *_: result(1.0).figures)

    assert command.main(["accept", "link"]) == 1

    kept = Result.read(here / "last.json")
    assert kept.left_out == ["accept: LoadFailed: the seller gave no results"]
    assert [figure.name for figure in kept.figures] == ["link_ms"]
    assert command.main(["link"]) == 0


def test_peers_that_cannot_be_measured_do_not_take_the_rest_with_them(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Sequence[Figure]:
        raise RouterFailed("the router did not start")

    monkeypatch.setattr(peers, "missing", lambda: ["rabbitmq is not here"])
    monkeypatch.setattr(peers, "measure", fail)
    monkeypatch.setitem(MEASUREMENTS, "link", lambda *_: result(1.0).figures)

    assert command.main(["link", "peers"]) == 1

    kept = Result.read(here / "last.json")
    assert kept.left_out == ["rabbitmq is not here", "peers: RouterFailed: the router did not start"]
    assert [figure.name for figure in kept.figures] == ["link_ms"]


def test_memory_is_refused_in_the_place_of_a_disk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "is_in_memory", lambda _: True)

    with pytest.raises(SystemExit):
        command.main(["link"])

    assert "set TMPDIR to a folder on a disk" in capsys.readouterr().err


def test_memory_is_told_from_a_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr(disk, "_MOUNTS", mounts)
    others = "22 1 0:0 / /other rw - tmpfs other rw\n"
    here = f"23 1 {os.major(device)}:{os.minor(device)} / /here rw,relatime shared:1 - "

    mounts.write_text(f"{others}{here}tmpfs tmpfs rw\n")
    assert disk.is_in_memory(tmp_path)
    mounts.write_text(f"{others}{here}ext4 /dev/vda rw\n")
    assert not disk.is_in_memory(tmp_path)
    mounts.write_text(others)
    assert not disk.is_in_memory(tmp_path)


def test_a_measurement_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["acept"])

    assert "there is no measurement 'acept', but accept, link" in capsys.readouterr().err
