"""Agreements: what both sides signed, the same bytes in both vaults."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from byway.protocol.statement import Statement, parse_statement
from intentron.vault.answers import AnswerState
from intentron.vault.database import Database, Row
from intentron.vault.offers import OfferState


class Side(enum.StrEnum):
    """Which of the two is the owner of this vault."""

    PERSON = "person"
    SELLER = "seller"


@dataclass(frozen=True, slots=True)
class KeptAgreement:
    """The agreement statement, which holds the offer, and whose side we are on."""

    statement: Statement
    offer_id: bytes
    cast_id: bytes
    side: Side
    made_at: int

    @property
    def id(self) -> bytes:
        return self.statement.id


_SELECT: Final = "SELECT statement, offer_id, cast_id, side, made_at FROM agreements"


class Agreements:
    """The agreements made, at most one for each offer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, statement: Statement, *, offer_id: bytes, cast_id: bytes, now: int) -> KeptAgreement | None:
        """The person accepts an offer that she received: keep the agreement, and the offer is `accepted`.

        None, and nothing is changed, if the offer is not on offer any more.
        """
        with self._database.transaction():
            if not self._database.change(
                "UPDATE offers SET state = ? WHERE id = ? AND cast_id = ? AND state = ?",
                (OfferState.ACCEPTED, offer_id, cast_id, OfferState.OFFERED),
            ):
                return None
            return self._keep(statement, offer_id, cast_id, Side.PERSON, now)

    def receive(self, statement: Statement, *, offer_id: bytes, cast_id: bytes, now: int) -> KeptAgreement | None:
        """The seller receives an agreement that was checked: keep it, and the answer is `accepted`, whatever it was.

        Two signatures outweigh what was heard before.  None, and nothing is changed, if the offer was agreed to
        already, or was not made here.
        """
        with self._database.transaction():
            if not self._database.change(
                "UPDATE answers SET state = ?, reason = '' WHERE id = ? AND cast_id = ? AND state <> ?",
                (AnswerState.ACCEPTED, offer_id, cast_id, AnswerState.ACCEPTED),
            ):
                return None
            return self._keep(statement, offer_id, cast_id, Side.SELLER, now)

    def about(self, offer_id: bytes) -> KeptAgreement | None:
        """The agreement about one offer."""
        row = self._database.row(f"{_SELECT} WHERE offer_id = ?", (offer_id,))
        return _kept_agreement(row) if row else None

    def all(self) -> list[KeptAgreement]:
        """Every agreement, the newest first."""
        return [_kept_agreement(row) for row in self._database.rows(f"{_SELECT} ORDER BY made_at DESC, id")]

    def _keep(self, statement: Statement, offer_id: bytes, cast_id: bytes, side: Side, now: int) -> KeptAgreement:
        self._database.change(
            "INSERT INTO agreements (id, offer_id, cast_id, statement, side, made_at) VALUES (?, ?, ?, ?, ?, ?)",
            (statement.id, offer_id, cast_id, statement.data, side, now),
        )
        return KeptAgreement(statement, offer_id, cast_id, side, now)


def _kept_agreement(row: Row) -> KeptAgreement:
    statement, offer_id, cast_id, side, made_at = row
    return KeptAgreement(parse_statement(statement), offer_id, cast_id, Side(side), made_at)
