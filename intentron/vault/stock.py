"""Stock: named lists of items, each imported as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from byway.protocol import canonical
from byway.protocol.limits import MAX_BODY_BYTES
from intentron.stock.item import StockItem, parse_item
from intentron.vault.database import Database


@dataclass(frozen=True, slots=True)
class StockList:
    """A list: its name, the file it was read from, when, and how many items it has."""

    name: str
    source: str
    imported_at: int
    items: int


class Stock:
    """The lists and their items."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, name: str, items: Iterable[StockItem], *, source: str, now: int) -> int:
        """Make `items` the whole of the list, whatever was in it before; returns how many there are."""
        with self._database.transaction():
            self._database.change(
                """
                INSERT INTO stock_lists (name, source, imported_at) VALUES (?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET source = excluded.source, imported_at = excluded.imported_at
                """,
                (name, source, now),
            )
            self._database.change("DELETE FROM stock_items WHERE list_name = ?", (name,))
            self._database.change_each(
                "INSERT INTO stock_items (list_name, id, item) VALUES (?, ?, ?)",
                ((name, item.id, canonical.encode(item.wire())) for item in items),
            )
            row = self._database.row("SELECT count(*) FROM stock_items WHERE list_name = ?", (name,))
            return int(row[0]) if row else 0

    def lists(self) -> list[StockList]:
        """Every list, by name."""
        rows = self._database.rows(
            """
            SELECT name, source, imported_at, (SELECT count(*) FROM stock_items WHERE list_name = name)
            FROM stock_lists ORDER BY name
            """
        )
        return [StockList(*row) for row in rows]

    def items(self, name: str) -> list[StockItem]:
        """The items of a list, by id; none if there is no such list."""
        rows = self._database.rows("SELECT item FROM stock_items WHERE list_name = ? ORDER BY id", (name,))
        return [_item(row[0]) for row in rows]

    def item(self, name: str, item_id: str) -> StockItem | None:
        """One item of a list."""
        row = self._database.row("SELECT item FROM stock_items WHERE list_name = ? AND id = ?", (name, item_id))
        return _item(row[0]) if row else None

    def remove(self, name: str) -> bool:
        """Forget a list with its items; subscriptions go on without it.  False if there is none of that name."""
        return self._database.change("DELETE FROM stock_lists WHERE name = ?", (name,)) == 1


def _item(data: bytes) -> StockItem:
    return parse_item(canonical.decode(data, max_bytes=MAX_BODY_BYTES))
