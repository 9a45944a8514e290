"""Two results are compared beyond their noise."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest

from benchmarks import compare as command
from benchmarks.compare import Verdict, change_lines, compare
from benchmarks.figure import Better, Figure
from benchmarks.rank_test import chance
from benchmarks.report.result import Result


def figure(samples: Sequence[float], *, better: Better = "less", in_limits: Sequence[float] = ()) -> Figure:
    return Figure.of("figure", samples, "µs", better=better, limit="limits", in_limits=in_limits)


@pytest.mark.parametrize(
    ("old", "new", "better", "verdict"),
    [
        ([1.0, 1.1, 1.2], [1.3, 1.4, 1.5], "less", Verdict.SLOWER),
        ([1.0, 1.1, 1.2], [0.7, 0.8, 0.9], "less", Verdict.FASTER),
        ([1.0, 1.1, 1.2], [0.7, 0.8, 0.9], "more", Verdict.SLOWER),
        ([1.0, 1.1, 1.2], [1.3, 1.4, 1.5], "more", Verdict.FASTER),
        ([1.0, 1.1, 1.2], [1.2, 1.4, 1.5], "less", Verdict.SAME),
        ([1.00, 1.01, 1.02], [1.03, 1.04, 1.05], "less", Verdict.SAME),
        ([1.0, 1.0, 1.0, 1.1, 1.1, 1.1, 1.2, 1.2, 9.0], [1.3, 1.4, 1.5], "less", Verdict.SLOWER),
        ([1.0, 1.0, 1.0, 1.1, 1.1, 1.1, 1.2, 1.2, 0.1], [1.3, 1.4, 1.4, 1.5, 0.5], "less", Verdict.SLOWER),
        ([1.3, 1.4, 1.4, 1.5, 0.5], [1.0, 1.0, 1.0, 1.1, 1.1, 1.1, 1.2, 1.2, 0.1], "less", Verdict.FASTER),
        ([1.0, 1.1, 1.2], [1.1, 1.2, 9.0], "less", Verdict.SAME),
        ([1.0], [1.19], "less", Verdict.UNKNOWN),
        ([1.0, 1.1, 1.2], [1.1], "less", Verdict.UNKNOWN),
        ([1.0], [1.3], "less", Verdict.SLOWER),
        ([1.0], [0.7], "less", Verdict.FASTER),
        ([1.0], [9.0], "neither", Verdict.SAME),
        ([1.0, 1.1, 1.2], [5.0, 6.0, 7.0], "neither", Verdict.SAME),
    ],
    ids=[
        "dearer",
        "cheaper",
        "fewer a second",
        "more a second",
        "one round of each looks alike",
        "less apart than two runs may be",
        "one bad round before does not hide it",
        "one bad round on each side does not hide it",
        "nor the other way round",
        "one bad round does not make it",
        "one sample says nothing of its noise",
        "nor does one against several",
        "but a fifth is more than noise",
        "in both directions",
        "one sample tells about the machine",
        "it tells about the machine",
    ],
)
def test_a_figure_is_slower_or_faster_only_beyond_the_noise(
    old: Sequence[float], new: Sequence[float], better: Better, verdict: Verdict
) -> None:
    (change,) = compare([figure(old, better=better)], [figure(new, better=better)])

    assert change.verdict is verdict


@pytest.mark.parametrize(("lower", "higher"), [(3, 3), (3, 5), (4, 4)])
def test_chance_is_the_share_of_all_orders_of_the_rounds(lower: int, higher: int) -> None:
    """Every order of rounds 0, 1, 2... of one figure is as probable as any other."""
    rounds = range(lower + higher)
    orders = [(chosen, [each for each in rounds if each not in chosen]) for chosen in combinations(rounds, lower)]
    against = [sum(low > high for low in below for high in above) for below, above in orders]

    for (below, above), pairs in zip(orders, against, strict=True):
        share = sum(other <= pairs for other in against) / len(against)
        assert chance(below, above) == pytest.approx(share)


def test_rounds_that_are_all_equal_are_chance() -> None:
    assert chance([1.0] * 5, [1.0] * 9) > 0.5


def test_a_slower_machine_is_not_a_slower_router() -> None:
    """Everything takes twice as long, and so does what the limit is."""
    (change,) = compare([figure([10.0] * 3, in_limits=[2.0] * 3)], [figure([20.0] * 3, in_limits=[2.0] * 3)])

    assert change.verdict is Verdict.SAME


@pytest.mark.parametrize(("unit", "limit"), [("µs, 1,000 hits", "limits"), ("µs", "other limits")])
def test_of_other_work_nothing_is_judged(unit: str, limit: str) -> None:
    other = Figure.of("figure", [9.0] * 5, unit, limit=limit, in_limits=[9.0] * 5)

    changes = compare([figure([1.0] * 5, in_limits=[1.0] * 5)], [other])

    assert [change.verdict for change in changes] == [Verdict.OTHER]
    _, line, _, last = change_lines(changes)
    assert line.endswith("9 to 9         other work")
    assert last == "nothing is slower beyond the noise"


def test_what_only_one_of_them_has_is_passed_over() -> None:
    assert compare([], [figure([1.0])]) == compare([figure([1.0])], []) == []


def test_what_got_slower_is_said_in_a_sentence() -> None:
    changes = compare([figure([1.0] * 3)], [figure([2.0] * 3)])

    assert change_lines(changes)[-1] == "slower beyond the noise: figure (2.00 times)"


def test_the_command_ends_with_1_if_something_got_slower(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, samples in (("old", [1.0] * 3), ("new", [2.0] * 3)):
        Result.now([figure(samples)], seconds=1, peers={}).write(tmp_path / name)

    assert command.main([str(tmp_path / "old"), str(tmp_path / "new")]) == 1
    assert command.main([str(tmp_path / "old"), str(tmp_path / "old")]) == 0
    assert "nothing is slower" in capsys.readouterr().out


def test_a_missing_result_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(tmp_path / "none")]) == 2
    assert "`make bench-full` writes latest.json" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"figures": [1]}', '{"figures": [{"value": 1}]}'])
def test_a_file_that_is_no_result_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "odd").write_text(text)

    assert command.main([str(tmp_path / "odd")]) == 2
    assert "is no result of the benchmarks" in capsys.readouterr().out
