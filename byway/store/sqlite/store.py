"""The SQLite store: `byway.store.store.Store` over one exclusive connection and the directory in memory.

A commit is one transaction that appends to three tables, flushed before it returns.  The bytes of a statement are
checked each time they are read, against their CRC and against the id in the directory.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import apsw

from byway.errors import StoreError
from byway.protocol.statement import statement_id
from byway.store.custody import Custody
from byway.store.directory import Calendar, Directory
from byway.store.high_water import HIGH_WATER_FILE, HighWaterFile, Mark
from byway.store.leaves import Leaves
from byway.store.sqlite import journal
from byway.store.sqlite import subscriptions as table
from byway.store.sqlite.database import Database
from byway.store.sqlite.meta import Meta, load_meta, put_chain
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
SKIPPED: Final = 1 << 40  # between two chains: no node gives out as many sequences between a backup and its return
STRETCH: Final = 64  # statements: enough to make a start fast, and few enough to look through at each sweep
FEW_STRETCHES: Final = 4  # below it there is little to gain by joining them


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
    another process has it, `store-foreign` if it is another node's, `store-damaged` if it is another program's or a
    newer version's.
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
    return SqliteStore(database, folder, meta, custody, reserve_bytes=reserve_bytes)


class SqliteStore:
    """See `byway.store.store.Store`; `open_store` makes one."""

    durable = "sqlite-wal-full"

    def __init__(self, database: Database, folder: Path, meta: Meta, custody: Custody, *, reserve_bytes: int) -> None:
        self._database = database
        self._folder = folder
        self._meta = meta
        self._custody = custody
        self._reserve_bytes = reserve_bytes
        self._directory = Directory()
        self._calendar = Calendar()
        self._next_sequence = 0  # unknown until `recover`
        self._commits = 0
        self._loose_from = 0  # the stretches of small commits from here on have not been joined
        self._loose = 0
        self._recovered_at = self._now = 0
        self._damaged: set[int] = set()

    @property
    def high_water(self) -> Mark | None:
        return self._custody.found

    @property
    def damaged(self) -> frozenset[int]:
        return frozenset(self._damaged)

    def recover(self, now: int, *, begin_chain: bytes | None = None) -> Recovered:
        self._recovered_at = self._now = now
        statements = 0
        for first, leaves, until in self._stretches():
            if offsets := leaves.expiring_after(until):
                self._directory.add(first, leaves, offsets)
                self._calendar.put(first, leaves.soonest(offsets))
            statements += len(leaves.expiring_after(max(until, now)))
        last = journal.last_commit(self._database, self._meta.begins)
        self._next_sequence = last.first + last.count if last else self._meta.begins
        self._commits = last.number if last else 0
        in_doubt = self._custody.compare(self._meta.chain, self._commits, self._next_sequence)
        if begin_chain is not None and (last or in_doubt):
            self._begin_chain(begin_chain, last)
            last = None
        self._loose_from = self._next_sequence
        self._note(now)
        return Recovered(
            self._meta.chain,
            last,
            self._next_sequence,
            table.load(self._database),
            statements,
            self._meta.previous,
            self._custody.in_doubt,
            self._lacks_space(),
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
            self._directory.add(first, leaves, range(len(entries)))
            for beginning, stretch in [(first, leaves), *joined]:
                self._calendar.put(beginning, min(stretch.expires))
            self._loose += 1
            if self._next_sequence - self._loose_from >= STRETCH:
                self._loose_from, self._loose = self._next_sequence, 0
            self._note(self._now)

    def find(self, wanted: bytes) -> int | None:
        for sequence, data in self.read(self._directory.candidates(wanted)):
            if statement_id(data) == wanted:
                return sequence
        return None

    def read(self, sequences: Sequence[int]) -> list[tuple[int, bytes]]:
        sound = []
        for sequence, data in self._rows(sequences):
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

    def sweep(self, now: int, rows: int) -> int:
        self._database.check()
        self._note(now)
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
        self._custody.close()
        self._database.close()

    def _begin_chain(self, name: bytes, last: LastCommit | None) -> None:
        """Go on in a new chain, with sequences that nobody can hold a receipt for."""
        begins = self._custody.unused_after(self._next_sequence) + SKIPPED
        meta = Meta(self._meta.node, name, begins, last.head_id if last else self._meta.previous)
        put_chain(self._database, meta)
        self._meta = meta
        self._next_sequence, self._commits = begins, 0
        self._custody.release()

    def _note(self, now: int) -> None:
        """Move the high-water mark: never before what it says is durable."""
        self._now = now
        try:
            self._custody.note(Mark(self._meta.chain, self._commits, self._next_sequence, now))
        except StoreError as failure:
            self._database.stop(failure)
            raise

    def _rows(self, sequences: Sequence[int]) -> Sequence[tuple[int, bytes | None]]:
        """The rows that are there.  A page that SQLite cannot make sense of costs the statements on it, not others."""
        try:
            return list(journal.read(self._database, sequences))
        except StoreError as error:
            if error.code != "store-damaged":
                raise
        if len(sequences) == 1:
            return [(sequences[0], None)]
        return [row for sequence in sequences for row in self._rows([sequence])]

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


def foreign_store(sentence: str, folder: Path) -> StoreError:
    """The error that says so when the key beside the store in `folder` is not the one that it was made with."""
    place, aside = shlex.quote(str(folder)), shlex.quote(f"{folder}/other-key")
    return StoreError(
        sentence,
        code="store-foreign",
        next_step=f"put the key file that the store was made with back into {place}; or set the store aside: "
        f"mkdir {aside} && mv {place}/{STORE_FILE}* {place}/{HIGH_WATER_FILE} {aside}",
    )
