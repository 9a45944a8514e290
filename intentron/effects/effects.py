"""What was handled, and what is being handled now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final

import trio

from byway.errors import StoreError
from byway.protocol.statement import Statement
from byway.store.sqlite.schema import Schema
from intentron.vault.database import Database, open_database

SCHEMA: Final = Schema("intentron.effects", int.from_bytes(b"IBef"))

_TIDY_AT: Final = 1024


class Effects:
    """What was handled, in memory and, where there is one, in a database."""

    def __init__(self, now_ms: Callable[[], int], database: Database | None = None) -> None:
        self._now_ms = now_ms
        self._database = database
        self._one_at_a_time = trio.CapacityLimiter(1)
        self._under_way: dict[bytes, trio.Event] = {}
        rows = database.rows("SELECT digest, expires FROM handled") if database else ()
        self._handled: dict[bytes, int] = dict(rows)
        self._tidy_at = 0

    async def begin(self, scope: bytes, statement: Statement) -> bool:
        """Whether to handle a statement now; if it is being handled elsewhere, wait for what becomes of it.

        After True either `finish` or `abandon` has to follow.  Cancelling it is safe.
        """
        digest = _digest(scope, statement)
        while digest not in self._handled:
            if digest not in self._under_way:
                self._under_way[digest] = trio.Event()
                return True
            await self._under_way[digest].wait()
        return False

    async def finish(self, scope: bytes, statement: Statement) -> None:
        """It was handled, and never has to be again: durably, with a file, when this returns.

        Cancelling it waits until that is so.  Raises `StoreError`, and then nobody knows.
        """
        digest = _digest(scope, statement)
        if self._database is not None:
            await trio.to_thread.run_sync(
                self._keep, self._database, digest, statement.expires, limiter=self._one_at_a_time
            )
        self._handled[digest] = statement.expires
        if len(self._handled) > self._tidy_at:
            now = self._now_ms()
            self._handled = {kept: expires for kept, expires in self._handled.items() if expires > now}
            self._tidy_at = _TIDY_AT + 2 * len(self._handled)
        self.abandon(scope, statement)

    def abandon(self, scope: bytes, statement: Statement) -> None:
        """It is not being handled here any more; whoever waits for it may."""
        waiting = self._under_way.pop(_digest(scope, statement), None)
        if waiting is not None:
            waiting.set()

    def _keep(self, database: Database, digest: bytes, expires: int) -> None:
        with database.transaction():
            if len(self._handled) >= self._tidy_at:
                database.change("DELETE FROM handled WHERE expires <= ?", (self._now_ms(),))
            database.change("INSERT OR IGNORE INTO handled (digest, expires) VALUES (?, ?)", (digest, expires))


@contextmanager
def open_effects(now_ms: Callable[[], int], file: Path | None) -> Iterator[Effects]:
    """What was handled, as `file` knows it; without one, nothing yet, and nothing is kept.

    Raises `StoreError`: `store-locked` if a process has the file open, `store-damaged`, `store-full`, `store-failed`.
    """
    if file is None:
        yield Effects(now_ms)
        return
    try:
        database = open_database(file, schema=SCHEMA, called="the file of what was handled,")
    except StoreError as error:
        if error.code != "store-locked":
            raise
        raise StoreError(
            str(error), code=error.code, next_step="give each program a file of its own, or stop the other one"
        ) from error
    try:
        yield Effects(now_ms, database)
    finally:
        database.close()


def scope_of(key: bytes, sub: str) -> bytes:
    """What one subscription of one key (32 bytes) is known by."""
    return key + sub.encode()


def _digest(scope: bytes, statement: Statement) -> bytes:
    return blake2b(scope + statement.id, digest_size=32, person=b"ib/effects").digest()
