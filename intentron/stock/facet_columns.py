"""How one facet of an item is made from the columns of a sheet.

Each class is one type of facet in a column map.  `columns` are those it reads; `facet` gives the
facet of one row, None where the row does not know, and raises `BadCell` where a cell says something
that cannot be.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from byway.protocol.currencies import to_minor
from byway.protocol.decimals import read_decimal, write_decimal
from byway.protocol.degrees import MICRO_DIGITS
from byway.protocol.facets import Boolean, Date, DecimalRange, Facet, Integer, Money, Place, Quantity, Text, TextSet
from byway.protocol.limits import MAX_METRES
from intentron.stock.cells import BadCell, Row, day, number, quoted, whole

Number = Annotated[Decimal, Field(allow_inf_nan=False)]

_POLE: Final = Decimal(90)
_DATE_LINE: Final = Decimal(180)


class Table(BaseModel):
    """A table of a column map: frozen, strict, and without keys that mean nothing."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class _OneColumn(Table):
    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)


class TextColumn(_OneColumn):
    """A text in its canonical form: lower case, unless `keep_case`.

    `drop_suffix` is cut off, and `words` puts the market's word in the place of the sheet's; both are
    compared in the canonical form.  `unknown` are further spellings of "not known".
    """

    type: Literal["text"]
    keep_case: bool = False
    drop_suffix: str = ""
    words: dict[str, str] = {}
    unknown: tuple[str, ...] = ()

    def facet(self, row: Row) -> Facet | None:
        text = row.text(self.column, self.unknown)
        if text is None:
            return None
        canonical = (text if self.keep_case else text.lower()).removesuffix(self.drop_suffix).rstrip()
        return Text(self.words.get(canonical, canonical))


class SetColumn(_OneColumn):
    """Several texts in one cell, in lower case unless `keep_case`."""

    type: Literal["set"]
    separator: Annotated[str, Field(min_length=1)] = ";"
    keep_case: bool = False

    def facet(self, row: Row) -> Facet | None:
        text = row.text(self.column)
        if text is None:
            return None
        parts = (part.strip() for part in (text if self.keep_case else text.lower()).split(self.separator))
        return TextSet.of(filter(None, parts))


class BooleanColumn(_OneColumn):
    """Yes or no, in the sheet's own spellings; upper and lower case are the same."""

    type: Literal["boolean"]
    true: tuple[str, ...]
    false: tuple[str, ...]

    def facet(self, row: Row) -> Facet | None:
        text = row.text(self.column)
        verdict = None if text is None else said(self.column, text, self.true, self.false)
        return None if verdict is None else Boolean(verdict)


class _Numeric(Table):
    """A number: one column, or the weighted sum of several, known only if each of them is.

    `least` and `most` bound each cell; nothing in stock is negative unless the map says so.
    """

    column: str = ""
    sum: dict[str, Number] = {}
    least: Number | None = Decimal(0)
    most: Number | None = None
    unknown: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> _Numeric:
        if bool(self.column) == bool(self.sum):
            raise ValueError("a number has either a `column` or a `sum` of columns")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,) if self.column else tuple(self.sum)

    def value(self, row: Row) -> Decimal | None:
        """The number that the row says, exact and within the bounds of a decimal facet."""
        total = Decimal(0)
        for column in self.columns:
            text = row.text(column, self.unknown)
            if text is None:
                return None
            total += number(column, text, self.least, self.most) * self.sum.get(column, 1)
        return read_decimal(write_decimal(total))


class IntegerColumn(_Numeric):
    """A whole number."""

    type: Literal["integer"]

    def facet(self, row: Row) -> Facet | None:
        value = self.value(row)
        if value is None:
            return None
        count = whole(" + ".join(self.columns), value)
        return Integer(count, count)


class DecimalColumn(_Numeric):
    """A number that may have a fraction."""

    type: Literal["decimal"]

    def facet(self, row: Row) -> Facet | None:
        value = self.value(row)
        return None if value is None else DecimalRange(value, value)


class QuantityColumn(_Numeric):
    """A number of `unit`s, a UN/CEFACT code."""

    type: Literal["quantity"]
    unit: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,8}$")]

    def facet(self, row: Row) -> Facet | None:
        value = self.value(row)
        return None if value is None else Quantity(self.unit, value, value)


class MoneyColumn(_Numeric):
    """An amount of `currency`, written in its major unit (dollars, not cents)."""

    type: Literal["money"]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

    def facet(self, row: Row) -> Facet | None:
        value = self.value(row)
        if value is None:
            return None
        minor = to_minor(value, self.currency)
        return Money(self.currency, minor, minor)


class DateColumn(_OneColumn):
    """A day, written as 2027-06-01."""

    type: Literal["date"]

    def facet(self, row: Row) -> Facet | None:
        text = row.text(self.column)
        if text is None:
            return None
        days = day(self.column, text)
        return Date(days, days)


class PlaceColumns(Table):
    """A point from two columns of degrees, right within `precision_m` metres."""

    type: Literal["place"]
    latitude: str
    longitude: str
    precision_m: Annotated[int, Field(ge=0, le=MAX_METRES)]

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.latitude, self.longitude)

    def facet(self, row: Row) -> Facet | None:
        latitude, longitude = row.text(self.latitude), row.text(self.longitude)
        if latitude is None or longitude is None:
            return None
        north = number(self.latitude, latitude, -_POLE, _POLE)
        east = number(self.longitude, longitude, -_DATE_LINE, _DATE_LINE)
        return Place(_micro_degrees(north), _micro_degrees(east), self.precision_m)


_AnyColumns = (
    TextColumn
    | SetColumn
    | BooleanColumn
    | IntegerColumn
    | DecimalColumn
    | QuantityColumn
    | MoneyColumn
    | DateColumn
    | PlaceColumns
)
FacetColumns = Annotated[_AnyColumns, Field(discriminator="type")]

TYPES: Final[dict[str, type[Table]]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(_AnyColumns)
}


def said(column: str, text: str, true: Iterable[str], false: Iterable[str]) -> bool:
    """Whether a cell says yes or no, in one of the spellings given.  Raises `BadCell` for any other."""
    folded = text.casefold()
    if folded in map(str.casefold, true):
        return True
    if folded in map(str.casefold, false):
        return False
    raise BadCell(f"{column} is {quoted(text)}, which is neither yes ({', '.join(true)}) nor no ({', '.join(false)})")


def _micro_degrees(degrees: Decimal) -> int:
    return int(degrees.scaleb(MICRO_DIGITS).to_integral_value())
