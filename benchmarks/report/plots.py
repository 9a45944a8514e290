"""Which plots there are, and which figures they are drawn from.  A plot whose figures were not measured is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from benchmarks.figure import Figure
from benchmarks.report.plot import Bar, Point, bars, lines
from benchmarks.targets import TARGETS

Figures = Mapping[str, Figure]

SERVERS: Final = {
    "byway": "Intention Byway",
    "jetstream": "NATS JetStream",
    "jetstream_sync": "JetStream, sync always",
    "rabbitmq": "RabbitMQ",
    "mosquitto": "Mosquitto",
    "nostr": "Nostr relay",
}


def draw(figures: Figures) -> dict[str, str]:
    """The plots as SVG, by the names of their files."""
    drawn = {name: draw_one(figures) for name, draw_one in PLOTS.items()}
    return {name: svg for name, svg in drawn.items() if svg}


def _targets(figures: Figures) -> str:
    """Each figure as a share of its target; where more is better, the other way round."""
    shown = []
    for name, target in TARGETS.items():
        if (figure := figures.get(name)) is None:
            continue
        low, high = sorted(_share(figure, each, target) for each in (figure.value.low, figure.value.high))
        shown.append(Bar(name, _share(figure, figure.value.median, target), low, high))
    return bars("Cost as a share of the target: less is better", shown, goal=1, goal_text="target") if shown else ""


def _share(figure: Figure, value: float, target: float) -> float:
    if figure.better == "less":
        return max(value, 0) / target
    return target / value if value else 0


def _servers(title: str, suffix: str) -> Callable[[Figures], str]:
    """Ours beside the peers; nothing without them."""

    def draw_one(figures: Figures) -> str:
        shown = [
            Bar(label, *_values(figures[f"{name}_{suffix}"]), ours=name == "byway")
            for name, label in SERVERS.items()
            if f"{name}_{suffix}" in figures
        ]
        return bars(title, shown) if len(shown) > 1 else ""

    return draw_one


def _series(title: str, pattern: str, *, goal: str = "", first: Sequence[Point] = ()) -> Callable[[Figures], str]:
    """A line through the figures whose names fit, by the number in them; `goal` is the target of one of them."""
    wanted = re.compile(pattern)

    def draw_one(figures: Figures) -> str:
        found = sorted(
            (_number(fits[1]), fits[1], figure) for name, figure in figures.items() if (fits := wanted.fullmatch(name))
        )
        if not found:
            return ""
        points = [*first, *(Point(text.upper(), *_values(figure)) for _, text, figure in found)]
        return lines(title, points, goal=TARGETS.get(goal), goal_text="target")

    return draw_one


def _latencies(figures: Figures) -> str:
    """Bars in groups: the percentiles at each rate."""
    found = [
        (_number(fits[1]), Bar(f"{fits[1]} a second, {fits[2].replace('_', '.')}", *_values(figure)))
        for name, figure in figures.items()
        if (fits := re.fullmatch(r"latency_(\d+)_(p[\d_]+)_ms", name))
    ]
    shown = [bar for _, bar in sorted(found, key=lambda pair: pair[0])]
    return bars("Time from person to seller, ms, by rate: less is better", shown) if shown else ""


def _number(text: str) -> int:
    return int(text.rstrip("km")) * {"k": 1_000, "m": 1_000_000}.get(text[-1], 1)


def _values(figure: Figure) -> tuple[float, float, float]:
    return figure.value.median, figure.value.low, figure.value.high


PLOTS: Final[dict[str, Callable[[Figures], str]]] = {
    "targets.svg": _targets,
    "accept.svg": _servers("Accepted casts a second: more is better", "accept_per_s"),
    "accept-cpu.svg": _servers("Server CPU for an accepted cast, µs: less is better", "accept_cpu_us"),
    "fanout64.svg": _servers("Deliveries a second to 64 subscribers: more is better", "fanout64_per_s"),
    "fanout64-cpu.svg": _servers("Server CPU for a delivery to one of 64, µs: less is better", "fanout64_cpu_us"),
    "fanout.svg": _series("Router CPU for a delivery, µs, by the number of subscribers", r"fanout(\d+)_cpu_us"),
    "latency.svg": _latencies,
    "match.svg": _series("CPU to match one cast, µs, by the number of subscriptions", r"match_(\d+[km])_us"),
    "growth.svg": _series(
        "CPU to store a cast, as a multiple of that in a new store, by stored rows",
        r"growth_(\d+m)",
        goal="growth_5m",
        first=[Point("new", 1, 1, 1)],
    ),
}
