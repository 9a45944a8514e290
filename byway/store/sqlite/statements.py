"""The stored statements: where each is, what it says, and which of them have changed on the disk.

The bytes of a statement are checked each time they are read, against their CRC and against the id in the directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import apsw

from byway.errors import StoreError
from byway.protocol.limits import MAX_INTEGER
from byway.protocol.statement import statement_id
from byway.store.directory import Calendar, Directory
from byway.store.leaves import Leaves
from byway.store.sqlite import journal
from byway.store.sqlite.database import Database
from byway.store.sqlite.rebuilding import rebuilt
from byway.store.store import StoredCommit

NEVER: Final = 0
FIRST: Final = 1


class Statements:
    """Found by id, address or kind through a directory in memory, and swept by a calendar in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._calendar = Calendar()
        self._entered_at = 0
        self.directory = Directory()
        self.damaged: set[int] = set()
        self.rebuilt = 0
        """How many statements could not be found, because what leads to them had changed, and can be again."""
        self.last = NEVER
        """The highest sequence that any leaves name, or that has a statement."""

    def enter(self, now: int) -> int:
        """Enter what the journal holds into the directory; returns how many of it had not expired at `now`."""
        current = self._enter(now)
        if self.damaged and self._rebuild():
            self.directory, self._calendar, self.damaged = Directory(), Calendar(), set()
            current = self._enter(now)
        return current

    def _enter(self, now: int) -> int:
        self._entered_at = now
        current = 0
        for first, leaves, until in self._stretches():
            if offsets := leaves.expiring_after(min(until, now)):  # nothing is swept before its time: that has changed
                self.directory.add(first, leaves, offsets)
                self._calendar.put(first, leaves.soonest(offsets))
            current += len(leaves.expiring_after(max(until, now)))
            self.last = max(self.last, first + len(leaves.kinds) - 1)
        return current

    def add(self, first: int, leaves: Leaves, joined: Iterable[tuple[int, Leaves]]) -> None:
        """Take over what was committed, and the stretches that were joined with it."""
        self.directory.add(first, leaves, range(len(leaves.kinds)))
        for beginning, stretch in [(first, leaves), *joined]:
            self._calendar.put(beginning, min(stretch.expires))

    def find(self, wanted: bytes) -> int | None:
        """See `byway.store.store.Store`, like the other methods of the same names."""
        candidates = self.directory.candidates(wanted)
        if not candidates:  # as for nearly everything that is handed in
            return None
        for sequence, data in self.read(candidates):
            if statement_id(data) == wanted:
                return sequence
        return None

    def read(self, sequences: Sequence[int]) -> list[tuple[int, bytes]]:
        sound = []
        rows = self._rows(sequences)
        for sequence, data in rows:
            if data is not None and self.directory.holds(sequence, statement_id(data)):
                sound.append((sequence, data))
            else:
                self.damaged.add(sequence)
        if len(rows) < len(sequences):
            missing = set(sequences) - {sequence for sequence, _ in rows}
            self.damaged.update(sequence for sequence in missing if journal.should_have(self._database, sequence))
        return sound

    def commit_of(self, sequence: int) -> StoredCommit:
        commit = journal.commit_of(self._database, sequence)
        if commit is None:
            raise LookupError(f"no commit holds statement {sequence}")
        return commit

    def kinds(self, kinds: frozenset[int]) -> Iterator[tuple[int, bytes]]:
        for first, leaves, until in self._stretches():
            if not kinds.isdisjoint(leaves.kinds):
                current = leaves.expiring_after(max(until, self._entered_at))
                yield from self.read([first + offset for offset in current if leaves.kinds[offset] in kinds])

    def sweep(self, now: int, rows: int) -> int:
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
            self.directory.remove(stretch.first, stretch.leaves, stretch.gone)
            if stretch.left:
                self._calendar.put(stretch.first, stretch.leaves.soonest(stretch.left))
        return sum(len(stretch.gone) for stretch in due)

    def _rebuild(self) -> bool:
        """Make damaged leaves again where that can be proved, and write them; whether that has been done."""
        damaged = [(first, size) for first, size, leaves, _ in journal.held(self._database) if leaves is None]
        again = {first: leaves for first, size in damaged if (leaves := rebuilt(self._database, first, size))}

        def write(connection: apsw.Connection) -> None:
            for first, leaves in again.items():
                journal.put_back(connection, first, leaves)

        try:
            if again:
                self._database.transact(write)
        except StoreError as error:
            if error.code != "store-full":
                raise
            return False
        self.rebuilt = sum([len(leaves.kinds) for leaves in again.values()])
        return bool(again)

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

        Without its leaves a stretch cannot be found again: all of it counts as damaged, and so does a statement that no
        leaves name.
        """
        end = FIRST
        for first, size, leaves, until in journal.held(self._database):
            if end < first:
                self.damaged.update(journal.unnamed(self._database, end, first))
            end = max(end, first + size)
            if leaves is None:
                self.damaged.update(range(first, first + size))
            else:
                yield first, leaves, until
        beyond = journal.unnamed(self._database, end, MAX_INTEGER)
        self.damaged.update(beyond)
        self.last = max([self.last, *beyond])

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
