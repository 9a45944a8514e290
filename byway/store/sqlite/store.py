"""The SQLite store: `byway.store.store.Store` over one exclusive connection and the directory in memory.

A commit is one transaction that appends to three tables, flushed before it returns.  The bytes of a statement are
checked each time they are read, against their CRC and against the id in the directory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import apsw

from byway.errors import StoreError
from byway.protocol.statement import statement_id
from byway.store.directory import Calendar, Directory
from byway.store.leaves import Leaves
from byway.store.sqlite import journal
from byway.store.sqlite import subscriptions as table
from byway.store.sqlite.database import Database
from byway.store.sqlite.opening import open_connection
from byway.store.store import (
    CursorMove,
    Entry,
    LastCommit,
    Recovered,
    SignedAcknowledgement,
    StoredCommit,
    SubscriptionRow,
)

STORE_FILE: Final = "store.db"
RESERVE_BYTES: Final = 64 * 1024 * 1024
CHAIN_BYTES: Final = 16
STRETCH: Final = 64  # statements: enough to make a start fast, and few enough to look through at each sweep
FEW_STRETCHES: Final = 4  # below it there is little to gain by joining them

_META: Final = "SELECT name, value FROM meta"


def open_store(
    folder: Path,
    *,
    node_key: bytes,
    random: Callable[[int], bytes],
    reserve_bytes: int = RESERVE_BYTES,
    vfs: str | None = None,
) -> SqliteStore:
    """Open the store in `folder`, or make one, for the node whose first key is `node_key`.

    `random` gives the bytes that name a new chain.  Statements are refused with `store-full` while the disk has less
    than `reserve_bytes` free.  `vfs` names the file system of SQLite to use.  Raises `StoreError`: `store-locked` if
    another process has it, `store-damaged` if it is another node's, another program's or a newer version's.
    """
    path = folder / STORE_FILE
    database = Database(open_connection(path, vfs=vfs))
    try:
        chain = _chain(database, node_key, random)
    except StoreError:
        database.close()
        raise
    return SqliteStore(database, folder, chain=chain, reserve_bytes=reserve_bytes)


class SqliteStore:
    """See `byway.store.store.Store`; `open_store` makes one."""

    durable = "sqlite-wal-full"

    def __init__(self, database: Database, folder: Path, *, chain: bytes, reserve_bytes: int) -> None:
        self._database = database
        self._folder = folder
        self._chain = chain
        self._reserve_bytes = reserve_bytes
        self._directory = Directory()
        self._calendar = Calendar()
        self._next_sequence = 0  # unknown until `recover`
        self._commits = 0
        self._loose_from = 0  # the stretches of small commits from here on have not been joined
        self._loose = 0
        self._recovered_at = 0
        self._damaged: set[int] = set()

    @property
    def damaged(self) -> frozenset[int]:
        return frozenset(self._damaged)

    def recover(self, now: int) -> Recovered:
        self._recovered_at = now
        statements = 0
        for first, leaves, until in self._stretches():
            if offsets := leaves.expiring_after(until):
                self._directory.add(first, leaves, offsets)
                self._calendar.put(first, leaves.soonest(offsets))
            statements += len(leaves.expiring_after(max(until, now)))
        last = journal.last_commit(self._database)
        self._next_sequence = self._loose_from = last.first + last.count if last else 1
        self._commits = last.number if last else 0
        return Recovered(self._chain, last, self._next_sequence, table.load(self._database), statements)

    def commit(
        self,
        entries: Sequence[Entry],
        *,
        first: int,
        head: bytes,
        frontier: bytes,
        moves: Sequence[CursorMove] = (),
        subscriptions: Sequence[SubscriptionRow] = (),
        dropped: Sequence[tuple[bytes, str]] = (),
        acknowledgements: Sequence[SignedAcknowledgement] = (),
    ) -> None:
        leaves = Leaves.of(entries)
        joined: list[tuple[int, Leaves]] = []
        commit = LastCommit(self._commits + 1, first, len(entries), head, frontier)
        if entries:
            if first != self._next_sequence:
                raise ValueError(f"the next sequence is {self._next_sequence}, not {first}")
            self._check_space()

        def write(connection: apsw.Connection) -> None:
            if entries:
                journal.append(connection, commit, entries, leaves)
                if self._loose + 1 >= FEW_STRETCHES and first + len(entries) - self._loose_from >= STRETCH:
                    joined.extend(journal.join(connection, self._loose_from))
            for key, sub in dropped:
                table.drop(connection, key, sub)
            for row in subscriptions:
                table.put(connection, row)
            table.move(connection, moves)
            for acknowledgement in acknowledgements:
                table.acknowledge(connection, acknowledgement)

        self._database.transact(write)
        if entries:
            self._commits += 1
            self._next_sequence += len(entries)
            self._directory.add(first, leaves, range(len(entries)))
            for beginning, stretch in [(first, leaves), *joined]:
                self._calendar.put(beginning, min(stretch.expires))
            self._loose += 1
            if self._next_sequence - self._loose_from >= STRETCH:
                self._loose_from, self._loose = self._next_sequence, 0

    def find(self, wanted: bytes) -> int | None:
        for sequence, data in self.read(self._directory.candidates(wanted)):
            if statement_id(data) == wanted:
                return sequence
        return None

    def read(self, sequences: Sequence[int]) -> list[tuple[int, bytes]]:
        sound = []
        for sequence, data in journal.read(self._database, sequences):
            if data is not None and self._directory.holds(sequence, statement_id(data)):
                sound.append((sequence, data))
            else:
                self._damaged.add(sequence)
        return sound

    def commit_of(self, sequence: int) -> StoredCommit:
        commit = journal.commit_of(self._database, sequence)
        if commit is None:
            raise LookupError(f"no commit holds statement {sequence}")
        return commit

    def sequences(self, addresses: Iterable[str], after: int, limit: int) -> list[int]:
        return self._directory.sequences(addresses, after, limit)

    def addresses(self) -> Iterable[str]:
        return self._directory.addresses()

    def kinds(self, kinds: frozenset[int]) -> Iterator[tuple[int, bytes]]:
        for first, leaves, until in self._stretches():
            if not kinds.isdisjoint(leaves.kinds):
                current = leaves.expiring_after(max(until, self._recovered_at))
                yield from self.read([first + offset for offset in current if leaves.kinds[offset] in kinds])

    def put_subscription(self, row: SubscriptionRow) -> None:
        self._database.transact(lambda connection: table.put(connection, row))

    def drop_subscription(self, key: bytes, sub: str) -> None:
        self._database.transact(lambda connection: table.drop(connection, key, sub))

    def sweep(self, now: int, rows: int) -> int:
        self._database.check()
        due = self._due(now, rows)
        if not due:
            return 0
        try:
            self._database.transact(lambda connection: journal.delete(connection, due, now))
        except StoreError:
            for stretch in due:
                self._calendar.put(stretch.first, now)
            raise
        for stretch in due:
            self._directory.remove(stretch.first, stretch.leaves, stretch.gone)
            if stretch.left:
                self._calendar.put(stretch.first, stretch.leaves.soonest(stretch.left))
        return sum(len(stretch.gone) for stretch in due)

    def close(self) -> None:
        self._database.close()

    def _stretches(self) -> Iterator[tuple[int, Leaves, int]]:
        """First sequence, leaves and how far they are swept, of each stretch that has statements left.

        Without its leaves a stretch cannot be found again: all of it counts as damaged.
        """
        for first, size, leaves, until in journal.held(self._database):
            if leaves is None:
                self._damaged.update(range(first, first + size))
            else:
                yield first, leaves, until

    def _due(self, now: int, rows: int) -> Sequence[journal.Due]:
        """What is to be swept.  A stretch that others were joined to stands in the calendar more than once."""
        due: dict[int, journal.Due] = {}
        expired = 0
        while expired < rows and (first := self._calendar.take(now)) is not None:
            held = None if first in due else journal.held_at(self._database, first)
            if held is None or held.leaves is None:
                continue
            gone = [offset for offset, expires in enumerate(held.leaves.expires) if held.until < expires <= now]
            if gone:
                due[first] = journal.Due(first, held.leaves, gone, held.leaves.expiring_after(max(held.until, now)))
                expired += len(gone)
        return list(due.values())

    def _check_space(self) -> None:
        try:
            disk = os.statvfs(self._folder)
        except OSError as error:
            failure = StoreError(f"the disk of the store does not say how much is free: {error.strerror}")
            self._database.stop(failure)
            raise failure from error
        if disk.f_bavail * disk.f_frsize < self._reserve_bytes:
            raise StoreError(
                "the disk of the store has only what it needs to keep its promises",
                code="store-full",
                next_step=f"free some space: df -h {self._folder}",
            )


def _chain(database: Database, node_key: bytes, random: Callable[[int], bytes]) -> bytes:
    """The name of the chain.  A new store gets one, and belongs to `node_key` from then on."""
    meta: dict[str, bytes] = dict(database.query(_META))
    if not meta:
        meta = {"node": node_key, "chain": random(CHAIN_BYTES)}

        def write(connection: apsw.Connection) -> None:
            for name, value in meta.items():
                connection.execute("INSERT INTO meta (name, value) VALUES (?, ?)", (name, value))

        database.transact(write)
    if meta.keys() != {"node", "chain"}:
        raise StoreError(
            "the store does not say whose it is", code="store-damaged", next_step="restore the last backup"
        )
    if meta["node"] != node_key:
        raise StoreError(
            "the store belongs to another node",
            code="store-damaged",
            next_step="use the key that the store was made with, or give this node a data folder of its own",
        )
    return meta["chain"]
