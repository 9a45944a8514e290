"""Targets for what is read from files: settings, column maps, sheets of stock."""

from __future__ import annotations

import tempfile
from functools import cache, partial
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from authorities.settings import AddressingSettings, MessagingSettings
from byway.errors import SetupError
from byway.protocol import canonical
from byway.settings import RouterSettings, load_toml
from intentron.settings import IntentronSettings
from intentron.stock.column_map import ColumnMap, load_column_map
from intentron.stock.item import parse_item
from intentron.stock.sheet import read_sheet
from tests.fuzz.verdicts import Target, taken

EVERY_COLUMN: Final = Path(__file__).with_name("every_column.toml")
_CODES: Final = ("settings-unreadable", "settings-unknown-key", "settings-bad-value")
_MODELS: Final[tuple[type[BaseModel], ...]] = (
    RouterSettings,
    IntentronSettings,
    AddressingSettings,
    MessagingSettings,
)


def settings(data: bytes) -> None:
    """One file, for each program that might be given it."""
    path = _file()
    path.write_bytes(data)
    for model in _MODELS:
        _, code = taken(partial(load_toml, path, model), *_CODES, error=SetupError, brief=False)
        if code == "settings-unreadable":
            return  # for everybody


def column_map(data: bytes) -> None:
    """A seller's own map."""
    path = _file()
    path.write_bytes(data)
    taken(partial(load_column_map, path), *_CODES, error=SetupError, brief=False)


def sheet(data: bytes) -> None:
    """A seller's sheet, read with a map that has every type of column.  Reading raises nothing."""
    found = read_sheet(data, _map())
    lines = data.count(b"\n") + data.count(b"\r") + 1
    assert len(found.items) + len(found.problems) <= lines
    for problem in found.problems:
        assert 1 <= problem.line <= lines
        assert "Traceback" not in str(problem)
    for item in found.items:
        wire = canonical.decode(canonical.encode(item.wire()), max_bytes=1 << 20)
        assert isinstance(wire, dict)
        assert parse_item(wire) == item


@cache
def _map() -> ColumnMap:
    return load_column_map(EVERY_COLUMN)


@cache
def _file() -> Path:
    return Path(tempfile.mkdtemp(prefix="byway-fuzz-")) / "settings.toml"


TARGETS: Final[dict[str, Target]] = {
    "settings": settings,
    "column-map": column_map,
    "sheet": sheet,
}
