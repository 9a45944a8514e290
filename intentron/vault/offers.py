"""Offers that this person received: one that counts for each seller of each cast."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from byway.protocol.statement import Statement, parse_statement
from intentron.vault.database import Database, Row, among
from intentron.vault.names import Names


class OfferState(enum.StrEnum):
    """What became of an offer."""

    OFFERED = "offered"
    ACCEPTED = "accepted"  # an agreement is here
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"  # its seller put one with a higher serial in its place
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ReceivedOffer:
    """A seller's signed offer, and how it came."""

    name: str
    statement: Statement
    cast_id: bytes
    outer_key: bytes
    serial: int
    sequence: int
    received_at: int
    state: OfferState
    reason: str

    @property
    def id(self) -> bytes:
        return self.statement.id


_SELECT: Final = """
    SELECT name, statement, cast_id, outer_key, serial, sequence, received_at, state, reason
    FROM offers JOIN names USING (id)
"""


class Offers:
    """The offers received."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names

    def receive(
        self, statement: Statement, *, cast_id: bytes, outer_key: bytes, serial: int, sequence: int, now: int
    ) -> ReceivedOffer | None:
        """Keep an offer that was checked against what it came in; None if it has no effect.

        It has none if this serial of the outer key, or a higher one, is here already, or if an offer of the outer key
        was accepted.  A higher serial withdraws what was still offered before it.
        """
        with self._database.transaction():
            stands = self._database.row(
                "SELECT 1 FROM offers WHERE cast_id = ? AND outer_key = ? AND (serial >= ? OR state = ?)",
                (cast_id, outer_key, serial, OfferState.ACCEPTED),
            )
            if stands:
                return None
            self._names.give("O", statement.id)
            self._database.change(
                "UPDATE offers SET state = ? WHERE cast_id = ? AND outer_key = ? AND state = ?",
                (OfferState.WITHDRAWN, cast_id, outer_key, OfferState.OFFERED),
            )
            self._database.change(
                """
                INSERT INTO offers (id, cast_id, statement, outer_key, serial, sequence, received_at, expires)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                (statement.id, cast_id, statement.data, outer_key, serial, sequence, now, statement.expires),
            )
            return self[statement.id]

    def __getitem__(self, offer_id: bytes) -> ReceivedOffer:
        """Raises `KeyError` if no such offer came."""
        row = self._database.row(f"{_SELECT} WHERE id = ?", (offer_id,))
        if row is None:
            raise KeyError(offer_id)
        return _received_offer(row)

    def __contains__(self, offer_id: bytes) -> bool:
        return self._database.row("SELECT 1 FROM offers WHERE id = ?", (offer_id,)) is not None

    def all(self, *states: OfferState) -> list[ReceivedOffer]:
        """The offers in one of `states`, or all, in the order in which they came."""
        where, values = among(states)
        rows = self._database.rows(f"{_SELECT} {where} ORDER BY received_at, sequence, id", values)
        return [_received_offer(row) for row in rows]

    def to_cast(self, cast_id: bytes) -> list[ReceivedOffer]:
        """Every offer to one cast, in the order in which they came."""
        rows = self._database.rows(f"{_SELECT} WHERE cast_id = ? ORDER BY received_at, sequence, id", (cast_id,))
        return [_received_offer(row) for row in rows]

    def decline(self, offer_id: bytes, reason: str) -> bool:
        """She does not take it; `reason` as in wire-protocol section 4.7.  False if it was not on offer any more."""
        changed = self._database.change(
            "UPDATE offers SET state = ?, reason = ? WHERE id = ? AND state = ?",
            (OfferState.DECLINED, reason, offer_id, OfferState.OFFERED),
        )
        return changed == 1

    def expire(self, now: int) -> int:
        """End what has expired at `now` while it was open; returns how many."""
        return self._database.change(
            "UPDATE offers SET state = ? WHERE state = ? AND expires <= ?",
            (OfferState.EXPIRED, OfferState.OFFERED, now),
        )

    def forget(self, expired_by: int) -> int:
        """Drop what had expired at `expired_by` and was not accepted; returns how many."""
        return self._database.change(
            "DELETE FROM offers WHERE state <> ? AND expires <= ?", (OfferState.ACCEPTED, expired_by)
        )


def _received_offer(row: Row) -> ReceivedOffer:
    name, statement, cast_id, outer_key, serial, sequence, received_at, state, reason = row
    return ReceivedOffer(
        name=name,
        statement=parse_statement(statement),
        cast_id=cast_id,
        outer_key=outer_key,
        serial=serial,
        sequence=sequence,
        received_at=received_at,
        state=OfferState(state),
        reason=reason,
    )
