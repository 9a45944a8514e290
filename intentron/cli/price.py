"""A price as a flag says it: `4.50 USD`."""

from __future__ import annotations

from byway.errors import SetupError, StatementError
from byway.protocol.currencies import format_amount


def read_price(text: str) -> tuple[str, str]:
    """The amount and the currency of `700,000.00 USD`.  Raises `SetupError` (`bad-request`)."""
    from byway.protocol.facets import Money
    from byway.protocol.ranges import is_one_value
    from intentron.facet_text import parse_value_text

    try:
        price = parse_value_text(text)
    except StatementError:
        price = None
    if not isinstance(price, Money) or not is_one_value(price) or price.low is None:
        raise SetupError(
            f"{text!r} is not a price, which looks like '4.50 USD'",
            code="bad-request",
            next_step="write it as --price '4.50 USD', with the three letters of the currency",
        )
    return format_amount(price.low, price.currency), price.currency


def money_text(text: str) -> str:
    """The price in its one spelling.  Raises `SetupError` (`bad-request`)."""
    return " ".join(read_price(text))
