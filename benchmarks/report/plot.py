"""Plots as plain SVG, readable on a light and on a dark page: bars, and lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from benchmarks.report.numbers import value_text

WIDTH: Final = 720
LABEL_WIDTH: Final = 210
VALUE_WIDTH: Final = 90
ROW: Final = 26
TOP: Final = 44
PLOT_HEIGHT: Final = 220
MARGIN: Final = 64
STEPS: Final = 4

# The colours say what is ours, what is others', and what is wanted; text takes its own from the page.
_STYLE: Final = """<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 } .small { font-size: 11px }
.ours { fill: #2f6fdb } .others { fill: #8c959f } .noise { stroke: #24292f; stroke-width: 1.5 }
.goal { stroke: #d1642b; stroke-width: 1.5; stroke-dasharray: 5 4 } .goal-text { fill: #b4501c }
.line { fill: none; stroke: #2f6fdb; stroke-width: 2 } .grid { stroke: #8c959f; stroke-opacity: 0.35 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .noise { stroke: #e6edf3 } .ours { fill: #6ea8fe } .line { stroke: #6ea8fe }
  .goal { stroke: #f0883e } .goal-text { fill: #f0883e }
}
</style>"""


class Bar(NamedTuple):
    """One bar, with the least and the greatest round as a thin line across its end."""

    label: str
    value: float
    low: float
    high: float
    ours: bool = True


class Point(NamedTuple):
    """One point of a line; `label` stands below it."""

    label: str
    value: float
    low: float
    high: float


def bars(title: str, shown: Sequence[Bar], *, goal: float | None = None, goal_text: str = "") -> str:
    """Horizontal bars, one for each row, and a dashed line where they are wanted to end."""
    greatest = max([bar.high for bar in shown] + [goal or 0]) or 1
    scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / greatest
    height = TOP + ROW * len(shown) + (ROW if goal else 8)
    parts = []
    for number, bar in enumerate(shown):
        y = TOP + ROW * number
        end, low, high = (LABEL_WIDTH + scale * value for value in (bar.value, bar.low, bar.high))
        kind, width = "ours" if bar.ours else "others", end - LABEL_WIDTH
        parts += [
            f'<text x="{LABEL_WIDTH - 8}" y="{y + 15}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="{kind}" x="{LABEL_WIDTH}" y="{y + 3}" width="{width:.1f}" height="{ROW - 9}" rx="2"/>',
            f'<line class="noise" x1="{low:.1f}" x2="{high:.1f}" y1="{y + 11}" y2="{y + 11}"/>',
            f'<text x="{max(end, high) + 6:.1f}" y="{y + 15}">{value_text(bar.value)}</text>',
        ]
    if goal is not None:
        x, bottom = LABEL_WIDTH + scale * goal, TOP + ROW * len(shown)
        parts.append(f'<line class="goal" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{bottom}"/>')
        parts.append(
            f'<text class="small goal-text" x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{goal_text}</text>'
        )
    return _picture(title, height, parts)


def lines(title: str, points: Sequence[Point], *, goal: float | None = None, goal_text: str = "") -> str:
    """One line through points that stand at equal distances, from zero up."""
    top = _round_up(max([point.high for point in points] + [goal or 0]))
    left, right, bottom = MARGIN, WIDTH - MARGIN, TOP + PLOT_HEIGHT

    def place(number: int, value: float) -> tuple[float, float]:
        share = number / (len(points) - 1) if len(points) > 1 else 0.5
        return left + (right - left) * share, bottom - PLOT_HEIGHT * value / top

    parts = []
    for step in range(STEPS + 1):
        value = top * step / STEPS
        _, y = place(0, value)
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="small" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{value_text(value)}</text>')
    if goal is not None:
        _, y = place(0, goal)
        parts.append(f'<line class="goal" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="small goal-text" x="{right}" y="{y - 5:.1f}" text-anchor="end">{goal_text}</text>')
    through = " ".join("{:.1f},{:.1f}".format(*place(number, point.value)) for number, point in enumerate(points))
    parts.append(f'<polyline class="line" points="{through}"/>')
    for number, point in enumerate(points):
        x, y = place(number, point.value)
        (_, low), (_, high) = place(number, point.low), place(number, point.high)
        parts += [
            f'<line class="noise" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>',
            f'<circle class="ours" cx="{x:.1f}" cy="{y:.1f}" r="4"/>',
            f'<text x="{x + 7:.1f}" y="{y - 7:.1f}">{value_text(point.value)}</text>',
            f'<text class="small" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{escape(point.label)}</text>',
        ]
    return _picture(title, bottom + ROW + 8, parts)


def _picture(title: str, height: float, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">'
    named = [f"<title>{escape(title)}</title>", f'<text class="title" x="12" y="22">{escape(title)}</text>']
    return "\n".join([head, _STYLE, *named, *parts, "</svg>"]) + "\n"


def _round_up(value: float) -> float:
    """The next number of the kind 1, 2, 2.5, 5, 10 that is not less."""
    if value <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(step * size for step in (1, 2, 2.5, 5, 10) if step * size >= value)
