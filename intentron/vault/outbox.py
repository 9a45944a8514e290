"""Statements that a node has still to take: sealed ones, mailboxes, closes.

Each is kept under its id and the node that it goes to, tried until a receipt or a final refusal is here, and then
never sent again.  What was stored stays until it expires: for so long the receipt is a promise that somebody can be
held to.  What a sealed offer comes to is its answer's state too, in the same transaction.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from byway.node_address import NodeAddress, parse_node_address
from byway.protocol.statement import Statement, parse_statement
from intentron.keys import Role
from intentron.vault.database import Database, Row


class OutgoingState(enum.StrEnum):
    """What became of a statement that was to be sent."""

    WAITING = "waiting"
    STORED = "stored"  # the node's receipt is here
    REFUSED = "refused"  # for good; `code` says why
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A statement, where it goes, and which key opens the link: `Keys.signing(role, subject)`."""

    statement: Statement
    node: NodeAddress
    role: Role
    subject: bytes
    attempts: int
    next_try: int
    state: OutgoingState
    receipt: bytes | None
    code: str

    @property
    def id(self) -> bytes:
        return self.statement.id


_SELECT: Final = "SELECT statement, node, role, subject, attempts, next_try, state, receipt, code FROM outbox"


class Outbox:
    """The statements to be sent, and what became of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, statement: Statement, *, node: NodeAddress, role: Role, subject: bytes, now: int) -> bool:
        """Keep a statement to be sent to `node` at once.  False if it is here for it already, in whatever state."""
        changed = self._database.change(
            """
            INSERT INTO outbox (id, node, statement, role, subject, expires, next_try) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id, node) DO NOTHING
            """,
            (statement.id, str(node), statement.data, role, subject, statement.expires, now),
        )
        return changed == 1

    def get(self, statement_id: bytes, node: NodeAddress) -> Outgoing | None:
        """What became of a statement on its way to `node`; None if it was never put here."""
        row = self._database.row(f"{_SELECT} WHERE id = ? AND node = ?", (statement_id, str(node)))
        return _outgoing(row) if row else None

    def of(self, role: Role, subject: bytes) -> list[Outgoing]:
        """All that is here and was to be sent with one key, in no order."""
        rows = self._database.rows(f"{_SELECT} WHERE role = ? AND subject = ?", (role, subject))
        return [_outgoing(row) for row in rows]

    def due(self, now: int, limit: int = 64) -> list[Outgoing]:
        """What is to be tried now, the longest due first."""
        rows = self._database.rows(
            f"{_SELECT} WHERE state = 'waiting' AND next_try <= ? AND expires > ? ORDER BY next_try, id, node LIMIT ?",
            (now, now, limit),
        )
        return [_outgoing(row) for row in rows]

    def next_try(self) -> int | None:
        """When something will be due; None if nothing waits."""
        row = self._database.row("SELECT min(next_try) FROM outbox WHERE state = 'waiting'")
        return row[0] if row else None

    def record_attempt(self, statement_id: bytes, node: NodeAddress, next_try: int) -> None:
        """It is tried now, and nobody knows whether it arrives: try again at `next_try`."""
        self._database.change(
            "UPDATE outbox SET attempts = attempts + 1, next_try = ? WHERE id = ? AND node = ? AND state = 'waiting'",
            (next_try, statement_id, str(node)),
        )

    def record_receipt(self, statement_id: bytes, node: NodeAddress, receipt: bytes) -> bool:
        """The node keeps it.  False if it does not wait any more."""
        with self._database.transaction():
            if not self._database.change(
                "UPDATE outbox SET state = 'stored', receipt = ? WHERE id = ? AND node = ? AND state = 'waiting'",
                (receipt, statement_id, str(node)),
            ):
                return False
            self._database.change(
                """
                UPDATE answers SET receipt = ?, state = CASE state WHEN 'sending' THEN 'stored' ELSE state END
                WHERE sealed_id = ?
                """,
                (receipt, statement_id),
            )
            return True

    def record_refusal(self, statement_id: bytes, node: NodeAddress, code: str) -> bool:
        """The node will never take it.  False if it does not wait any more."""
        with self._database.transaction():
            if not self._database.change(
                "UPDATE outbox SET state = 'refused', code = ? WHERE id = ? AND node = ? AND state = 'waiting'",
                (code, statement_id, str(node)),
            ):
                return False
            self._database.change(
                "UPDATE answers SET state = 'refused', reason = ? WHERE sealed_id = ? AND state = 'sending'",
                (code, statement_id),
            )
            return True

    def withdraw(self, statement_id: bytes) -> None:
        """It is not to be sent any more; what was sent stays as it is."""
        self._database.change("DELETE FROM outbox WHERE id = ? AND state = 'waiting'", (statement_id,))

    def expire(self, now: int) -> int:
        """Give up what has expired at `now` without a receipt, and the answers that it carried; returns how many."""
        with self._database.transaction():
            given_up = self._database.change(
                "UPDATE outbox SET state = 'expired' WHERE state = 'waiting' AND expires <= ?", (now,)
            )
            self._database.change(
                """
                UPDATE answers SET state = 'expired'
                WHERE state = 'sending' AND sealed_id IN (SELECT id FROM outbox WHERE state = 'expired')
                """
            )
            return given_up

    def forget(self, now: int) -> int:
        """Drop what was refused, has expired unsent, or was stored and has expired at `now`; returns how many."""
        return self._database.change(
            "DELETE FROM outbox WHERE state IN ('refused', 'expired') OR (state = 'stored' AND expires <= ?)", (now,)
        )


def _outgoing(row: Row) -> Outgoing:
    statement, node, role, subject, attempts, next_try, state, receipt, code = row
    return Outgoing(
        statement=parse_statement(statement),
        node=parse_node_address(node),
        role=Role(role),
        subject=subject,
        attempts=attempts,
        next_try=next_try,
        state=OutgoingState(state),
        receipt=receipt,
        code=code,
    )
