"""Degrees as people write them: `42.28` is 42,280,000 micro-degrees, exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from byway.protocol.decimals import format_decimal, parse_units

MICRO_DIGITS: Final = 6


def parse_degrees(text: str) -> int:
    """Micro-degrees of `42.28`.  Raises `StatementError` (`bad-facet`) for more than six digits after the point."""
    return parse_units(text, MICRO_DIGITS)


def format_degrees(micro: int) -> str:
    """`42.28` of 42,280,000 micro-degrees."""
    return format_decimal(Decimal(f"{micro}E-{MICRO_DIGITS}"))
