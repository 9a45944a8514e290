"""The store of a router that has ended, read with another SQLite than the router's: I14 store health.

The file and its write-ahead log are copied first, so that looking changes nothing.  What the tables hold is in
byway/store/schema; a stored blob ends with the CRC-32 of what is before it, begun with a number that the row gives.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import zlib
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgpack

from tests.checker import merkle
from tests.checker.evidence import EvidenceError
from tests.checker.receipts import BadReceiptError, Head, read_unsigned_head
from tests.checker.statements import statement_id
from tests.checker.tally import Tally

CRC_BYTES: Final = 4
ID_BYTES: Final = 32


@dataclass(slots=True)
class StoredJournal:
    """What a store holds: statements by sequence, heads by size, and `health`, the verdict on the file."""

    path: Path
    health: Tally
    node: bytes = b""
    chain: bytes = b""
    rows: dict[int, bytes] = field(default_factory=dict)
    heads: dict[int, Head] = field(default_factory=dict)
    damaged: set[int] = field(default_factory=set)  # sequences whose bytes are not what was written
    ids: dict[int, bytes] = field(default_factory=dict)  # of every sequence in `leaves`
    end: int = 0  # the last sequence


def read_store(path: Path, health: Tally) -> StoredJournal:
    """Read and judge the store in this file.  Raises `EvidenceError` if it is no store."""
    store = StoredJournal(path, health)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        try:
            shutil.copyfile(path, copy)
            log = path.with_name(f"{path.name}-wal")
            if log.exists():
                shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))
            with closing(sqlite3.connect(copy)) as connection:
                health.expect(
                    connection.execute("PRAGMA integrity_check").fetchone() == ("ok",),
                    f"{path} fails the integrity check",
                )
                _read_rows(connection, store)
        except (OSError, sqlite3.Error) as error:
            raise EvidenceError(f"the store {path} cannot be read: {error}") from error
    return store


def _read_rows(connection: sqlite3.Connection, store: StoredJournal) -> None:
    meta = dict(connection.execute("SELECT name, value FROM meta"))
    store.node, store.chain = meta.get("node", b""), meta.get("chain", b"")
    check = meta.pop("check", None)
    known = {"node", "chain"} <= meta.keys() <= {"node", "chain", "begins", "previous"}
    store.health.expect(known, f"{store.path} does not say whose it is")
    facts = zlib.crc32(repr((sorted(meta.items()),)).encode()).to_bytes(4)
    store.health.expect(check in {None, facts}, f"what {store.path} says of itself is not what was written")
    for sequence, stored in connection.execute("SELECT sequence, data FROM journal ORDER BY sequence"):
        data = _unchecked(stored, sequence)
        store.health.expect(data is not None, f"sequence {sequence} of {store.path} is not what was written")
        if data is None:
            store.damaged.add(sequence)
        else:
            store.rows[sequence] = data
    _check_leaves(connection, store)
    _check_commits(connection, store)
    _check_cursors(connection, store)


def _check_leaves(connection: sqlite3.Connection, store: StoredJournal) -> None:
    """What each stretch says it holds is there, has the id it says, and nothing else is there."""
    held: set[int] = set()
    query = "SELECT first, count, packed, coalesce(until, -1) FROM leaves LEFT JOIN swept USING (first) ORDER BY first"
    for first, count, stored, until in connection.execute(query):
        packed = _unchecked(stored, first)
        store.health.expect(packed is not None, f"the leaves from {first} in {store.path} are not what was written")
        if packed is None:
            held |= set(range(first, first + count))
            continue
        ids, kinds, expires, _, _ = msgpack.unpackb(packed)
        store.health.expect(len(kinds) == count, f"the leaves from {first} in {store.path} are not {count}")
        for offset in range(len(kinds)):
            sequence, own_id = first + offset, ids[ID_BYTES * offset : ID_BYTES * (offset + 1)]
            store.ids[sequence] = own_id
            if int.from_bytes(expires[8 * offset : 8 * offset + 8], "big") <= until:
                continue
            held.add(sequence)
            data = store.rows.get(sequence)
            there = sequence in store.damaged or (data is not None and statement_id(data) == own_id)
            store.health.expect(there, f"sequence {sequence} of {store.path} is missing, or is another statement")
    present = store.rows.keys() | store.damaged
    store.health.expect(present <= held, f"{store.path} has rows that no leaf names: {sorted(present - held)[:5]}")


def _check_commits(connection: sqlite3.Connection, store: StoredJournal) -> None:
    """The heads are chains without a gap, the store's own last, and each root is that of what it was made over."""
    tree, before, next_first, chain = merkle.GrowingTree(), None, 1, b""
    for first, count, number, stored in connection.execute(
        "SELECT first, count, number, head FROM commits ORDER BY first"
    ):
        unsigned = _unchecked(stored, zlib.crc32(repr((first, count, number)).encode()))
        what = f"the head of size {number} in {store.path}"
        head = _head(unsigned)
        store.health.expect(head is not None, f"{what} is not what was written")
        if head is None:
            return
        if head.chain != chain and chain:
            tree, store.heads = merkle.GrowingTree(), {}
            store.health.expect(first >= next_first, f"{what} begins a chain with sequences of another")
            next_first = first
        chain = head.chain
        said = (head.node, head.chain, head.size, head.first, head.count, head.previous)
        fits = said == (store.node, chain, len(store.heads) + 1, next_first, count, before)
        store.health.expect(
            fits and (first, number) == (head.first, head.size), f"{what} does not follow the one before"
        )
        ids = [store.ids.get(sequence) for sequence in range(first, first + count)]
        if None not in ids:
            leaves = [merkle.leaf(first + index, own_id) for index, own_id in enumerate(ids) if own_id is not None]
            store.health.expect(merkle.root(leaves) == head.root, f"{what} has another root than its statements")
        tree.append(merkle.leaf(head.size, head.root))
        store.health.expect(tree.root() == head.tree, f"{what} has another tree than its chain")
        store.heads[head.size], before, next_first = head, head.id, first + count
    if chain != store.chain:
        store.heads = {}  # what a chain that has just begun will be held to is not there yet
    store.end = next_first - 1
    last = max(store.rows.keys() | store.damaged, default=0)
    store.health.expect(last < next_first, f"{store.path} has statements beyond its last commit")


def _check_cursors(connection: sqlite3.Connection, store: StoredJournal) -> None:
    pairs = "SELECT key, sub FROM {} EXCEPT SELECT key, sub FROM {}"
    for one, other in (("subscriptions", "cursors"), ("cursors", "subscriptions")):
        alone = connection.execute(pairs.format(one, other)).fetchall()
        store.health.expect(not alone, f"{store.path} has {len(alone)} {one} without their {other}")
    for key, sub, epoch, through, also in connection.execute("SELECT key, sub, epoch, through, also FROM cursors"):
        begun_with = zlib.crc32(b"%d %d %b" % (epoch, through, sub.encode()), zlib.crc32(key))
        sound = _unchecked(also, begun_with) is not None
        store.health.expect(sound, f"{store.path} has a cursor at {through} that is not what was written")
        known = 0 <= through <= store.end
        store.health.expect(known, f"{store.path} has a cursor at {through}, and its last sequence is {store.end}")


def _head(unsigned: bytes | None) -> Head | None:
    try:
        return None if unsigned is None else read_unsigned_head(unsigned)
    except BadReceiptError:
        return None


def _unchecked(stored: object, begun_with: int) -> bytes | None:
    """The blob without its CRC; None if it is not what was written."""
    if not isinstance(stored, bytes):
        return None
    data, crc = stored[:-CRC_BYTES], stored[-CRC_BYTES:]
    return data if zlib.crc32(data, begun_with & 0xFFFFFFFF).to_bytes(CRC_BYTES, "big") == crc else None
