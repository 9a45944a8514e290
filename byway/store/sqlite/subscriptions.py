"""The SQL of subscriptions: what subscribers asked for, and where they stand."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import Final

import apsw

from byway.errors import StoreError
from byway.store.sqlite.database import Database
from byway.store.store import MAX_ALSO_KEPT, CursorMove, SignedAcknowledgement, SubscriptionRow

JOURNAL: Final = 0  # there is one
MAX_ROWS: Final = 128  # of one statement: beyond it a longer one is hardly faster

_LOAD: Final = """
    SELECT key, sub, pattern, filter, scope, epoch, through, also, acknowledgement
    FROM subscriptions JOIN cursors USING (key, sub) ORDER BY key, sub
"""
_PUT: Final = """
    INSERT INTO subscriptions (key, sub, pattern, filter, scope, acknowledgement) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (key, sub) DO UPDATE SET
        pattern = excluded.pattern, filter = excluded.filter, scope = excluded.scope,
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


def load(database: Database) -> list[SubscriptionRow]:
    """Every subscription.  Raises `store-damaged` if one has lost a field."""
    rows = database.query(_LOAD)
    if any(None in row[:-1] or not isinstance(row[-2], bytes) for row in rows):
        raise StoreError(
            "a subscription is not what was written", code="store-damaged", next_step="restore the last backup"
        )
    return [
        SubscriptionRow(key, sub, pattern, selected, scope, epoch, through, _unpack(also), acknowledgement)
        for key, sub, pattern, selected, scope, epoch, through, also, acknowledgement in rows
    ]


def exists(database: Database, key: bytes, sub: str) -> bool:
    """Whether there is a subscription with this name."""
    return bool(database.query("SELECT 1 FROM subscriptions WHERE key = ? AND sub = ?", key, sub))


def put(connection: apsw.Connection, row: SubscriptionRow) -> None:
    """Write a subscription and its cursor; a missing acknowledgement leaves the one that is there."""
    connection.execute(_PUT, (row.key, row.sub, row.pattern, row.filter, row.scope, row.acknowledgement))
    connection.execute(_PUT_CURSOR, (row.key, row.sub, row.epoch, row.through, _pack(row.also)))


def drop(connection: apsw.Connection, key: bytes, sub: str) -> None:
    """Delete a subscription and its cursor."""
    connection.execute("DELETE FROM subscriptions WHERE key = ? AND sub = ?", (key, sub))
    connection.execute("DELETE FROM cursors WHERE key = ? AND sub = ?", (key, sub))


def acknowledge(connection: apsw.Connection, acknowledgement: SignedAcknowledgement) -> None:
    """Keep the last signed acknowledgement of a subscription; nothing if there is no such subscription."""
    connection.execute(
        "UPDATE subscriptions SET acknowledgement = ? WHERE key = ? AND sub = ?",
        (acknowledgement.data, acknowledgement.key, acknowledgement.sub),
    )


def move(connection: apsw.Connection, moves: Sequence[CursorMove]) -> None:
    """Move cursors forward within their epoch.  Of several moves of one subscription the furthest counts."""
    if any(row.journal != JOURNAL for row in moves):
        raise ValueError("this store has one journal")
    furthest = {(row.key, row.sub): row for row in sorted(moves, key=lambda row: (row.epoch, row.through))}
    rows = list(furthest.values())
    for at in range(0, len(rows), MAX_ROWS):
        part = rows[at : at + MAX_ROWS]
        size = 1 << (len(part) - 1).bit_length()
        part += part[-1:] * (size - len(part))  # twice is as good as once, and eight statements are soon prepared
        connection.execute(
            _move_sql(size),
            [value for row in part for value in (row.key, row.sub, row.epoch, row.through, _pack(row.also))],
        )


@cache
def _move_sql(rows: int) -> str:
    return _MOVE.replace(_MOVED, ", ".join([_MOVED] * rows))


def _pack(also: Sequence[int]) -> bytes:
    kept = sorted(also)[:MAX_ALSO_KEPT]
    return struct.pack(f">{len(kept)}Q", *kept)


def _unpack(also: bytes) -> tuple[int, ...]:
    return struct.unpack_from(f">{len(also) // 8}Q", also)
