"""Targets for the files of people: settings, keys, wishes, column maps, sheets of stock."""

from __future__ import annotations

import tempfile
from functools import cache, partial
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from authorities.settings import AddressingSettings, MessagingSettings
from byway.errors import SetupError
from byway.key_file import load_key
from byway.protocol import canonical
from byway.protocol.urn import to_base32
from byway.settings import RouterSettings, load_toml
from intentron.cli.wish_file import read_wish
from intentron.facet_text import facets_from_values
from intentron.keys import KEY_FILE, Keys, load_keys
from intentron.settings import SETTINGS_FILE, load_settings
from intentron.stock.column_map import ColumnMap, load_column_map
from intentron.stock.item import parse_item
from intentron.stock.sheet import load_sheet
from tests.fuzz.verdicts import Target, taken

EVERY_COLUMN: Final = Path(__file__).with_name("every_column.toml")
_CODES: Final = ("settings-unreadable", "settings-unknown-key", "settings-bad-value")
_MODELS: Final[tuple[type[BaseModel], ...]] = (
    RouterSettings,
    AddressingSettings,
    MessagingSettings,
)


def settings(data: bytes) -> None:
    """One file, for each program that might be given it."""
    path = _folder() / SETTINGS_FILE
    path.write_bytes(data)
    taken(partial(load_settings, path.parent), *_CODES, error=SetupError, brief=False)
    for model in _MODELS:
        _, code = taken(partial(load_toml, path, model), *_CODES, error=SetupError, brief=False)
        if code == "settings-unreadable":
            return  # for everybody


def key_file(data: bytes) -> None:
    """The file of a node, and of a person, whose keys are all made from it."""
    path = _folder() / KEY_FILE
    path.touch(mode=0o600)
    path.write_bytes(data)
    found, refused = taken(partial(load_key, path), "key-damaged", error=SetupError, brief=False)
    keys, also = taken(partial(load_keys, path.parent), "key-damaged", error=SetupError, brief=False)
    assert also == refused
    if found is not None:
        assert to_base32(found).encode() in data
        assert keys == Keys(found)


def wish_file(data: bytes) -> None:
    """A wish, in JSON if it looks so, else in TOML."""
    path = _folder() / ("wish.json" if data.lstrip()[:1] == b"{" else "wish.toml")
    path.write_bytes(data)
    wish, _ = taken(partial(read_wish, path), *_CODES, "bad-request", error=SetupError, brief=False)
    if wish is not None:
        taken(partial(facets_from_values, wish["facets"]), "bad-facet", brief=False)
        taken(partial(canonical.encode, wish["demand"]), "not-canonical", "too-deep", "too-large", brief=False)


def column_map(data: bytes) -> None:
    """A seller's own map."""
    path = _folder() / "map.toml"
    path.write_bytes(data)
    taken(partial(load_column_map, path), *_CODES, error=SetupError, brief=False)


def sheet(data: bytes) -> None:
    """A seller's sheet, read with a map that has every type of column.  Reading raises nothing."""
    path = _folder() / "stock.csv"
    path.write_bytes(data)
    found = load_sheet(path, _map())
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
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="byway-fuzz-"))


TARGETS: Final[dict[str, Target]] = {
    "settings": settings,
    "key-file": key_file,
    "wish-file": wish_file,
    "column-map": column_map,
    "sheet": sheet,
}
