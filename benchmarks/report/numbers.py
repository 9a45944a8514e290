"""Numbers as people read them."""

from __future__ import annotations

from typing import Final

from benchmarks.figure import Figure, Spread

_MANY: Final = 1000


def value_text(value: float) -> str:
    """Three digits, or all of a large number."""
    return f"{value:,.0f}" if abs(value) >= _MANY else f"{value:.3g}"


def spread_text(spread: Spread) -> str:
    """From the least round to the greatest; nothing if there is only one."""
    return "" if spread.rounds == 1 else f"{value_text(spread.low)} to {value_text(spread.high)}"


def target_text(figure: Figure) -> str:
    """With the side on which it has to be."""
    if figure.target is None:
        return ""
    return f"{'≥' if figure.better == 'more' else '≤'} {value_text(figure.target)}"
