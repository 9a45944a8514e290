"""The SQL of subscriptions: what subscribers asked for, and where they stand.

Each row carries a check in its blob (byway.store.check): a CRC, because it has to be made for every cursor that moves.
Rows that are not what was written are dropped at start.  Their subscribers begin anew, from the oldest statement there
is: what they had is delivered again, and nothing is lost.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import apsw

from byway.errors import StoreError
from byway.store.check import with_check, without_check
from byway.store.sqlite.database import Database
from byway.store.store import MAX_ALSO_KEPT, CursorMove, SignedAcknowledgement, SubscriptionRow

JOURNAL: Final = 0  # there is one
MAX_ROWS: Final = 128  # of one statement: beyond it a longer one is hardly faster

Name: TypeAlias = tuple[bytes, str]
"""A subscription's key, and the name that it has there."""

_T = TypeVar("_T")
_RawName: TypeAlias = tuple[bytes, bytes]
_Stands: TypeAlias = tuple[int, int, tuple[int, ...]]

# The casts and types are for rows that have changed: a text that is not UTF-8, a number that has become one.
_ASKED: Final = """
    SELECT typeof(key) || typeof(sub) || typeof(pattern) || typeof(scope) || typeof(seen), CAST(key AS BLOB),
        CAST(sub AS BLOB), CAST(pattern AS BLOB), CAST(filter AS BLOB), CAST(scope AS BLOB),
        CAST(acknowledgement AS BLOB), CAST(seen AS INTEGER)
    FROM subscriptions
"""
_ASKED_TYPES: Final = "blobtexttexttextinteger"
_STANDS: Final = """
    SELECT typeof(key) || typeof(sub) || typeof(epoch) || typeof(through), CAST(key AS BLOB), CAST(sub AS BLOB),
        CAST(epoch AS INTEGER), CAST(through AS INTEGER), CAST(also AS BLOB) FROM cursors
"""
_STANDS_TYPES: Final = "blobtextintegerinteger"
_CHECKS: Final = {table: f"PRAGMA quick_check({table})" for table in ("subscriptions", "cursors")}
_SQL_OF: Final = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?"
_ASIDE: Final = "SELECT 'damaged_' || count(*) FROM sqlite_schema"
_PUT: Final = """
    INSERT INTO subscriptions (key, sub, pattern, filter, scope, acknowledgement, seen) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key, sub) DO UPDATE SET
        pattern = excluded.pattern, filter = excluded.filter, scope = excluded.scope, seen = excluded.seen,
        acknowledgement = coalesce(excluded.acknowledgement, acknowledgement)
"""
_PUT_CURSOR: Final = """
    INSERT INTO cursors (key, sub, epoch, through, also) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key, sub) DO UPDATE SET epoch = excluded.epoch, through = excluded.through, also = excluded.also
"""
_MOVED: Final = "(?, ?, ?, ?, ?)"
_MOVE: Final = """
    WITH moved (key, sub, epoch, through, also) AS (VALUES (?, ?, ?, ?, ?))
    UPDATE cursors SET through = moved.through, also = moved.also FROM moved
    WHERE cursors.key = moved.key AND cursors.sub = moved.sub
        AND cursors.epoch = moved.epoch AND cursors.through <= moved.through
"""


class Loaded(NamedTuple):
    """The subscriptions that are what was written, and the names of those that are not, as far as they can be read."""

    rows: list[SubscriptionRow]
    dropped: list[Name]


def load(database: Database) -> Loaded:
    """Every subscription.  What has changed, or has lost its other half, is dropped durably.  Raises `StoreError`."""
    damaged: set[_RawName] = set()
    stands = _sound(map(_stands, database.salvage(_STANDS)), damaged)
    asked = _sound((_asked(row, stands) for row in database.salvage(_ASKED)), damaged)
    is_whole = {table: list(database.salvage(check)) == [("ok",)] for table, check in _CHECKS.items()}
    damaged |= stands.keys() - asked.keys()
    rows = [row for name, row in asked.items() if name not in damaged]
    if damaged or not all(is_whole.values()):
        _mend(database, rows, is_whole)
    return Loaded(rows, [(key, sub.decode(errors="replace")) for key, sub in sorted(damaged)])


def exists(database: Database, key: bytes, sub: str) -> bool:
    """Whether there is a subscription with this name."""
    return bool(database.query("SELECT 1 FROM subscriptions WHERE key = ? AND sub = ?", key, sub))


def put(connection: apsw.Connection, row: SubscriptionRow) -> None:
    """Write a subscription and its cursor; a missing acknowledgement leaves the one that is there."""
    key, sub, pattern, selected, scope, epoch, through, also, acknowledgement, seen = row
    checked = check_subscription(selected, key, sub, pattern, scope, *_told(seen))
    signed = check_subscription(acknowledgement, key, sub)
    connection.execute(_PUT, (key, sub, pattern, checked, scope, signed, seen))
    connection.execute(_PUT_CURSOR, (key, sub, epoch, through, _pack(key, sub, epoch, through, also)))


def drop(connection: apsw.Connection, key: bytes, sub: str) -> None:
    """Delete a subscription and its cursor."""
    connection.execute("DELETE FROM subscriptions WHERE key = ? AND sub = ?", (key, sub))
    connection.execute("DELETE FROM cursors WHERE key = ? AND sub = ?", (key, sub))


def acknowledge(connection: apsw.Connection, acknowledgement: SignedAcknowledgement) -> None:
    """Keep the last signed acknowledgement of a subscription; nothing if there is no such subscription."""
    key, sub, data = acknowledgement
    connection.execute(
        "UPDATE subscriptions SET acknowledgement = ? WHERE key = ? AND sub = ?",
        (check_subscription(data, key, sub), key, sub),
    )


def move(connection: apsw.Connection, moves: Sequence[CursorMove]) -> None:
    """Move cursors forward within their epoch.  Of several moves of one subscription the furthest counts."""
    if any(row.journal != JOURNAL for row in moves):
        raise ValueError("this store has one journal")
    furthest = {(row.key, row.sub): row for row in sorted(moves, key=lambda row: (row.epoch, row.through))}
    rows = [
        (key, sub, epoch, through, _pack(key, sub, epoch, through, also))
        for key, sub, epoch, _, through, also in furthest.values()
    ]
    for at in range(0, len(rows), MAX_ROWS):
        part = rows[at : at + MAX_ROWS]
        size = 1 << (len(part) - 1).bit_length()
        part += part[-1:] * (size - len(part))  # twice is as good as once, and eight statements are soon prepared
        connection.execute(_move_sql(size), [value for row in part for value in row])


def check_subscription(blob: bytes | None, key: bytes, *texts: str) -> bytes | None:
    """A blob of a subscription with the check that belongs to it beside these other fields; a migration adds it too."""
    return None if blob is None else with_check(blob, _key(key, *[text.encode() for text in texts]))


def check_cursor(also: bytes, key: bytes, sub: str, epoch: int, through: int) -> bytes:
    """The blob of a cursor with its check."""
    return with_check(also, _place(key, sub.encode(), epoch, through))


@cache
def _move_sql(rows: int) -> str:
    return _MOVE.replace(_MOVED, ", ".join([_MOVED] * rows))


def _key(key: bytes, *texts: bytes) -> int:
    return zlib.crc32(b"\0".join(texts), zlib.crc32(key))


def _shared(text: bytes) -> str:
    """Names and patterns that many subscriptions have are in memory once."""
    return sys.intern(text.decode())


def _told(seen: int) -> tuple[str, ...]:
    """What the check of a subscription says of when it was seen: nothing where that is not known."""
    return (str(seen),) if seen else ()


def _place(key: bytes, sub: bytes, epoch: int, through: int) -> int:
    return zlib.crc32(b"%d %d %b" % (epoch, through, sub), zlib.crc32(key))


def _pack(key: bytes, sub: str, epoch: int, through: int, also: Sequence[int]) -> bytes:
    kept = sorted(also)[:MAX_ALSO_KEPT] if also else ()
    packed = struct.pack(f">{len(kept)}Q", *kept) if kept else b""
    return with_check(packed, _place(key, sub.encode(), epoch, through))


def _asked(row: Sequence[Any], stands: Mapping[_RawName, _Stands]) -> tuple[_RawName, SubscriptionRow | None]:
    types, key, sub, pattern, stored, scope, signed, seen = row
    if types != _ASKED_TYPES:
        return (key or b"", sub or b""), None
    selected = without_check(stored, _key(key, sub, pattern, scope, *[text.encode() for text in _told(seen)]))
    acknowledgement = None if signed is None else without_check(signed, _key(key, sub))
    stand = stands.get((key, sub))
    if selected is None or stand is None or (acknowledgement is None and signed is not None):
        return (key, sub), None
    epoch, through, also = stand
    return (key, sub), SubscriptionRow(
        key, _shared(sub), _shared(pattern), selected, _shared(scope), epoch, through, also, acknowledgement, seen
    )


def _stands(row: Sequence[Any]) -> tuple[_RawName, _Stands | None]:
    types, key, sub, epoch, through, stored = row
    if types != _STANDS_TYPES:
        return (key or b"", sub or b""), None
    also = without_check(stored, _place(key, sub, epoch, through))
    if also is None:
        return (key, sub), None
    return (key, sub), (epoch, through, struct.unpack_from(f">{len(also) // 8}Q", also) if also else ())


def _sound(rows: Iterable[tuple[_RawName, _T | None]], damaged: set[_RawName]) -> dict[_RawName, _T]:
    """The rows that are what was written.  A name that is there twice has changed, too."""
    sound: dict[_RawName, _T] = {}
    for name, what in rows:
        if what is None or name in sound:
            damaged.add(name)
        else:
            sound[name] = what
    return sound


def _mend(database: Database, rows: Sequence[SubscriptionRow], is_whole: Mapping[str, bool]) -> None:
    """Write both tables anew: a row that has changed may be in a place where nobody would find it to delete it.

    A table with a page that makes no sense is left alone, under another name.  Where there is no room, the next start
    does it.
    """

    def write(connection: apsw.Connection) -> None:
        for table, can_go in is_whole.items():
            sql = connection.execute(_SQL_OF, (table,)).get
            aside = connection.execute(_ASIDE).get
            connection.execute(f"DROP TABLE {table}" if can_go else f"ALTER TABLE {table} RENAME TO {aside}")
            connection.execute(sql)
        for row in rows:
            put(connection, row)

    try:
        database.transact(write)
    except StoreError as error:
        if error.code != "store-full":
            raise
