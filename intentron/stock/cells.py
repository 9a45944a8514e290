"""One row of a sheet, by column, and what its cells say.

A cell is text.  It may say nothing (`None` here: unknown), it may say what its column is for, or it
may say something else: then `BadCell` tells what, in words for the owner of the sheet.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from byway.errors import StatementError
from byway.protocol.calendar_text import parse_day
from byway.protocol.decimals import format_decimal, parse_decimal

_GROUPED: Final = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3}){1,5}(?:\.[0-9]+)?\Z")
_SHOWN: Final = 40  # characters of a cell that a sentence quotes


class BadCell(Exception):
    """A cell does not say what its column is for.  It never leaves this package."""


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row by column; `unknown` are the spellings of "not known"."""

    cells: Mapping[str, str]
    unknown: Container[str]

    def text(self, column: str, unknown: Container[str] = ()) -> str | None:
        """What the cell says, its white space tidied; None if that is unknown.  Raises `BadCell`."""
        text = " ".join(self.cells[column].split())
        if text in self.unknown or text in unknown:
            return None
        for character in text:
            if unicodedata.category(character) == "Cs":  # what the reader makes of a byte that is not UTF-8
                raise BadCell(f"{column} is not UTF-8; save the sheet as CSV UTF-8")
            if unicodedata.category(character) == "Cc":
                raise BadCell(f"{column} has a control character in it")
        return text


def number(column: str, text: str, least: Decimal | None, most: Decimal | None) -> Decimal:
    """The number that a cell says, commas between thousands allowed.  Raises `BadCell`."""
    try:
        value = parse_decimal(text.replace(",", "") if _GROUPED.match(text) else text)
    except StatementError:
        raise BadCell(f"{column} is {quoted(text)}, which is not a number") from None
    if least is not None and value < least:
        raise BadCell(f"{column} is {quoted(text)}, which is less than {format_decimal(least)}")
    if most is not None and value > most:
        raise BadCell(f"{column} is {quoted(text)}, which is more than {format_decimal(most)}")
    return value


def whole(column: str, value: Decimal) -> int:
    """`value`, which has to be a whole number.  Raises `BadCell`."""
    if value != value.to_integral_value():
        raise BadCell(f"{column} is {quoted(format_decimal(value))}, which is not a whole number")
    return int(value)


def day(column: str, text: str) -> int:
    """The days from 1970-01-01 to a date such as 2027-06-01.  Raises `BadCell`."""
    try:
        return parse_day(text)
    except StatementError:
        raise BadCell(f"{column} is {quoted(text)}, which is not a date such as 2027-06-01") from None


def quoted(text: str) -> str:
    """`text` between quotes, cut to what fits in a sentence."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")
