"""One thing in stock: what a line of a sheet says, in facets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from byway.errors import StatementError
from byway.protocol.facets import Facet, Money, parse_facets

PRICE: Final = "price"


@dataclass(frozen=True, slots=True)
class StockItem:
    """A thing that can be offered.  A facet that is absent is unknown.

    `id` is unique in its sheet.  `seller` says to which of several sellers of one sheet it belongs,
    `""` if the sheet does not say.  `price_label` says what the facet `price` really is, where it is
    not simply the price.
    """

    id: str
    name: str
    facets: Mapping[str, Facet]
    seller: str = ""
    price_label: str = ""

    @property
    def price(self) -> Money | None:
        """The facet `price`, if it is there and is money."""
        price = self.facets.get(PRICE)
        return price if isinstance(price, Money) else None

    def wire(self) -> dict[str, Any]:
        """The item as a map that canonical msgpack and JSON can hold."""
        return {
            "id": self.id,
            "name": self.name,
            "facets": {name: facet.wire() for name, facet in self.facets.items()},
            "seller": self.seller,
            "price_label": self.price_label,
        }


def parse_item(value: object) -> StockItem:
    """The item that `StockItem.wire` wrote.  Raises `StatementError`.

    `bad-body` if there is no such item, `bad-facet` if one of its facets is not as its type demands.
    """
    fields: dict[str, Any] = value if isinstance(value, dict) else {}
    texts: dict[str, Any] = {name: fields.get(name) for name in ("id", "name", "seller", "price_label")}
    if any(type(text) is not str for text in texts.values()):
        raise StatementError(f"a stock item is a map with {', '.join(texts)} and facets", code="bad-body")
    return StockItem(facets=parse_facets(fields.get("facets")), **texts)
