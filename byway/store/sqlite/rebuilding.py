"""Leaves that have changed on the disk are made again from the statements they were of, where the heads prove it.

One bit in the leaves of a stretch must not cost all of its statements, which are there.  The root in the head of each
commit says whether they are what was committed: all of them, with these sequences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from byway.errors import StatementError, StoreError
from byway.protocol import merkle
from byway.protocol.receipt import Head
from byway.protocol.statement import SIGNATURE_BYTES, Kind, parse_statement
from byway.store.leaves import Leaves
from byway.store.sqlite import journal
from byway.store.sqlite.database import Database
from byway.store.store import Entry

_ADDRESSED: Final = frozenset([Kind.CAST, Kind.CLOSE, Kind.SEALED])  # those whose bodies say where they are for


def rebuilt(database: Database, first: int, size: int) -> Leaves | None:
    """The leaves of the stretch of `size` statements that begins with `first`.

    None where a statement is missing or has changed, or a head has, or anything says otherwise.
    """
    try:
        stored = {at: data for at, data in journal.read(database, range(first, first + size)) if data is not None}
        entries: list[Entry] = []
        while len(entries) < size:
            commit = _commit(database, stored, first + len(entries))
            if not commit:
                return None
            entries += commit
    except (StatementError, StoreError):
        return None
    return Leaves.of(entries) if len(entries) == size else None


def _commit(database: Database, stored: Mapping[int, bytes], first: int) -> Sequence[Entry]:
    """All statements of the commit that begins with `first`; none if that cannot be proved."""
    found = journal.head_at(database, first)
    if found is None:
        return ()
    head = Head.from_statement(parse_statement(found + bytes(SIGNATURE_BYTES)))
    sequences = range(first, first + head.count)
    if head.first != first or not all(sequence in stored for sequence in sequences):
        return ()
    entries = [_entry(stored[sequence]) for sequence in sequences]
    leaves = [merkle.leaf(sequence, entry.id) for sequence, entry in zip(sequences, entries, strict=True)]
    return entries if merkle.root(leaves) == head.root else ()


def _entry(data: bytes) -> Entry:
    statement = parse_statement(data)
    address = statement.body().get("to", "") if statement.kind in _ADDRESSED else ""
    return Entry(data, statement.id, statement.kind, address, statement.expires)
