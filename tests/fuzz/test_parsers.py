"""Every function that reads bytes or text from outside or from a disk has a target, or a stated reason why not."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import pytest

from tests.fuzz.inputs import seeds
from tests.fuzz.targets import TARGETS

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("byway", "authorities", "intentron")
NAMES: Final = re.compile(r"(parse|load|read|decode|from)(_|\Z)|[a-z]\w*_from_")

PARSERS: Final = {
    "byway.key_file.load_key": "key-file",
    "byway.node_address.parse_node_address": "address",
    "byway.protocol.address.parse_address": "address",
    "byway.protocol.address.parse_listen_address": "address",
    "byway.protocol.body.Body.from_statement": "body-cast",
    "byway.protocol.body.Body.from_wire": "body-cast",
    "byway.protocol.calendar_text.parse_day": "number",
    "byway.protocol.calendar_text.parse_instant": "number",
    "byway.protocol.canonical.decode": "canonical",
    "byway.protocol.currencies.parse_amount": "price",
    "byway.protocol.decimals.parse_decimal": "number",
    "byway.protocol.decimals.parse_units": "number",
    "byway.protocol.decimals.read_decimal": "facet",
    "byway.protocol.degrees.parse_degrees": "number",
    "byway.protocol.facets.parse_facet": "facet",
    "byway.protocol.facets.parse_facets": "body-cast",
    "byway.protocol.fields.from_wire": "frames",
    "byway.protocol.filter.parse_expression": "filter",
    "byway.protocol.filter.parse_filter": "filter",
    "byway.protocol.filter_text.parse_filter_text": "filter-text",
    "byway.protocol.merkle.Frontier.from_bytes": "frontier",
    "byway.protocol.merkle.root_from_path": "receipt",
    "byway.protocol.receipt.Receipt.from_bytes": "receipt",
    "byway.protocol.record.Record.from_statement": "body-record",
    "byway.protocol.statement.parse_statement": "statement",
    "byway.protocol.topic.Topic.parse": "urn",
    "byway.protocol.topic.TopicPattern.parse": "pattern",
    "byway.protocol.urn.from_base32": "urn",
    "byway.protocol.urn.parse_urn": "urn",
    "byway.settings.load_toml": "settings",
    "byway.store.leaves.Leaves.from_bytes": "leaves",
    "byway.store.sqlite.meta.load_meta": "meta",
    "byway.topic_text.parse_pattern_text": "topic-text",
    "byway.topic_text.parse_topic_text": "topic-text",
    "intentron.api.requests.parse_body": "request",
    "intentron.api.requests.parse_query": "query",
    "intentron.api.requests.parse_sheet": "sheet-request",
    "intentron.cli.price.read_price": "price",
    "intentron.cli.wish_file.read_wish": "wish-file",
    "intentron.facet_text.facet_from_value": "wish-file",
    "intentron.facet_text.facets_from_values": "wish-file",
    "intentron.facet_text.parse_facet_text": "facet-text",
    "intentron.facet_text.parse_value_text": "facet-text",
    "intentron.keys.load_keys": "key-file",
    "intentron.settings.load_settings": "settings",
    "intentron.stock.column_map.load_column_map": "column-map",
    "intentron.stock.item.parse_item": "item",
    "intentron.stock.rows.read_rows": "sheet",
    "intentron.stock.sheet.load_sheet": "sheet",
    "intentron.stock.sheet.read_sheet": "sheet",
}
REASONS: Final = {
    "byway.cli.run.load_node": "it is load_toml and load_key, one after the other",
    "byway.store.sqlite.journal.read": "rows behind a check: test_store_damage.py changes any byte of their file",
    "byway.store.sqlite.subscriptions.load": "rows behind a check: test_subscription_damage.py changes each of them",
}


def test_every_parser_has_a_target_or_a_reason() -> None:
    found = {name for package in PACKAGES for path in (ROOT / package).rglob("*.py") for name in _parsers(path)}

    assert found - PARSERS.keys() - REASONS.keys() == set(), "write a target in tests/fuzz, or say why there is none"
    assert (PARSERS.keys() | REASONS.keys()) - found == set(), "these are gone"
    assert PARSERS.keys() & REASONS.keys() == set()
    assert set(PARSERS.values()) <= set(TARGETS)


def test_a_parser_is_found_by_its_name() -> None:
    names = ("parse_urn", "load", "from_bytes", "facet_from_value", "read_rows", "decode")

    assert all(NAMES.match(name) for name in names)
    assert not any(NAMES.match(name) for name in ("ready", "_parse", "loaded", "taken_from", "encode", "reading"))


@pytest.mark.parametrize("target", sorted(set(PARSERS.values())))
def test_a_target_reaches_its_parsers(target: str) -> None:
    """With the inputs that it begins with: a target that never calls a parser proves nothing about it."""
    wanted = {name: _code(name) for name, reached_by in PARSERS.items() if reached_by == target}

    called = _called(target)

    assert [name for name, code in wanted.items() if code not in called] == []


def _parsers(path: Path) -> Iterator[str]:
    """The functions and class methods of a module that are named as parsers are."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and NAMES.match(node.name):
            yield f"{module}.{node.name}"
        if isinstance(node, ast.ClassDef):
            parts = [part for part in node.body if isinstance(part, ast.FunctionDef) and NAMES.match(part.name)]
            yield from (f"{module}.{node.name}.{part.name}" for part in parts if not _is_asked_of_an_object(part))


def _is_asked_of_an_object(method: ast.FunctionDef) -> bool:
    return bool(method.args.args) and method.args.args[0].arg == "self"


def _code(name: str) -> CodeType:
    """The code of a function, which is not remembered from a call before."""
    parts = name.split(".")
    at = next(at for at, part in enumerate(parts) if part[0].isupper() or at == len(parts) - 1)
    found: Any = importlib.import_module(".".join(parts[:at]))
    for part in parts[at:]:
        found = getattr(found, part)
    found = getattr(found, "__func__", found)
    if hasattr(found, "cache_clear"):
        found.cache_clear()
    code: CodeType = inspect.unwrap(found).__code__
    return code


def _called(target: str) -> set[CodeType]:
    """All code that runs while a target is given its first inputs."""
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        for data in seeds(target):
            TARGETS[target](data)
    finally:
        sys.setprofile(before)
    return called
