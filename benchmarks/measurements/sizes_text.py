"""Sizes as the names of figures have them."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ((1_000_000, "m"), (1_000, "k"))


def short(number: int) -> str:
    """1000000 is `1m`, 100000 is `100k`, 64 is `64`."""
    for size, letter in _UNITS:
        if number >= size and number % size == 0:
            return f"{number // size}{letter}"
    return str(number)
