"""Room for the records of nodes, which anybody may make and sign: keys are free.  Pure.

A record that was replaced is in the journal until it expires, so it counts until then.  What an address prefix hands in
is counted without keeping who came from where: it has a bucket that is full again after the longest lifetime.
"""

from __future__ import annotations

import math
from typing import Final

from byway.bucket import Buckets
from byway.errors import Refused, StatementError
from byway.protocol.limits import DAY_MS, HOUR_MS
from byway.protocol.statement import Statement

LONGEST_LIFE_MS: Final = 60 * DAY_MS  # of a node's record, which its node renews; others are not kept out for longer
RECORDS_BYTES: Final = 268_435_456  # about half a million nodes
PREFIX_PART: Final = 4  # of all room, for one address prefix
FULL: Final = "this authority keeps as many records of nodes as it takes on"
SHARE_USED_UP: Final = "the network that it comes from has registered more than its share"


class RecordRoom:
    """How much the records of nodes take up, rebuilt from the journal at start, and who may still add some."""

    def __init__(self, most_bytes: int = RECORDS_BYTES) -> None:
        self._most_bytes = most_bytes
        self._held: dict[bytes, tuple[int, int]] = {}  # by id: when it expires, and its size
        self._used = 0
        share = most_bytes / PREFIX_PART
        self._prefixes = Buckets(rate=share / (LONGEST_LIFE_MS / 1000), burst=share)

    def admit(self, statement: Statement, prefix: str, now_ms: int) -> None:
        """Take this much from the share of a prefix, unless the record is held already.

        Raises `StatementError` (`lifetime-too-long`), and `Refused` (`busy`) where there is no room.
        """
        if statement.id in self._held:
            return
        if statement.expires - now_ms > LONGEST_LIFE_MS:
            raise StatementError("an authority keeps the record of a node for 60 days", code="lifetime-too-long")
        if self._used + len(statement.data) > self._most_bytes:
            raise Refused("busy", FULL, HOUR_MS)
        if wait_s := self._prefixes.wait(prefix, now_ms / 1000):
            raise Refused("busy", SHARE_USED_UP, math.ceil(wait_s * 1000))
        self._prefixes.spend(prefix, now_ms / 1000, len(statement.data))

    def hold(self, statement: Statement) -> None:
        """The record is in the journal."""
        if statement.id not in self._held:
            self._held[statement.id] = statement.expires, len(statement.data)
            self._used += len(statement.data)

    def expire(self, now_ms: int) -> None:
        """Forget what has expired."""
        self._held = {each: held for each, held in self._held.items() if held[0] > now_ms}
        self._used = sum([size for _, size in self._held.values()])
