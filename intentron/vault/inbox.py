"""Casts that came to this seller, each once, however often and by however many subscriptions it was delivered."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from byway.protocol.statement import Statement, parse_statement
from intentron.vault.database import Database, Row, among
from intentron.vault.names import Names


class InboxState(enum.StrEnum):
    """What the seller did about a cast, or what ended it."""

    NEW = "new"
    ANSWERED = "answered"
    DECLINED = "declined"
    CLOSED = "closed"  # by its sender
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ReceivedCast:
    """A cast, and the subscription that brought it first."""

    name: str
    statement: Statement
    sub: str
    sequence: int
    received_at: int
    state: InboxState

    @property
    def id(self) -> bytes:
        return self.statement.id


_SELECT: Final = "SELECT name, statement, sub, sequence, received_at, state FROM inbox JOIN names USING (id)"


class Inbox:
    """The casts received."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names

    def receive(self, statement: Statement, *, sub: str, sequence: int, now: int) -> ReceivedCast | None:
        """Keep a cast; None if it is here already, and then nothing is changed."""
        with self._database.transaction():
            if statement.id in self:
                return None
            self._names.give("C", statement.id)
            self._database.change(
                "INSERT INTO inbox (id, statement, sub, sequence, received_at, expires) VALUES (?, ?, ?, ?, ?, ?)",
                (statement.id, statement.data, sub, sequence, now, statement.expires),
            )
            return self[statement.id]

    def __getitem__(self, cast_id: bytes) -> ReceivedCast:
        """Raises `KeyError` if no such cast came."""
        row = self._database.row(f"{_SELECT} WHERE id = ?", (cast_id,))
        if row is None:
            raise KeyError(cast_id)
        return _received_cast(row)

    def __contains__(self, cast_id: bytes) -> bool:
        return self._database.row("SELECT 1 FROM inbox WHERE id = ?", (cast_id,)) is not None

    def all(self, *states: InboxState) -> list[ReceivedCast]:
        """The casts in one of `states`, or all, the newest first."""
        where, values = among(states)
        rows = self._database.rows(f"{_SELECT} {where} ORDER BY received_at DESC, sequence DESC, id", values)
        return [_received_cast(row) for row in rows]

    def decline(self, cast_id: bytes) -> bool:
        """The seller has nothing for it.  False if it was not new any more."""
        changed = self._database.change(
            "UPDATE inbox SET state = ? WHERE id = ? AND state = ?", (InboxState.DECLINED, cast_id, InboxState.NEW)
        )
        return changed == 1

    def close(self, cast_id: bytes) -> bool:
        """Its sender does not want it any more.  False if it is not here, or had ended already."""
        changed = self._database.change(
            "UPDATE inbox SET state = ? WHERE id = ? AND state IN (?, ?, ?)",
            (InboxState.CLOSED, cast_id, InboxState.NEW, InboxState.ANSWERED, InboxState.DECLINED),
        )
        return changed == 1

    def expire(self, now: int) -> int:
        """End what has expired at `now` while it was open; returns how many."""
        return self._database.change(
            "UPDATE inbox SET state = ? WHERE state = ? AND expires <= ?", (InboxState.EXPIRED, InboxState.NEW, now)
        )

    def forget(self, expired_by: int) -> int:
        """Drop what had expired at `expired_by` and has no answer; returns how many.  Nobody hands it over again."""
        return self._database.change(
            "DELETE FROM inbox WHERE expires <= ? AND id NOT IN (SELECT cast_id FROM answers)", (expired_by,)
        )


def _received_cast(row: Row) -> ReceivedCast:
    name, statement, sub, sequence, received_at, state = row
    return ReceivedCast(name, parse_statement(statement), sub, sequence, received_at, InboxState(state))
