"""One mailbox: what it may hold, and what counts in it.  Pure.

Of several sealed statements by one signer only the highest serial counts, so the room that a signer takes is bounded
by one statement; how often it may say something new is bounded too (wire-protocol sections 4.3 and 4.4).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from byway.errors import Refused
from byway.protocol.limits import MAX_SERIALS
from byway.protocol.mailbox import Mailbox as MailboxBody
from byway.protocol.seal import Sealed
from byway.protocol.statement import Statement
from byway.router.policy import Unstamped

KEPT_PART: Final = 4  # a quarter, rounded down: a crowd of free keys that works for nothing cannot take all of it
STAMP_WITHIN_MS: Final = 1_000  # the node asks for stamps for some seconds from now on
TOO_OFTEN: Final = "its signer has had as many statements in this mailbox as one signer may"
NEEDS_STAMP: Final = "what is left of the mailbox is kept for those who bring a stamp"


@dataclass(frozen=True, slots=True)
class _Held:
    statement_id: bytes
    serial: int
    size: int
    expires: int


class Mailbox:
    """The state of one mailbox, rebuilt from the journal at start."""

    def __init__(self, statement: Statement) -> None:
        self.closed = False
        self._held: dict[bytes, _Held] = {}  # by signer
        self._coming: dict[bytes, dict[bytes, _Held]] = {}  # admitted, and not known to be durable yet
        self._taken: Counter[bytes] = Counter()  # by signer: what came, or was in the journal at start
        self.renew(statement)

    def renew(self, statement: Statement) -> None:
        """Take over what a later `mailbox` statement of the same key asks for."""
        body = MailboxBody.from_statement(statement)
        self.statement_id = statement.id
        self.created = statement.created
        self.expires = statement.expires
        self._max_messages = body.messages
        self._max_bytes = body.bytes

    def admit(self, statement: Statement, sealed: Sealed, now_ms: int, *, stamped: bool) -> None:
        """Make room for a sealed statement; the last quarter of the messages is for those that came `stamped`.

        Raises `Refused`: `older-serial`, `mailbox-full`, or `Unstamped` (`busy`).
        """
        coming = self._coming.get(statement.signer, {})
        held = self._held.get(statement.signer)
        if (held and held.statement_id == statement.id) or statement.id in coming:
            return
        if any(sealed.serial <= other.serial for other in (*coming.values(), *([held] if held else []))):
            raise Refused("older-serial")
        if self._taken[statement.signer] + len(coming) >= MAX_SERIALS:
            raise Refused("mailbox-full", TOO_OFTEN)
        others = self._counted(now_ms, without=statement.signer)
        size = len(statement.data)
        messages, size_with_it = len(others) + 1, sum(item.size for item in others) + size
        if messages > self._max_messages or size_with_it > self._max_bytes:
            raise Refused("mailbox-full")
        kept = self._max_messages // KEPT_PART
        kept_bytes = self._max_bytes * kept // self._max_messages
        if not stamped and (messages > self._max_messages - kept or size_with_it > self._max_bytes - kept_bytes):
            raise Unstamped("busy", NEEDS_STAMP, STAMP_WITHIN_MS)
        item = _Held(statement.id, sealed.serial, size, statement.expires)
        self._coming.setdefault(statement.signer, {})[statement.id] = item

    def release(self, statement: Statement) -> None:
        """The sealed statement does not come, or is there: no room has to be kept for it any more."""
        coming = self._coming.get(statement.signer)
        if coming:
            coming.pop(statement.id, None)
            if not coming:
                del self._coming[statement.signer]

    def hold(self, statement: Statement, sealed: Sealed) -> None:
        """The sealed statement is in the journal."""
        self.release(statement)
        self._taken[statement.signer] += 1
        held = self._held.get(statement.signer)
        if held is None or sealed.serial > held.serial:
            item = _Held(statement.id, sealed.serial, len(statement.data), statement.expires)
            self._held[statement.signer] = item

    def counts(self, statement: Statement) -> bool:
        """Whether this sealed statement is the one that counts of its signer."""
        held = self._held.get(statement.signer)
        return held is not None and held.statement_id == statement.id

    def _counted(self, now_ms: int, *, without: bytes) -> list[_Held]:
        """The largest of each other signer that has not expired."""
        self._held = {signer: item for signer, item in self._held.items() if item.expires > now_ms}
        largest: dict[bytes, _Held] = {}
        for signer, item in [
            *self._held.items(),
            *((signer, item) for signer, items in self._coming.items() for item in items.values()),
        ]:
            if signer != without and (signer not in largest or item.size > largest[signer].size):
                largest[signer] = item
        return list(largest.values())
