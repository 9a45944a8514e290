"""What is kept in memory to be handed on: each statement once, however many subscriptions it waits for."""

from __future__ import annotations

from typing import Final

from byway.protocol.frames import Entry

MAX_MEMORY_BYTES: Final = 268_435_456  # of statements, for a whole node; what is more waits on the disk


class Ready:
    """A statement to deliver, packed once for all its subscribers.  `name` is its id and its signer."""

    __slots__ = ("entry", "expires", "holders", "name", "size")

    def __init__(self, entry: Entry, expires: int, name: tuple[bytes, bytes] = (b"", b"")) -> None:
        self.entry = entry
        self.size = len(entry.statement)
        self.expires = expires
        self.name = name
        self.holders = 0


class Memory:
    """Counts the bytes that are held, against one limit for all subscriptions of a node."""

    def __init__(self, limit: int = MAX_MEMORY_BYTES) -> None:
        self.limit = limit
        self.used = 0

    @property
    def is_full(self) -> bool:
        return self.used >= self.limit

    def hold(self, ready: Ready) -> None:
        """One subscription more has it waiting or in flight."""
        if not ready.holders:
            self.used += ready.size
        ready.holders += 1

    def release(self, ready: Ready) -> None:
        """One subscription has done with it."""
        ready.holders -= 1
        if not ready.holders:
            self.used -= ready.size
