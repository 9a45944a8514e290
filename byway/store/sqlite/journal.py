"""The SQL of the journal: commits, what they hold, and the bytes of the statements."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import apsw

from byway.errors import StoreError
from byway.store.check import key_of, with_check, without_check
from byway.store.leaves import Leaves
from byway.store.sqlite.database import Database
from byway.store.store import Entry, LastCommit, StoredCommit

MAX_STRETCH: Final = 0xFFFF  # what leaves have room for
PAGE_ROWS: Final = 256  # read at one time, so that no statement of SQL stays open between calls

_APPEND: Final = "INSERT INTO journal (sequence, data) SELECT ?1 + rowid - 1, value FROM carray(?2)"
_APPEND_COMMIT: Final = "INSERT INTO commits (first, count, number, head, frontier) VALUES (?, ?, ?, ?, ?)"
_PUT_LEAVES: Final = "INSERT INTO leaves (first, count, packed) VALUES (?, ?, ?)"
_IS_FOUND: Final = """
    SELECT EXISTS (SELECT 1 FROM journal WHERE sequence = ?1) AND EXISTS (SELECT 1 FROM journal WHERE sequence = ?2)
        AND ?1 IN (SELECT max(first) FROM commits WHERE first <= ?1)
        AND ?1 IN (SELECT max(first) FROM leaves WHERE first <= ?1)
"""
# One changed bit can make a text of a blob, and reading that as text would fail: hence the casts.
_READ: Final = "SELECT sequence, CAST(data AS BLOB) FROM carray(?) CROSS JOIN journal ON sequence = value"
_FROM_END: Final = """
    SELECT CAST(number AS INTEGER), first, CAST(count AS INTEGER), CAST(head AS BLOB), CAST(frontier AS BLOB)
    FROM commits ORDER BY first DESC LIMIT ? OFFSET ?
"""
_COMMIT_OF: Final = """
    SELECT CAST(number AS INTEGER), commits.first, CAST(commits.count AS INTEGER), CAST(head AS BLOB), leaves.first,
        CAST(packed AS BLOB) FROM commits JOIN leaves
    WHERE commits.first = (SELECT max(first) FROM commits WHERE first <= ?1)
        AND leaves.first = (SELECT max(first) FROM leaves WHERE first <= ?1)
"""
_HELD: Final = """
    SELECT first, CAST(count AS INTEGER), CAST(packed AS BLOB), coalesce(until, -1)
    FROM leaves LEFT JOIN swept USING (first) WHERE first >= ? ORDER BY first LIMIT ?
"""
_HEAD_AT: Final = """
    SELECT CAST(number AS INTEGER), CAST(count AS INTEGER), CAST(head AS BLOB) FROM commits WHERE first = ?
"""
_HELD_BEFORE: Final = """
    SELECT first, CAST(count AS INTEGER), CAST(packed AS BLOB), coalesce(until, -1)
    FROM leaves LEFT JOIN swept USING (first) WHERE first <= ? ORDER BY first DESC LIMIT 1
"""
_BETWEEN: Final = "SELECT sequence FROM journal WHERE sequence >= ? AND sequence < ?"
_DELETE: Final = "DELETE FROM journal WHERE sequence IN (SELECT value FROM carray(?))"
_MARK_SWEPT: Final = """
    INSERT INTO swept (first, until) SELECT value, ?2 FROM carray(?1) WHERE true
    ON CONFLICT (first) DO UPDATE SET until = max(until, excluded.until)
"""
_FORGET_LEAVES: Final = "DELETE FROM leaves WHERE first IN (SELECT value FROM carray(?))"
_FORGET_SWEPT: Final = "DELETE FROM swept WHERE first IN (SELECT value FROM carray(?))"
_FORGET_FRONTIERS: Final = """
    UPDATE commits SET frontier = NULL WHERE first BETWEEN ? AND ? AND first < (SELECT max(first) FROM commits)
"""


class Held(NamedTuple):
    """A stretch of the journal that has statements left: those that expire after `until`.  No leaves: damaged."""

    first: int
    size: int
    leaves: Leaves | None
    until: int


class End(NamedTuple):
    """The end of a chain of heads."""

    last: LastCommit | None
    """The last commit whose head is what was written; None if the chain has none."""
    unused: int
    """Beyond every sequence that a commit claims, damaged ones included."""
    damaged: bool
    """No head can be built on it."""


class Due(NamedTuple):
    """A stretch to sweep: the offsets of the statements that go, and of those that stay."""

    first: int
    leaves: Leaves
    gone: Sequence[int]
    left: Sequence[int]


def append(connection: apsw.Connection, commit: LastCommit, entries: Sequence[Entry], leaves: Leaves) -> None:
    """Write a commit at the end of the chain, and look for it the way it will be looked for.

    A page that leads to others may have changed on the disk, so that SQLite appends where it does not look later: what
    cannot be found again raises `apsw.CorruptError`.

    Four calls, however many statements: beside a busy loop each call waits for its turn of the interpreter.
    """
    first = commit.first
    rows = tuple([with_check(entry.data, sequence) for sequence, entry in enumerate(entries, first)])
    key = key_of(first, commit.count, commit.number)
    head, frontier = with_check(commit.head, key), with_check(commit.frontier, key)
    connection.execute(_APPEND, (first, apsw.carray(rows)))
    connection.execute(_APPEND_COMMIT, (first, commit.count, commit.number, head, frontier))
    _put_leaves(connection, first, leaves)
    if not connection.execute(_IS_FOUND, (first, first + commit.count - 1)).get:
        raise apsw.CorruptError("what it takes in now could not be found again")


def read(database: Database, sequences: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
    """Sequence and bytes of the statements that are there, in the order asked for; None for bytes that have changed."""
    if not sequences:
        return
    for sequence, stored in database.query(_READ, _integers(sequences)):
        yield sequence, without_check(stored, sequence)


def end_of_chain(database: Database, begins: int) -> End:
    """Where the chain ends that begins with this sequence: at the last head that is what was written.

    A damaged commit stays where it is.  Below `begins` it is one of an earlier chain, which had to end there.
    """
    passed: list[int] = []
    for number, first, count, *blobs in _from_the_end(database):
        head, frontier = [without_check(blob, key_of(first, count, number)) for blob in blobs]
        if head is None:
            passed.append(first)
        elif first >= begins:
            last = LastCommit(number, first, count, head, frontier or b"")
            claimed = [each + 1 for each in passed]
            return End(last, max([first + count, *claimed]), bool(passed) or frontier is None)
        else:
            break
    claimed = [each + 1 for each in passed if each >= begins]
    return End(None, max([begins, *claimed]), bool(claimed))


def commit_of(database: Database, sequence: int) -> StoredCommit | None:
    """The commit with this sequence, if it has statements left and is what was written."""
    for number, first, count, stored, beginning, packed in database.query(_COMMIT_OF, sequence):
        head, leaves = without_check(stored, key_of(first, count, number)), _leaves(packed, beginning)
        if head is None or leaves is None:
            return None
        if beginning <= first and sequence < first + count <= beginning + len(leaves.kinds):
            ids = tuple([leaves.id_at(first - beginning + index) for index in range(count)])
            return StoredCommit(number, first, count, head, ids)
    return None


def head_at(database: Database, first: int) -> bytes | None:
    """The unsigned head of the commit that begins with this sequence, if it is what was written."""
    for number, count, stored in database.query(_HEAD_AT, first):
        return without_check(stored, key_of(first, count, number))
    return None


def held(database: Database) -> Iterator[Held]:
    """Every stretch that has statements left, ascending."""
    first = 0
    while rows := database.query(_HELD, first, PAGE_ROWS):
        for row in rows:
            yield _held(*row)
        beyond = max([row[0] for row in rows]) + 1
        if beyond <= first:  # a page says that its rows are others than those that were asked for
            return
        first = beyond


def held_at(database: Database, first: int) -> Held | None:
    """The stretch that begins with `first`, unless it has been joined to another."""
    for row in database.query(_HELD, first, 1):
        if row[0] == first:
            return _held(*row)
    return None


def put_back(connection: apsw.Connection, first: int, leaves: Leaves) -> None:
    """Write leaves in the place of damaged ones."""
    connection.execute("DELETE FROM leaves WHERE first = ?", (first,))
    _put_leaves(connection, first, leaves)


def should_have(database: Database, sequence: int) -> bool:
    """Whether the leaves say that the statement with this sequence is here."""
    for row in database.query(_HELD_BEFORE, sequence):
        first, _, leaves, until = _held(*row)
        offset = sequence - first
        return leaves is not None and offset < len(leaves.kinds) and leaves.expires[offset] > until
    return False


def unnamed(database: Database, begin: int, end: int) -> list[int]:
    """The sequences from `begin` to before `end` that have a statement: where no leaves say so, something changed."""
    return [sequence for (sequence,) in database.salvage(_BETWEEN, begin, end)]


def join(connection: apsw.Connection, first: int) -> list[tuple[int, Leaves]]:
    """Join the stretches from `first` to the end of the journal, and return those that came of it.

    What does not follow directly, and what has been swept, stays apart.
    """
    joined = []
    for run in _runs([_held(*row) for row in connection.execute(_HELD, (first, -1))]):
        beginning, leaves = run[0][0], Leaves.joined([leaves for _, leaves in run])
        connection.execute("DELETE FROM leaves WHERE first BETWEEN ? AND ?", (beginning, run[-1][0]))
        _put_leaves(connection, beginning, leaves)
        joined.append((beginning, leaves))
    return joined


def delete(connection: apsw.Connection, due: Sequence[Due], now: int) -> None:
    """Delete what goes, and the leaves and frontiers of stretches that nothing is left of.  Heads stay."""
    gone = [stretch.first + offset for stretch in due for offset in stretch.gone]
    partly = [stretch.first for stretch in due if stretch.left]
    wholly = [(stretch.first, stretch.first + len(stretch.leaves.kinds) - 1) for stretch in due if not stretch.left]
    firsts = [first for first, _ in wholly]
    connection.execute(_DELETE, (_integers(gone),))
    if partly:
        connection.execute(_MARK_SWEPT, (_integers(partly), now))
    if wholly:
        connection.execute(_FORGET_LEAVES, (_integers(firsts),))
        connection.execute(_FORGET_SWEPT, (_integers(firsts),))
        connection.executemany(_FORGET_FRONTIERS, wholly)


def _from_the_end(database: Database) -> Iterator[tuple[Any, ...]]:
    """The commits of all chains, the last one first."""
    limit, passed = 1, 0
    while rows := database.query(_FROM_END, limit, passed):
        yield from rows
        limit, passed = PAGE_ROWS, passed + len(rows)


def _put_leaves(connection: apsw.Connection, first: int, leaves: Leaves) -> None:
    connection.execute(_PUT_LEAVES, (first, len(leaves.kinds), with_check(leaves.to_bytes(), first)))


def _held(first: int, count: object, packed: object, until: int) -> Held:
    leaves = _leaves(packed, first)
    if leaves is not None:
        return Held(first, len(leaves.kinds), leaves, until)
    return Held(first, count if isinstance(count, int) and 0 < count <= MAX_STRETCH else 1, None, until)


def _leaves(packed: object, first: int) -> Leaves | None:
    """What lies in the stretch that begins with `first`; None if it is not what was written."""
    data = without_check(packed, first)
    try:
        return None if data is None else Leaves.from_bytes(data)
    except StoreError:
        return None


def _runs(stretches: Iterable[Held]) -> Iterator[list[tuple[int, Leaves]]]:
    """Each two or more stretches that follow each other and are whole."""
    run: list[tuple[int, Leaves]] = []
    end = 0
    for first, size, leaves, until in stretches:
        if first != end or leaves is None or until >= 0:
            if len(run) > 1:
                yield run
            run = []
        if leaves is not None and until < 0:
            run.append((first, leaves))
        end = first + size
    if len(run) > 1:
        yield run


def _integers(numbers: Sequence[int]) -> apsw.CArrayBinding:
    return apsw.carray(array("q", numbers))
