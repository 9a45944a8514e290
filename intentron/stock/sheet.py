"""A seller's stock as it comes out of a spreadsheet: CSV in, items and problems out.

No sheet stops an import: what a row says wrongly is a `Problem` with its line, and the row is
skipped.  What a row does not say is an absent facet, which means unknown, never false.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from byway.errors import SetupError, StatementError
from byway.protocol.facets import Facet, Text
from byway.protocol.limits import MAX_TEXT_BYTES
from intentron.stock.cells import BadCell, Row
from intentron.stock.column_map import ColumnMap
from intentron.stock.item import StockItem
from intentron.stock.rows import Problem, read_rows
from intentron.stock.template import fill

__all__ = ["Problem", "Sheet", "load_sheet", "read_sheet"]

MAX_SHEET_BYTES: Final = 16 * 1024 * 1024  # 150,000 homes; all of it is read into memory


@dataclass(frozen=True, slots=True)
class Sheet:
    """What could be read, in the order of the file, and what could not."""

    items: tuple[StockItem, ...]
    problems: tuple[Problem, ...]

    def by_seller(self) -> dict[str, tuple[StockItem, ...]]:
        """The items of each seller, sellers in alphabetical order; `""` has those whose seller is unknown."""
        sellers: dict[str, list[StockItem]] = {}
        for item in self.items:
            sellers.setdefault(item.seller, []).append(item)
        return {seller: tuple(sellers[seller]) for seller in sorted(sellers)}


def load_sheet(path: Path, column_map: ColumnMap) -> Sheet:
    """The sheet in the file at `path`.  Raises `SetupError` if there is no such file, or it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SHEET_BYTES + 1)
    except OSError as error:
        raise SetupError(
            f"{path} cannot be read: {error.strerror}",
            code="data-unreadable",
            next_step=f"ls -ld {shlex.quote(str(path))}",
        ) from None
    return read_sheet(data, column_map)


def read_sheet(data: bytes, column_map: ColumnMap) -> Sheet:
    """What the bytes of a whole CSV file hold.  It raises nothing: whatever is wrong is a problem of the sheet."""
    if len(data) > MAX_SHEET_BYTES:
        return Sheet((), (Problem(1, f"the file is over {MAX_SHEET_BYTES >> 20} MB; split it"),))
    items: dict[str, StockItem] = {}
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    for found in read_rows(data, column_map.columns):
        if isinstance(found, Problem):
            problems.append(found)
            continue
        line, cells = found
        try:
            item = _item(Row(cells, column_map.unknown), column_map)
        except BadCell as bad:
            problems.append(Problem(line, str(bad)))
            continue
        if item.id in items:
            problems.append(Problem(line, f"{column_map.id} {item.id} was in line {lines[item.id]} already"))
            continue
        items[item.id], lines[item.id] = item, line
    return Sheet(tuple(items.values()), tuple(problems))


def _item(row: Row, column_map: ColumnMap) -> StockItem:
    item_id = row.text(column_map.id)
    if item_id is None:
        raise BadCell(f"{column_map.id} is empty, and it has to name the item")
    name = fill(column_map.name, row.text)
    facets = _facets(row, column_map)
    return StockItem(
        id=_short(column_map.id, item_id),
        name=_short("the name", name or item_id),
        facets=facets,
        seller=_seller(facets, column_map.split),
        price_label=_short("price_label", fill(column_map.price_label, row.text)),
    )


def _facets(row: Row, column_map: ColumnMap) -> dict[str, Facet]:
    facets: dict[str, Facet] = {}
    for name, columns in column_map.facets.items():
        try:
            facet = columns.facet(row)
        except StatementError as error:
            raise BadCell(f"{', '.join(columns.columns)}: {error}") from None
        if facet is not None:
            facets[name] = facet
    return facets | column_map.flags.facets(row) | column_map.fixed


def _seller(facets: Mapping[str, Facet], split: tuple[str, ...]) -> str:
    known = (facets.get(name) for name in split)
    return next((facet.text for facet in known if isinstance(facet, Text)), "")


def _short(what: str, text: str) -> str:
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise BadCell(f"{what} has more than {MAX_TEXT_BYTES} bytes")
    return text
