"""What a run keeps: a full one takes the place of the last full one, any other leaves it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.figure import Figure
from benchmarks.report.result import Result


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Results and page are in an empty folder."""
    monkeypatch.setattr(command, "LATEST", tmp_path / "latest.json")
    monkeypatch.setattr(command, "LAST", tmp_path / "last.json")
    monkeypatch.setattr(command, "write_page", lambda result: result.write(tmp_path / "page.md"))
    return tmp_path


def result(value: float) -> Result:
    return Result.now([Figure.of("link_ms", [value], "ms")], seconds=1, peers={}, left_out=["rabbitmq is not here"])


def test_a_full_run_is_kept_and_written_on_the_page(here: Path) -> None:
    command.keep(result(1.23449), whole=True)

    assert Result.read(here / "latest.json").figures == result(1.234).figures
    assert Result.read(here / "page.md") == Result.read(here / "latest.json")


def test_another_run_is_compared_with_the_last_full_one(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.keep(result(1.0), whole=True)
    (here / "page.md").unlink()

    command.keep(result(2.0), whole=False)

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


def test_a_measurement_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["acept"])

    assert "there is no measurement 'acept', but accept, link" in capsys.readouterr().err
