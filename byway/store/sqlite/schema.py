"""Brings a database to the version that this program knows, one numbered file and one transaction at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import apsw

from byway.errors import StoreError
from byway.store.sqlite.subscriptions import check_cursor, check_subscription

APPLICATION_ID: Final = int.from_bytes(b"bywy")  # what `file` and `sqlite3` can tell a store of the byway by


class Schema(NamedTuple):
    """Which kind of database: the package whose folder `schema` has the SQL, and the id that its files carry."""

    package: str
    application_id: int
    functions: Mapping[str, Callable[..., Any]] = MappingProxyType({})
    """What the SQL may call beyond what SQLite has."""


STORE: Final = Schema(
    "byway.store",
    APPLICATION_ID,
    MappingProxyType({"check_subscription": check_subscription, "check_cursor": check_cursor}),
)


def migrations(schema: Schema = STORE) -> list[str]:
    """The SQL of the schema's folder, in order: the first makes version 1 of nothing."""
    folder = files(schema.package).joinpath("schema")
    scripts = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return [script.read_text("utf-8") for script in scripts]


def version_of(connection: apsw.Connection, schema: Schema = STORE) -> int:
    """The version of the database, 0 for an empty one.

    Reads only.  Raises `StoreError` (`store-damaged`) if it belongs to another program, or is newer than this one.
    """
    application: int = connection.pragma("application_id")
    version: int = connection.pragma("user_version")
    empty = not connection.execute("SELECT count(*) FROM sqlite_schema").get
    if application != schema.application_id and not (empty and application == 0):
        raise StoreError(
            "the file is a database of another program",
            code="store-damaged",
            next_step="give this node a data folder of its own",
        )
    known = len(migrations(schema))
    if version > known:
        raise StoreError(
            f"the store has version {version}, and this program knows versions up to {known}",
            code="store-damaged",
            next_step="install the newer version of intention-byway that wrote it",
        )
    return version


def migrate(connection: apsw.Connection, version: int, schema: Schema = STORE) -> None:
    """Apply every migration beyond `version`.  A crash leaves the old version or the new, nothing between."""
    scripts = migrations(schema)[version:]
    for name, function in schema.functions.items() if scripts else ():
        connection.create_scalar_function(name, function)
    for number, script in enumerate(scripts, version + 1):
        with connection:
            connection.execute(script)
            connection.pragma("application_id", schema.application_id)
            connection.pragma("user_version", number)
