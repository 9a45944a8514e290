"""The facets of a wish as they were understood: the type and the value of each, and what may be a slip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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
from intentron.cli.show import fact

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


def show_facets(values: Mapping[str, Any]) -> None:
    """A line for each facet, and one for each that may not say what was meant.  Raises `StatementError`."""
    from byway.protocol.descriptions import describe
    from intentron.facet_text import facets_from_values
    from intentron.unit_codes import UNIT_CODES

    facets = facets_from_values(values)
    for name, facet in facets.items():
        fact("facet", f"{name}: {_TYPES[type(facet)]}, {describe(facet)}")
    for name, facet in facets.items():
        if isinstance(facet, Quantity) and facet.unit not in UNIT_CODES:
            fact(
                "warning", f"{name}: {facet.unit} is no currency, and no unit that is known here; is it what you mean?"
            )
