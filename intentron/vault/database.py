"""The file of the vault: one connection, opened as carefully as a router's store, and transactions that nest.

After an I/O error nobody knows what is on the disk: what can be read can still be read, but nothing more is written.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from byway.errors import StoreError
from byway.store.sqlite.database import CHECKPOINT_PAGES
from byway.store.sqlite.faults import store_error
from byway.store.sqlite.opening import open_connection
from byway.store.sqlite.schema import Schema

CALLED: Final = "the vault"
SCHEMA: Final = Schema("intentron.vault", int.from_bytes(b"IBva"))

_PASSING: Final = frozenset({"store-full", "store-locked"})  # after these the next write may succeed

Row = tuple[Any, ...]


class Database:
    """One exclusive connection.  A statement alone is a transaction; `transaction` makes one of several."""

    def __init__(self, connection: apsw.Connection, path: Path, called: str = CALLED) -> None:
        self.path = path
        self._called = f"{called} {path}"
        self._connection = connection
        self._failure: StoreError | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside are made together, or, if an exception leaves the block, none of them.  They nest."""
        with self._writing(), self._connection:
            yield

    def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement; returns how many rows it changed."""
        with self._writing():
            self._connection.execute(sql, values)
            return self._connection.changes()

    def change_each(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """Run one statement with each of many sets of values."""
        with self._writing():
            self._connection.executemany(sql, values)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except apsw.Error as error:
            raise _about(self._called, store_error(error)) from error

    def row(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The only row, or None."""
        rows = self.rows(sql, values)
        return rows[0] if rows else None

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """SQLite's errors come out as `StoreError`; broken constraints, which are our own mistakes, go through."""
        if self._failure:
            raise StoreError(
                f"{self._called} takes nothing more until the intentron is started again",
                next_step=self._failure.next_step,
            ) from self._failure
        try:
            yield
        except apsw.ConstraintError:
            raise
        except apsw.Error as error:
            fault = _about(self._called, store_error(error))
            if fault.code not in _PASSING:
                self._failure = fault
            raise fault from error


def open_database(path: Path, *, schema: Schema = SCHEMA, called: str = CALLED) -> Database:
    """Open the database at `path`, which is made if it is not there, with its folder, for its owner alone.

    Raises `StoreError`: `store-locked` if a process has it open, `store-damaged` if it is something else or newer than
    this program, `store-full`, `store-failed`.
    """
    try:
        connection = open_connection(path, schema=schema)
    except StoreError as error:
        raise _about(f"{called} {path}", error) from error
    connection.pragma("foreign_keys", 1)
    connection.wal_autocheckpoint(CHECKPOINT_PAGES)
    return Database(connection, path, called)


def among(states: Sequence[enum.StrEnum]) -> tuple[str, tuple[str, ...]]:
    """The WHERE clause, and its values, for being in one of `states`; no states, no clause."""
    if not states:
        return "", ()
    return f"WHERE state IN ({', '.join('?' * len(states))})", tuple(states)


def _about(called: str, error: StoreError) -> StoreError:
    """The same in the words of the person whose file it is."""
    if error.code == "store-locked":
        return StoreError(
            f"another process has {called} open",
            code=error.code,
            next_step="an intentron already runs for this folder: use it, or stop it first",
        )
    return StoreError(f"{called}: {error}", code=error.code, next_step=error.next_step)
