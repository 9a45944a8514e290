"""Casts of this person: drafted, accepted by a router, and then closed or expired."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from byway.node_address import NodeAddress, parse_node_address
from byway.protocol.statement import Statement, parse_statement
from intentron.vault.database import Database, Row, among
from intentron.vault.names import Names


class CastState(enum.StrEnum):
    """What became of a cast."""

    DRAFT = "draft"  # signed and kept here; no router has it for all we know
    ACCEPTED = "accepted"  # a router's receipt is here
    CLOSED = "closed"
    EXPIRED = "expired"
    REFUSED = "refused"  # for good; `code` and `reason` say why


@dataclass(frozen=True, slots=True)
class OwnCast:
    """A cast that this person made, and what she alone knows about it.

    A draft has no `router` and no `authority` as long as nobody could say where its topic is served.  What it names as
    its authority is then nobody, and it is drafted again before it leaves.  `sent` is set before the first byte of it,
    or of its mailbox, may leave.
    """

    name: str
    statement: Statement
    salt: bytes
    topic: str
    sentence: str
    made_at: int
    router: NodeAddress | None
    receipt: bytes | None
    authority: NodeAddress | None
    mailbox: Statement
    mailbox_accepted: bool
    sent: bool
    state: CastState
    code: str
    reason: str

    @property
    def id(self) -> bytes:
        return self.statement.id


_SELECT: Final = """
    SELECT name, statement, salt, topic, sentence, made_at, router, receipt, authority, mailbox, mailbox_accepted,
        sent, state, code, reason
    FROM casts JOIN names USING (id)
"""


class Casts:
    """The person's casts, each under one id and one salt."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names

    def add(
        self,
        statement: Statement,
        mailbox: Statement,
        *,
        salt: bytes,
        sentence: str,
        router: NodeAddress | None,
        authority: NodeAddress | None,
        now: int,
    ) -> OwnCast:
        """Keep a new cast as a draft, before anything of it leaves this computer.

        `salt` (16 bytes) leads to its keys; `mailbox` is the statement that asks `authority` for its mailbox.
        """
        with self._database.transaction():
            self._names.give("C", statement.id)
            return self._insert(
                statement, mailbox, salt=salt, sentence=sentence, router=router, authority=authority, made_at=now
            )

    def place(self, cast_id: bytes, *, router: NodeAddress, authority: NodeAddress) -> OwnCast:
        """A draft goes there now; what a router has signed for stays where it is."""
        self._database.change(
            "UPDATE casts SET router = ?, authority = ? WHERE id = ? AND state = ?",
            (str(router), str(authority), cast_id, CastState.DRAFT),
        )
        return self[cast_id]

    def draft_again(
        self,
        cast_id: bytes,
        statement: Statement,
        mailbox: Statement,
        *,
        salt: bytes,
        router: NodeAddress,
        authority: NodeAddress,
    ) -> OwnCast:
        """Put another draft of the same wish in the place of one that never left: other keys, the same name."""
        with self._database.transaction():
            before = self[cast_id]
            self._database.change("DELETE FROM casts WHERE id = ? AND state = ?", (cast_id, CastState.DRAFT))
            self._names.move(cast_id, statement.id)
            return self._insert(
                statement,
                mailbox,
                salt=salt,
                sentence=before.sentence,
                router=router,
                authority=authority,
                made_at=before.made_at,
            )

    def __getitem__(self, cast_id: bytes) -> OwnCast:
        """Raises `KeyError` if this person made no such cast."""
        row = self._database.row(f"{_SELECT} WHERE id = ?", (cast_id,))
        if row is None:
            raise KeyError(cast_id)
        return _own_cast(row)

    def __contains__(self, cast_id: bytes) -> bool:
        return self._database.row("SELECT 1 FROM casts WHERE id = ?", (cast_id,)) is not None

    def all(self, *states: CastState) -> list[OwnCast]:
        """The casts in one of `states`, or all, the newest first."""
        where, values = among(states)
        return [_own_cast(row) for row in self._database.rows(f"{_SELECT} {where} ORDER BY made_at DESC, id", values)]

    def record_sending(self, cast_id: bytes) -> bool:
        """It is handed in now, and from here on somebody may have it.  False if it is no draft any more."""
        changed = self._database.change(
            "UPDATE casts SET sent = 1 WHERE id = ? AND state = ?", (cast_id, CastState.DRAFT)
        )
        return changed == 1

    def record_mailbox(self, cast_id: bytes) -> None:
        """The authority keeps the mailbox now."""
        self._database.change("UPDATE casts SET mailbox_accepted = 1 WHERE id = ?", (cast_id,))

    def record_receipt(self, cast_id: bytes, receipt: bytes) -> None:
        """The router has it.  The first receipt stays; it is kept as evidence even if the cast has ended meanwhile."""
        self._database.change(
            """
            UPDATE casts
            SET receipt = coalesce(receipt, ?), state = CASE state WHEN ? THEN ? ELSE state END
            WHERE id = ?
            """,
            (receipt, CastState.DRAFT, CastState.ACCEPTED, cast_id),
        )

    def record_refusal(self, cast_id: bytes, code: str, reason: str) -> bool:
        """The router, or the authority, will not have it: a code, and a sentence.  False if it is no draft any more."""
        changed = self._database.change(
            "UPDATE casts SET state = ?, code = ?, reason = ? WHERE id = ? AND state = ?",
            (CastState.REFUSED, code, reason, cast_id, CastState.DRAFT),
        )
        return changed == 1

    def close(self, cast_id: bytes) -> bool:
        """She does not want it any more.  False if it had ended already."""
        changed = self._database.change(
            "UPDATE casts SET state = ? WHERE id = ? AND state IN (?, ?)",
            (CastState.CLOSED, cast_id, CastState.DRAFT, CastState.ACCEPTED),
        )
        return changed == 1

    def expire(self, now: int) -> int:
        """End what has expired at `now` while it was open; returns how many."""
        return self._database.change(
            "UPDATE casts SET state = ? WHERE state IN (?, ?) AND expires <= ?",
            (CastState.EXPIRED, CastState.DRAFT, CastState.ACCEPTED, now),
        )

    def _insert(
        self,
        statement: Statement,
        mailbox: Statement,
        *,
        salt: bytes,
        sentence: str,
        router: NodeAddress | None,
        authority: NodeAddress | None,
        made_at: int,
    ) -> OwnCast:
        self._database.change(
            """
            INSERT INTO casts (id, salt, statement, topic, sentence, made_at, expires, router, authority, mailbox)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            (
                statement.id,
                salt,
                statement.data,
                statement.body()["to"],
                sentence,
                made_at,
                statement.expires,
                str(router or ""),
                str(authority or ""),
                mailbox.data,
            ),
        )
        return self[statement.id]


def _own_cast(row: Row) -> OwnCast:
    name, statement, salt, topic, sentence, made_at, router, receipt, authority, mailbox, accepted, *fate = row
    sent, state, code, reason = fate
    return OwnCast(
        name=name,
        statement=parse_statement(statement),
        salt=salt,
        topic=topic,
        sentence=sentence,
        made_at=made_at,
        router=parse_node_address(router) if router else None,
        receipt=receipt,
        authority=parse_node_address(authority) if authority else None,
        mailbox=parse_statement(mailbox),
        mailbox_accepted=bool(accepted),
        sent=bool(sent),
        state=CastState(state),
        code=code,
        reason=reason,
    )
