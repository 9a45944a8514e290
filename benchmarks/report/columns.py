"""Rows of text in columns, as wide as they are: what a terminal wraps can still be read, and what a file gets too."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.figure import Figure
from benchmarks.report.numbers import spread_text, target_text, value_text


def columns(rows: Sequence[Sequence[str]], left: frozenset[int]) -> list[str]:
    """One line for each row; the columns with these numbers stand at the left, the others at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if number in left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def figure_lines(figures: Sequence[Figure]) -> list[str]:
    """A result on the screen; what misses its target, or may, is marked."""
    rows = [("figure", "value", "noise", "target", "", "unit")]
    rows += [
        (
            figure.name,
            value_text(figure.value.median),
            spread_text(figure.value),
            target_text(figure),
            "" if figure.verdict == "met" else figure.verdict,
            figure.unit,
        )
        for figure in figures
    ]
    return columns(rows, left=frozenset({0, 4, 5}))
