"""The SQLite store: `byway.store.store.Store` over one exclusive connection.

A commit is one transaction that appends to three tables, flushed before it returns.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import apsw

from byway.clock import UNKNOWN_UPTIME, Uptime
from byway.errors import StoreError
from byway.store.custody import Custody
from byway.store.high_water import HIGH_WATER_FILE, HighWaterFile, Mark
from byway.store.leaves import Leaves
from byway.store.sqlite import journal
from byway.store.sqlite import subscriptions as table
from byway.store.sqlite.database import Database
from byway.store.sqlite.meta import Meta, load_meta, put_chain
from byway.store.sqlite.opening import open_connection
from byway.store.sqlite.statements import Statements
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
SKIPPED: Final = 1 << 40  # between two chains: no node gives out as many sequences between a backup and its return
LAST_BEGIN: Final = 1 << 62  # of a chain: there are sequences enough beyond it
STRETCH: Final = 64  # statements: enough to make a start fast, and few enough to look through at each sweep
FEW_STRETCHES: Final = 4  # below it there is little to gain by joining them


def open_store(
    folder: Path,
    *,
    node_key: bytes,
    random: Callable[[int], bytes],
    uptime: Callable[[], Uptime] = lambda: UNKNOWN_UPTIME,
    reserve_bytes: int = RESERVE_BYTES,
    vfs: str | None = None,
) -> SqliteStore:
    """Open the store in `folder`, or make one, for the node whose first key is `node_key`.

    `random` gives the bytes that name a new chain, `uptime` what is noted together with the time.  Statements are
    refused with `store-full` while the disk has less than `reserve_bytes` free.  `vfs` names the file system of SQLite
    to use.  Raises `StoreError`: `store-locked` if another process has it, `store-foreign` if it is another node's,
    `store-damaged` if it is another program's or a newer version's.
    """
    path = folder / STORE_FILE
    database = Database(open_connection(path, vfs=vfs))
    try:
        meta = load_meta(database, node_key, random)
        if meta.node != node_key:
            raise foreign_store(f"the store in {folder} belongs to another node", folder)
        custody = Custody(HighWaterFile(folder / HIGH_WATER_FILE))
    except StoreError:
        database.close()
        raise
    return SqliteStore(database, folder, meta, custody, uptime=uptime, reserve_bytes=reserve_bytes)


class SqliteStore:
    """See `byway.store.store.Store`; `open_store` makes one."""

    durable = "sqlite-wal-full"

    def __init__(
        self,
        database: Database,
        folder: Path,
        meta: Meta,
        custody: Custody,
        *,
        uptime: Callable[[], Uptime],
        reserve_bytes: int,
    ) -> None:
        self._database = database
        self._folder = folder
        self._meta = meta
        self._custody = custody
        self._reserve_bytes = reserve_bytes
        self._statements = Statements(database)
        self._next_sequence = 0  # unknown until `recover`
        self._commits = 0
        self._loose_from = 0  # the stretches of small commits from here on have not been joined
        self._loose = 0
        self._read_uptime = uptime
        self._now, self._uptime = 0, UNKNOWN_UPTIME

    @property
    def high_water(self) -> Mark | None:
        return self._custody.found

    @property
    def damaged(self) -> frozenset[int]:
        return frozenset(self._statements.damaged)

    def recover(self, now: int, *, begin_chain: bytes | None = None) -> Recovered:
        self._now, self._uptime = now, self._read_uptime()
        statements = self._statements.enter(now)
        end = journal.end_of_chain(self._database, self._meta.begins)
        last = end.last
        self._next_sequence = last.first + last.count if last else self._meta.begins
        self._commits = last.number if last else 0
        in_doubt = self._custody.compare(self._meta.chain, self._commits, self._next_sequence)
        known = max(end.unused, self._statements.last + 1)
        is_damaged = end.damaged or known > self._next_sequence
        unused = self._custody.unused_after(known)
        without_head = (self._next_sequence, unused - 1) if is_damaged and unused > self._next_sequence else None
        if is_damaged and begin_chain is None:
            raise _damaged_end(self._commits)
        if begin_chain is not None and (last or in_doubt or is_damaged):
            self._begin_chain(begin_chain, last, unused)
            last = None
        self._loose_from = self._next_sequence
        self._note()
        subscriptions = table.load(self._database)
        return Recovered(
            self._meta.chain,
            last,
            self._next_sequence,
            subscriptions.rows,
            statements,
            self._meta.previous,
            self._custody.in_doubt,
            self._lacks_space(),
            without_head,
            self._statements.rebuilt,
            subscriptions.dropped,
        )

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
        self._database.check()
        leaves = Leaves.of(entries)
        joined: list[tuple[int, Leaves]] = []
        commit = LastCommit(self._commits + 1, first, len(entries), head, frontier)
        if entries:
            if first != self._next_sequence:
                raise ValueError(f"the next sequence is {self._next_sequence}, not {first}")
            self._custody.check()
            self._check_space()
        elif subscriptions and any(not table.exists(self._database, row.key, row.sub) for row in subscriptions):
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
            self._statements.add(first, leaves, joined)
            self._loose += 1
            if self._next_sequence - self._loose_from >= STRETCH:
                self._loose_from, self._loose = self._next_sequence, 0
            self._note()

    def find(self, wanted: bytes) -> int | None:
        return self._statements.find(wanted)

    def read(self, sequences: Sequence[int]) -> list[tuple[int, bytes]]:
        return self._statements.read(sequences)

    def commit_of(self, sequence: int) -> StoredCommit:
        return self._statements.commit_of(sequence)

    def sequences(self, addresses: Iterable[str], after: int, limit: int) -> list[int]:
        return self._statements.directory.sequences(addresses, after, limit)

    def addresses(self) -> Iterable[str]:
        return self._statements.directory.addresses()

    def kinds(self, kinds: frozenset[int]) -> Iterator[tuple[int, bytes]]:
        return self._statements.kinds(kinds)

    def sweep(self, now: int, rows: int) -> int:
        self._database.check()
        self._now, self._uptime = now, self._read_uptime()
        self._note()
        return self._statements.sweep(now, rows)

    def close(self) -> None:
        self._custody.close()
        self._database.close()

    def _begin_chain(self, name: bytes, last: LastCommit | None, unused: int) -> None:
        """Go on in a new chain, with sequences that nobody can hold a receipt for."""
        begins = unused + SKIPPED
        if begins > LAST_BEGIN:
            raise StoreError("no sequences are left beyond those of the damaged commit", code="store-damaged")
        meta = Meta(self._meta.node, name, begins, last.head_id if last else self._meta.previous)
        put_chain(self._database, meta)
        self._meta = meta
        self._next_sequence, self._commits = begins, 0
        self._custody.release()

    def _note(self) -> None:
        """Move the high-water mark: never before what it says is durable."""
        mark = Mark(self._meta.chain, self._commits, self._next_sequence, self._now, self._uptime)
        try:
            self._custody.note(mark)
        except StoreError as failure:
            self._database.stop(failure)
            raise

    def _check_space(self) -> None:
        if full := self._lacks_space():
            raise full

    def _lacks_space(self) -> StoreError | None:
        try:
            disk = os.statvfs(self._folder)
        except OSError as error:
            failure = StoreError(f"the disk of the store does not say how much is free: {error.strerror}")
            self._database.stop(failure)
            raise failure from error
        if disk.f_bavail * disk.f_frsize >= self._reserve_bytes:
            return None
        return StoreError(
            "the disk of the store has only what it needs to keep its promises",
            code="store-full",
            next_step=f"free some space: df -h {shlex.quote(str(self._folder))}",
        )


def holds_a_store(folder: Path) -> bool:
    """Whether there is a store in `folder` that belongs to somebody already."""
    try:
        return (folder / STORE_FILE).stat().st_size > 0
    except OSError:
        return False


def _damaged_end(commits: int) -> StoreError:
    return StoreError(
        f"the end of the chain of heads is damaged after commit {commits}: no head can be built on it",
        code="chain-damaged",
    )


def foreign_store(sentence: str, folder: Path) -> StoreError:
    """The error that says so when the key beside the store in `folder` is not the one that it was made with."""
    place, aside = shlex.quote(str(folder)), shlex.quote(f"{folder}/other-key")
    return StoreError(
        sentence,
        code="store-foreign",
        next_step=f"put the key file that the store was made with back into {place}; or set the store aside: "
        f"mkdir {aside} && mv {place}/{STORE_FILE}* {place}/{HIGH_WATER_FILE} {aside}",
    )
