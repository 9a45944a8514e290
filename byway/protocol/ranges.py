"""The ordered facets: closed ranges, and how one stands to a value (wire-protocol section 5).

Equal ends are one value, `None` is an open end, and both ends may not be open.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final

from byway.errors import StatementError
from byway.protocol.decimals import write_decimal
from byway.protocol.limits import MAX_DAY, MAX_INSTANT_MS, MAX_INTEGER, MIN_DAY, MIN_INSTANT_MS, MIN_INTEGER

_CURRENCY: Final = re.compile(r"[A-Z]{3}\Z")
_UNIT: Final = re.compile(r"[A-Z0-9]{1,8}\Z")


@dataclass(frozen=True, slots=True)
class Integer:
    """Integers from `low` to `high`."""

    kind: ClassVar = "integer"
    scale: ClassVar = ""
    low: int | None
    high: int | None

    def __post_init__(self) -> None:
        _check_integers(self.low, self.high)

    def wire(self) -> list[Any]:
        return [self.kind, self.low, self.high]


@dataclass(frozen=True, slots=True)
class DecimalRange:
    """Decimals from `low` to `high`."""

    kind: ClassVar = "decimal"
    scale: ClassVar = ""
    low: Decimal | None
    high: Decimal | None

    def __post_init__(self) -> None:
        _check_decimals(self.low, self.high)

    def wire(self) -> list[Any]:
        return [self.kind, _write_end(self.low), _write_end(self.high)]


@dataclass(frozen=True, slots=True)
class Date:
    """Days since 1970-01-01 within the years 1 to 9999, from `low` to `high`."""

    kind: ClassVar = "date"
    scale: ClassVar = ""
    low: int | None
    high: int | None

    def __post_init__(self) -> None:
        _check_integers(self.low, self.high, MIN_DAY, MAX_DAY)

    def wire(self) -> list[Any]:
        return [self.kind, self.low, self.high]


@dataclass(frozen=True, slots=True)
class Instant:
    """Unix milliseconds within the years 1 to 9999, from `low` to `high`."""

    kind: ClassVar = "instant"
    scale: ClassVar = ""
    low: int | None
    high: int | None

    def __post_init__(self) -> None:
        _check_integers(self.low, self.high, MIN_INSTANT_MS, MAX_INSTANT_MS)

    def wire(self) -> list[Any]:
        return [self.kind, self.low, self.high]


@dataclass(frozen=True, slots=True)
class Money:
    """Amounts in minor units (cents) of one ISO 4217 currency, from `low` to `high`."""

    kind: ClassVar = "money"
    currency: str
    low: int | None
    high: int | None

    def __post_init__(self) -> None:
        if type(self.currency) is not str or not _CURRENCY.match(self.currency):
            raise _bad("a currency is three letters of ISO 4217")
        _check_integers(self.low, self.high)

    @property
    def scale(self) -> str:
        return self.currency

    def wire(self) -> list[Any]:
        return [self.kind, self.currency, self.low, self.high]


@dataclass(frozen=True, slots=True)
class Quantity:
    """Amounts in one unit, a UN/CEFACT code such as `LBR`, from `low` to `high`."""

    kind: ClassVar = "quantity"
    unit: str
    low: Decimal | None
    high: Decimal | None

    def __post_init__(self) -> None:
        if type(self.unit) is not str or not _UNIT.match(self.unit):
            raise _bad("a unit is a UN/CEFACT code")
        _check_decimals(self.low, self.high)

    @property
    def scale(self) -> str:
        return self.unit

    def wire(self) -> list[Any]:
        return [self.kind, self.unit, _write_end(self.low), _write_end(self.high)]


Ordered = Integer | DecimalRange | Date | Instant | Money | Quantity

# Whether any value from low to high stands so to the value.
_OVERLAPS: Final[dict[str, Callable[[Any, Any, Any], bool]]] = {
    "=": lambda low, high, value: (low is None or low <= value) and (high is None or high >= value),
    "<": lambda low, _, value: low is None or low < value,
    "<=": lambda low, _, value: low is None or low <= value,
    ">": lambda _, high, value: high is None or high > value,
    ">=": lambda _, high, value: high is None or high >= value,
}
OPERATORS: Final = frozenset(_OVERLAPS)


def is_one_value(ordered: Ordered) -> bool:
    """Whether the range holds exactly one value."""
    return ordered.low is not None and ordered.low == ordered.high


def overlaps(ordered: Ordered, operator: str, value: Ordered) -> bool | None:
    """Whether any value of a range satisfies the comparison with one value.

    `None` is unknown: the two differ in type, currency or unit.
    """
    if type(ordered) is not type(value) or ordered.scale != value.scale:
        return None
    return _OVERLAPS[operator](ordered.low, ordered.high, value.low)


def _check_integers(low: int | None, high: int | None, least: int = MIN_INTEGER, most: int = MAX_INTEGER) -> None:
    if low is not None and (type(low) is not int or not least <= low <= most):
        raise _bad(f"the low end of the range is not an integer from {least} to {most}")
    if high is not None and (type(high) is not int or not least <= high <= most):
        raise _bad(f"the high end of the range is not an integer from {least} to {most}")
    _check_ends(low, high)


def _check_decimals(low: Decimal | None, high: Decimal | None) -> None:
    if low is not None and not (isinstance(low, Decimal) and low.is_finite()):
        raise _bad("the low end of the range is not a decimal")
    if high is not None and not (isinstance(high, Decimal) and high.is_finite()):
        raise _bad("the high end of the range is not a decimal")
    _check_ends(low, high)


def _check_ends(low: Any, high: Any) -> None:
    if low is None:
        if high is None:
            raise _bad("a range has at least one end")
    elif high is not None and low > high:
        raise _bad("the low end of the range is above the high end")


def _write_end(end: Decimal | None) -> list[int] | None:
    return None if end is None else write_decimal(end)


def _bad(sentence: str) -> StatementError:
    return StatementError(sentence, code="bad-facet")
