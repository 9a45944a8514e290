"""The page about performance says what was measured, and its plots are pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.figure import Better, Figure
from benchmarks.report.columns import figure_lines
from benchmarks.report.page import BEGIN, END, PAGE, PLOTS, page_lines, write_page
from benchmarks.report.plot import Bar, Point, bars, lines
from benchmarks.report.plots import draw
from benchmarks.report.result import LATEST, Result
from benchmarks.targets import BESIDE, TARGETS

SVG = "{http://www.w3.org/2000/svg}"


def result(*names: str, samples: Sequence[float] = (0.5, 1.0, 2.0)) -> Result:
    return Result.now([Figure.of(name, samples, "units") for name in names], seconds=60, peers={"nats": "2"})


def between_the_markers(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = Result.now(
        [Figure.of("accept_cpu_ratio", [1.0, 2.0], "µs", limit="verifications", in_limits=[3.0, 4.0])],
        seconds=3,
        peers={"nats": "2"},
        left_out=["rabbitmq is not here"],
    )

    written.write(tmp_path / "result.json")

    assert Result.read(tmp_path / "result.json") == written


def test_a_result_that_does_not_have_each_round_is_refused(tmp_path: Path) -> None:
    written = result("link_ms", samples=[1.0, 2.0, 3.0, 4.0, 9.0])
    written.write(tmp_path / "result.json")
    text = (tmp_path / "result.json").read_text(encoding="utf-8")
    (tmp_path / "result.json").write_text(text.replace(", [1.0, 2.0, 3.0, 4.0, 9.0]]", "]"), encoding="utf-8")

    with pytest.raises(ValueError, match="have to be measured again"):
        Result.read(tmp_path / "result.json")


def test_the_page_has_every_figure_and_every_target(tmp_path: Path) -> None:
    page, plots = tmp_path / "page.md", tmp_path / "plots"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")

    write_page(result("accept_cpu_ratio", "link_ms", "backlog_per_s"), page, plots)

    written = between_the_markers(page)
    assert all(f"| `{name}` |" in written for name in [*TARGETS, "backlog_per_s"])
    assert "| `accept_cpu_ratio` | 1 | 0.5 to 2 | ≤ 1.6 | met, within the noise |" in written
    assert "| `growth_5m` | | | 1.3 | not measured |" in written
    assert [path.name for path in plots.iterdir()] == ["targets.svg"]


def test_a_figure_beside_its_target_is_missed() -> None:
    assert "| `link_ms` | 3 | 3 to 3 | ≤ 2 | **missed** | units |" in page_lines(result("link_ms", samples=[3.0, 3.0]))


@pytest.mark.parametrize(
    ("samples", "better", "verdict"),
    [
        ([1.0, 2.0], "less", "met"),
        ([1.0, 1.0, 2.1], "less", "met, within the noise"),
        ([1.9, 2.1, 2.1], "less", "missed, within the noise"),
        ([2.1, 2.2], "less", "missed"),
        ([2.0, 9.0], "more", "met"),
        ([1.9, 2.0, 2.0], "more", "met, within the noise"),
        ([1.9, 1.9, 2.0], "more", "missed, within the noise"),
        ([1.9], "more", "missed"),
    ],
)
def test_rounds_on_both_sides_of_a_target_are_said(samples: Sequence[float], better: Better, verdict: str) -> None:
    figure = Figure.of("link_ms", samples, "ms", better=better)

    assert figure.target == 2
    assert figure.verdict == verdict
    assert verdict in figure_lines([figure])[1] or verdict == "met"


@pytest.mark.parametrize(("name", "beside"), BESIDE.items())
def test_a_target_is_followed_by_what_it_does_not_say(name: str, beside: str) -> None:
    written = page_lines(result(name, beside, samples=[0.5, 0.5]))

    row = next(number for number, line in enumerate(written) if line.startswith(f"| `{name}` |"))
    assert written[row + 1] == f"| `{beside}` | 0.5 | 0.5 to 0.5 |  |  | units |"


def test_writing_twice_changes_nothing_but_the_figures(tmp_path: Path) -> None:
    page, plots = tmp_path / "page.md", tmp_path / "plots"
    page.write_text(f"before\n\n{BEGIN}\n\nold\n\n{END}\n\nafter\n", encoding="utf-8")

    write_page(result("link_ms"), page, plots)
    once = page.read_text(encoding="utf-8")
    write_page(result("link_ms"), page, plots)

    assert page.read_text(encoding="utf-8") == once
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert "old" not in once


def test_the_page_and_its_plots_are_those_of_the_last_full_run() -> None:
    latest = Result.read(LATEST)

    assert between_the_markers(PAGE).strip() == "\n".join(page_lines(latest)).strip()
    assert {path.name: path.read_text(encoding="utf-8") for path in PLOTS.glob("*.svg")} == draw(latest.by_name())


def test_a_plot_is_drawn_only_of_what_was_measured() -> None:
    ours = [f"byway_{each}" for each in ("accept_per_s", "accept_cpu_us", "fanout64_per_s", "fanout64_cpu_us")]
    peers = [name.replace("byway", "jetstream") for name in ours]
    series = [
        "latency_100_p50_ms",
        "latency_100_p99_9_ms",
        "fanout1_cpu_us",
        "fanout64_cpu_us",
        "match_1k_us",
        "match_1m_us",
        "growth_1m",
        "growth_5m",
    ]

    assert draw(result(*ours).by_name()) == {}
    assert set(draw(result(*ours, *peers).by_name())) == {
        *("accept.svg", "accept-cpu.svg", "fanout64.svg", "fanout64-cpu.svg")
    }
    assert set(draw(result(*series).by_name())) == {
        *("latency.svg", "fanout.svg", "match.svg", "growth.svg", "targets.svg")
    }


def test_every_plot_is_a_picture_with_a_title() -> None:
    drawn = draw(result(*TARGETS, "byway_accept_per_s", "jetstream_accept_per_s", "fanout1_cpu_us").by_name())

    for svg in drawn.values():
        picture = ET.fromstring(svg)  # noqa: S314 - our own
        title = picture.find(f"{SVG}title")
        assert picture.tag == f"{SVG}svg"
        assert title is not None
        assert title.text


def test_a_longer_bar_is_more_and_stays_in_the_picture() -> None:
    picture = ET.fromstring(bars("a < b", [Bar("one", 1, 1, 1), Bar("three", 3, 2, 4)]))  # noqa: S314 - our own
    one, three = (float(each.attrib["width"]) for each in picture.iter(f"{SVG}rect"))
    _, _, width, _ = map(float, picture.attrib["viewBox"].split())

    assert three == pytest.approx(3 * one, rel=0.01)
    assert all(float(each.attrib["x2"]) <= width for each in picture.iter(f"{SVG}line"))


def test_a_line_rises_where_the_figures_do() -> None:
    points = [Point("1k", 1, 1, 1), Point("1m", 2, 1, 3), Point("5m", 0, 0, 0)]

    picture = ET.fromstring(lines("a line", points, goal=2.5, goal_text="target"))  # noqa: S314 - our own
    first, second, third = (float(each.attrib["cy"]) for each in picture.iter(f"{SVG}circle"))

    assert second < first < third
