"""Facets in words, for people: `up to 800,000.00 USD`, `2 to 3`, `within 500 m of 42.28, -83.74`.

What a stranger wrote is shown without anything that could steer a terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from byway.protocol.calendar_text import format_day, format_instant
from byway.protocol.currencies import format_amount
from byway.protocol.decimals import format_decimal
from byway.protocol.degrees import format_degrees
from byway.protocol.facets import Boolean, Date, DecimalRange, Facet, Instant, Integer, Money, Place, Text, TextSet
from byway.protocol.ranges import Ordered, is_one_value

_UNITS: Final = {  # what people say for the UN/CEFACT codes of homes and food; any other code stands for itself
    "ACR": "acres",
    "C62": "",
    "DZN": "dozen",
    "FTK": "sq ft",
    "GLL": "gal",
    "KGM": "kg",
    "LBR": "lb",
    "LTR": "l",
    "MTK": "m\N{SUPERSCRIPT TWO}",
}


def describe(facet: Facet) -> str:
    """One line of plain English."""
    match facet:
        case Text(text):
            return printable(text)
        case Boolean(true):
            return "yes" if true else "no"
        case TextSet(texts):
            return ", ".join(map(printable, texts))
        case Place(latitude, longitude, precision):
            where = f"{format_degrees(latitude)}, {format_degrees(longitude)}"
            return f"within {precision:,} m of {where}" if precision else f"at {where}"
        case Integer():
            return _range(facet, str)
        case DecimalRange():
            return _range(facet, format_decimal)
        case Date():
            return _range(facet, format_day)
        case Instant():
            return _range(facet, format_instant)
        case Money(currency):
            amounts = _range(facet, lambda minor: format_amount(minor, currency, separator=","))
            return f"{amounts} {currency}"
    return f"{_range(facet, format_decimal)} {_UNITS.get(facet.unit, facet.unit)}".rstrip()


def printable(text: str) -> str:
    """The text with its escape sequence for each control, formatting or other unprintable character."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _range(facet: Ordered, show: Callable[[Any], str]) -> str:
    if is_one_value(facet):
        return show(facet.low)
    if facet.low is None:
        return f"up to {show(facet.high)}"
    if facet.high is None:
        return f"from {show(facet.low)}"
    return f"{show(facet.low)} to {show(facet.high)}"
