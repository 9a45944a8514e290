"""Decimals: exact numbers with a fraction (wire-protocol section 2).

On the wire a decimal is `[mantissa, exponent]`, in one form only.  In the program it is a
`decimal.Decimal`, whose comparisons are exact and cheap; nothing here depends on a decimal context.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from byway.errors import StatementError
from byway.protocol.limits import MAX_DECIMAL_EXPONENT, MAX_INTEGER, MIN_INTEGER

_TEXT: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?\Z")
_MAX_DIGITS: Final = len(str(MAX_INTEGER))
_MAX_TEXT: Final = 80  # characters: twice what the longest of them needs


def read_decimal(value: object) -> Decimal:
    """The number behind a decoded `[mantissa, exponent]`.  Raises `StatementError` (`bad-facet`)."""
    if type(value) is not list or len(value) != 2:  # noqa: PLR2004 - a mantissa and an exponent
        raise _bad("a decimal is a mantissa and an exponent")
    mantissa, exponent = value
    if type(mantissa) is not int or type(exponent) is not int:
        raise _bad("the mantissa and the exponent of a decimal are integers")
    if not (MIN_INTEGER <= mantissa <= MAX_INTEGER and -MAX_DECIMAL_EXPONENT <= exponent <= MAX_DECIMAL_EXPONENT):
        raise _bad("the mantissa or the exponent of a decimal is out of bounds")
    if mantissa % 10 == 0 and (mantissa or exponent):
        raise _bad("the mantissa of a decimal ends in zero")
    return Decimal(f"{mantissa}E{exponent}")


def write_decimal(number: Decimal) -> list[int]:
    """`[mantissa, exponent]` of a number.  Raises `StatementError` (`bad-facet`) if it has none."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise _bad(f"{number} is not a number")
    significant = "".join(map(str, digits)).rstrip("0")
    if not significant:
        return [0, 0]
    exponent += len(digits) - len(significant)
    if len(significant) > _MAX_DIGITS or abs(exponent) > MAX_DECIMAL_EXPONENT:
        raise _bad("a decimal has too many digits")
    mantissa = -int(significant) if sign else int(significant)
    if not MIN_INTEGER <= mantissa <= MAX_INTEGER:
        raise _bad("a decimal has too many digits")
    return [mantissa, exponent]


def parse_decimal(text: str) -> Decimal:
    """The number that a person wrote as `2.10`.  Raises `StatementError` (`bad-facet`)."""
    if len(text) > _MAX_TEXT or not _TEXT.match(text):
        raise _bad(f"{text[:40]!r} is not a number such as 2.10")
    return read_decimal(write_decimal(Decimal(text)))


def parse_units(text: str, digits: int) -> int:
    """How often 10^-digits goes into a number, exactly: `2.5` with two digits is 250.

    Raises `StatementError` (`bad-facet`) for what is no number or has more digits after the point.
    """
    return count_units(parse_decimal(text), digits)


def count_units(number: Decimal, digits: int) -> int:
    """As `parse_units`, of a number."""
    mantissa, exponent = write_decimal(number)
    if exponent < -digits:
        raise _bad(f"{format_decimal(number)!r} has more than {digits} digits after the point")
    return int(mantissa * 10 ** (exponent + digits))


def format_decimal(number: Decimal) -> str:
    """The shortest text for people, without an exponent: `2.1`, `-0.005`, `1200`."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _bad(sentence: str) -> StatementError:
    return StatementError(sentence, code="bad-facet")
