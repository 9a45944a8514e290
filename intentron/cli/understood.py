"""The facets of a wish as they were understood: the type and the value of each, and what may be a slip."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from byway.protocol.currencies import CURRENCIES, minor_digits
from byway.protocol.descriptions import describe
from byway.protocol.facets import (
    Boolean,
    Date,
    DecimalRange,
    Facet,
    Instant,
    Integer,
    Money,
    Place,
    Quantity,
    Text,
    TextSet,
)
from byway.protocol.filter import And, Compare, Filter, In, Not, Or, Value
from intentron.cli.show import fact
from intentron.unit_codes import UNIT_CODES

_TYPES: Final[dict[type[Facet], str]] = {
    Boolean: "boolean",
    Date: "date",
    DecimalRange: "decimal",
    Instant: "instant",
    Integer: "integer",
    Money: "money",
    Place: "place",
    Quantity: "quantity",
    Text: "text",
    TextSet: "set of text",
}

_MONEY: Final = frozenset({"budget", "cost", "deposit", "fare", "fee", "price", "rent", "salary", "wage"})
_GROUP: Final = 3  # digits between the commas of a large number
_POINTED: Final = re.compile(r"\b([0-9]{1,3})\.([0-9]{3})\b")


def show_facets(values: Mapping[str, Any]) -> None:
    """A line for each facet, and one for each that may not say what was meant.  Raises `StatementError`."""
    from intentron.facet_text import facets_from_values

    facets = facets_from_values(values)
    for name, facet in facets.items():
        fact("facet", f"{name}: {_TYPES[type(facet)]}, {describe(facet)}")
    for name, facet in facets.items():
        for slip in _slips(name, facet, str(values[name]).strip()):
            fact("warning", slip)


def show_filter_slips(text: str) -> None:
    """A line for each value of a filter that may not say what was meant.  Raises `StatementError` (`bad-filter`)."""
    from byway.protocol.filter_text import parse_filter_text

    for name, value in _values(parse_filter_text(text)) if text else ():
        for slip in (_unknown_unit(name, value), _not_money(name, value, 'money("{}", "USD")')):
            fact("warning", slip)


def _values(part: Filter) -> Iterator[tuple[str, Value]]:
    """Each facet that a filter compares, and with what."""
    match part:
        case And(operands) | Or(operands):
            for operand in operands:
                yield from _values(operand)
        case Not(operand):
            yield from _values(operand)
        case Compare(_, name, value):
            yield name, value
        case In(name, values):
            for value in values:
                yield name, value


def _slips(name: str, facet: Facet, written: str) -> Iterator[str]:
    """What may be wrong with a facet that was written so: sentences, some of them empty."""
    yield _unknown_unit(name, facet)
    yield _not_money(name, facet, f"'{written} USD'")
    if isinstance(facet, Money) and minor_digits(facet.currency) < _GROUP and _POINTED.search(written):
        amount = _POINTED.sub(r"\1\2", written).removeprefix("..").partition(" ")[0]
        yield f"{name}: {describe(facet)}, for a point begins the cents; write {amount} if it is thousands"
    if isinstance(facet, TextSet) and '"' not in written:
        for text in facet.texts:
            words = text.split()
            if len(words) > 1 and all(any(map(str.isdigit, word)) for word in words):
                yield f"{name}: '{text}' is one text; write commas between texts, as {{{', '.join(words)}}}"


def _unknown_unit(name: str, value: Facet) -> str:
    unit = value.unit if isinstance(value, Quantity) else value.currency if isinstance(value, Money) else None
    if unit is None or unit in UNIT_CODES or unit in CURRENCIES:
        return ""
    return f"{name}: {unit} is no currency, and no unit that is known here; is it what you mean?"


def _not_money(name: str, value: Facet, meant: str) -> str:
    """What is written without a currency, of a facet that people give as money."""
    if not isinstance(value, Integer | DecimalRange) or name.rpartition("_")[2] not in _MONEY:
        return ""
    end = value.high if value.low is None else value.low
    return f"{name}: not money, for it has no currency; write {meant.format(end)} if it is money"
