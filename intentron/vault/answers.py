"""Offers that this seller made, and what became of each."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from byway.node_address import NodeAddress, parse_node_address
from byway.protocol.statement import Statement, parse_statement
from intentron.keys import Role
from intentron.vault.database import Database, Row, among
from intentron.vault.inbox import InboxState
from intentron.vault.names import Names
from intentron.vault.outbox import Outbox


class AnswerState(enum.StrEnum):
    """What became of an offer that was made."""

    SENDING = "sending"
    STORED = "stored"  # the authority has signed for it
    REPLACED = "replaced"  # the authority has a later one to the same cast
    ACCEPTED = "accepted"  # an agreement is here
    DECLINED = "declined"  # by the person; `reason` says why
    REFUSED = "refused"  # by the authority; `reason` is its code
    EXPIRED = "expired"


STANDING: Final = (AnswerState.SENDING, AnswerState.STORED)  # the person may still agree to it


@dataclass(frozen=True, slots=True)
class Answer:
    """An offer to one cast, and the id of the sealed statement, kept in the outbox, that carries it to `node`."""

    name: str
    statement: Statement
    cast_id: bytes
    sealed_id: bytes
    node: NodeAddress
    receipt: bytes | None
    serial: int
    rule: str
    made_at: int
    state: AnswerState
    reason: str

    @property
    def id(self) -> bytes:
        return self.statement.id


_SELECT: Final = """
    SELECT name, statement, cast_id, sealed_id, node, receipt, serial, rule, made_at, state, reason
    FROM answers JOIN names USING (id)
"""


class Answers:
    """The offers made."""

    def __init__(self, database: Database, names: Names, outbox: Outbox) -> None:
        self._database = database
        self._names = names
        self._outbox = outbox

    def next_serial(self, cast_id: bytes) -> int:
        """The serial of the next offer to this cast: one above the highest so far."""
        row = self._database.row("SELECT coalesce(max(serial), 0) + 1 FROM answers WHERE cast_id = ?", (cast_id,))
        return int(row[0]) if row else 1

    def add(
        self,
        offer: Statement,
        sealed: Statement,
        *,
        cast_id: bytes,
        serial: int,
        node: NodeAddress,
        now: int,
        rule: str = "",
    ) -> Answer:
        """Keep an offer to a cast of the inbox, which is `answered` by it, and put what carries it into the outbox.

        `node` is the authority that the cast names, `rule` the standing rule that made the offer.
        """
        with self._database.transaction():
            self._outbox.put(sealed, node=node, role=Role.OUTER, subject=cast_id, now=now)
            self._names.give("O", offer.id)
            self._database.change(
                """
                INSERT INTO answers (id, cast_id, statement, sealed_id, node, serial, rule, made_at, expires)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                (offer.id, cast_id, offer.data, sealed.id, str(node), serial, rule, now, offer.expires),
            )
            self._database.change(
                "UPDATE inbox SET state = ? WHERE id = ? AND state IN (?, ?)",
                (InboxState.ANSWERED, cast_id, InboxState.NEW, InboxState.DECLINED),
            )
            return self[offer.id]

    def __getitem__(self, offer_id: bytes) -> Answer:
        """Raises `KeyError` if no such offer was made."""
        row = self._database.row(f"{_SELECT} WHERE id = ?", (offer_id,))
        if row is None:
            raise KeyError(offer_id)
        return _answer(row)

    def __contains__(self, offer_id: bytes) -> bool:
        return self._database.row("SELECT 1 FROM answers WHERE id = ?", (offer_id,)) is not None

    def all(self, *states: AnswerState) -> list[Answer]:
        """The offers in one of `states`, or all, the newest first."""
        where, values = among(states)
        rows = self._database.rows(f"{_SELECT} {where} ORDER BY made_at DESC, cast_id, serial DESC", values)
        return [_answer(row) for row in rows]

    def to_cast(self, cast_id: bytes) -> list[Answer]:
        """Every offer to one cast, the highest serial, which counts, first."""
        rows = self._database.rows(f"{_SELECT} WHERE cast_id = ? ORDER BY serial DESC", (cast_id,))
        return [_answer(row) for row in rows]

    def carried_by(self, sealed_id: bytes) -> Answer | None:
        """The answer that this sealed statement carries; None if it carries none."""
        row = self._database.row(f"{_SELECT} WHERE sealed_id = ?", (sealed_id,))
        return _answer(row) if row else None

    def awaited(self, ended_after: int) -> list[tuple[bytes, NodeAddress]]:
        """The casts whose person may still have something to say, and the authority that keeps what she says.

        Those are the casts with an offer that arrived and was not decided about, even if it has expired since: she may
        have agreed to it before.  Offers that had expired at `ended_after` already are left out.
        """
        rows = self._database.rows(
            """
            SELECT DISTINCT cast_id, node FROM answers
            WHERE state IN (?, ?, ?) AND expires > ? AND receipt IS NOT NULL
            ORDER BY cast_id
            """,
            (AnswerState.STORED, AnswerState.REPLACED, AnswerState.EXPIRED, ended_after),
        )
        return [(cast_id, parse_node_address(node)) for cast_id, node in rows]

    def made_by(self, rule: str, since: int) -> int:
        """How many offers a standing rule has made at `since` or later."""
        row = self._database.row("SELECT count(*) FROM answers WHERE rule = ? AND made_at >= ?", (rule, since))
        return int(row[0]) if row else 0

    def replace_before(self, answer: Answer) -> list[Answer]:
        """The authority has `answer`, and so what was offered to its cast before does not count any more.

        Returns those that are replaced by it; what was still to be sent of them stays here.
        """
        with self._database.transaction():
            replaced = [
                before
                for before in self.to_cast(answer.cast_id)
                if before.serial < answer.serial and before.state in STANDING
            ]
            for before in replaced:
                self._database.change("UPDATE answers SET state = ? WHERE id = ?", (AnswerState.REPLACED, before.id))
                self._outbox.withdraw(before.sealed_id)
            return replaced

    def record_decline(self, offer_id: bytes, reason: str) -> bool:
        """The person does not take it.  False if it had ended already, or was not made here."""
        changed = self._database.change(
            "UPDATE answers SET state = ?, reason = ? WHERE id = ? AND state IN (?, ?)",
            (AnswerState.DECLINED, reason, offer_id, *STANDING),
        )
        return changed == 1

    def expire(self, now: int) -> int:
        """End the offers that nobody decided about and that have expired at `now`; returns how many."""
        return self._database.change(
            "UPDATE answers SET state = ? WHERE state IN (?, ?) AND expires <= ?",
            (AnswerState.EXPIRED, *STANDING, now),
        )

    def forget(self, expired_by: int) -> int:
        """Drop what had expired at `expired_by`, with its cast, and was not agreed to; returns how many."""
        return self._database.change(
            """
            DELETE FROM answers WHERE state <> ?2 AND expires <= ?1
                AND cast_id IN (SELECT id FROM inbox WHERE expires <= ?1)
            """,
            (expired_by, AnswerState.ACCEPTED),
        )


def _answer(row: Row) -> Answer:
    name, statement, cast_id, sealed_id, node, receipt, serial, rule, made_at, state, reason = row
    return Answer(
        name=name,
        statement=parse_statement(statement),
        cast_id=cast_id,
        sealed_id=sealed_id,
        node=parse_node_address(node),
        receipt=receipt,
        serial=serial,
        rule=rule,
        made_at=made_at,
        state=AnswerState(state),
        reason=reason,
    )
