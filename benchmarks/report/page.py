"""The page about performance: the figures of the last full run between two markers, and the plots beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from benchmarks.figure import Figure
from benchmarks.report.numbers import spread_text, target_text, value_text
from benchmarks.report.plots import draw
from benchmarks.report.result import ROOT, Result
from benchmarks.targets import BESIDE, TARGETS

PAGE: Final = ROOT / "docs" / "performance.md"
PLOTS: Final = ROOT / "docs" / "performance"
BEGIN: Final = "<!-- figures of the last full run: written by `make bench-full` -->"
END: Final = "<!-- end of the figures -->"


def write_page(result: Result, page: Path = PAGE, plots: Path = PLOTS) -> None:
    """Put the figures between the markers, and the plots into their folder, in the place of what was there."""
    put_between(BEGIN, END, page_lines(result), page)
    plots.mkdir(exist_ok=True)
    for old in plots.glob("*.svg"):
        old.unlink()
    for name, svg in draw(result.by_name()).items():
        (plots / name).write_text(svg, encoding="utf-8")


def put_between(begin: str, end: str, lines: Iterable[str], page: Path = PAGE) -> None:
    """Put the lines between the two markers of the page, in the place of what was there.

    Raises `ValueError` if the page does not have the markers.
    """
    before, begins, rest = page.read_text(encoding="utf-8").partition(begin)
    _, ends, after = rest.partition(end)
    if not begins or not ends:
        raise ValueError(f"{page} has no place for this: {begin} {end}")
    page.write_text("\n".join([before + begin, "", *lines, "", end + after]), encoding="utf-8")


def page_lines(result: Result) -> list[str]:
    """What stands between the markers."""
    figures = result.by_name()
    return [
        f"{result.at}, commit {result.commit}, {result.seconds / 60:.0f} minutes.",
        f"{_facts(result.machine)}. {_facts(result.versions)}.",
        "",
        *_targets(figures),
        *(line for name in draw(figures) for line in ("", f"![{_plot_title(name)}](performance/{name})")),
        "",
        "### Every figure",
        "",
        "| figure | | rounds | unit | in limits of the machine |",
        "|---|---:|---:|---|---|",
        *(_row(figure) for figure in result.figures),
    ]


def _targets(figures: Mapping[str, Figure]) -> Iterable[str]:
    yield "| figure | is | noise | target | | unit |"
    yield "|---|---:|---:|---:|---|---|"
    for name, target in TARGETS.items():
        if figure := figures.get(name):
            yield _target_row(figure)
        else:
            yield f"| `{name}` | | | {value_text(target)} | not measured | |"
        if beside := figures.get(BESIDE.get(name, "")):
            yield _target_row(beside)


def _target_row(figure: Figure) -> str:
    value, noise = value_text(figure.value.median), spread_text(figure.value)
    verdict = figure.verdict.replace("missed", "**missed**")
    return f"| `{figure.name}` | {value} | {noise} | {target_text(figure)} | {verdict} | {figure.unit} |"


def _row(figure: Figure) -> str:
    limits = f"{value_text(figure.in_limits.median)} {figure.limit}" if figure.in_limits else ""
    noise = spread_text(figure.value)
    value = f"{value_text(figure.value.median)}{f' ({noise})' if noise else ''}"
    return f"| `{figure.name}` | {value} | {figure.value.rounds} | {figure.unit} | {limits} |"


def _facts(facts: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def _plot_title(name: str) -> str:
    return name.removesuffix(".svg").replace("-", " ")
