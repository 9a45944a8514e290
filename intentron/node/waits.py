"""What waits for something outside, for what, and what its owner can do about it.

Nothing here is kept: after a restart everything is tried again, and either goes through or is told anew.
"""

from __future__ import annotations

from collections.abc import Container, Hashable
from typing import NamedTuple

from byway.errors import BywayError


class Wait(NamedTuple):
    """The reason, and the next thing to do; empty if there is nothing but to wait."""

    reason: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.next_step}" if self.next_step else self.reason


class Waits:
    """The reason for each thing that waits, by whatever identifies it."""

    def __init__(self) -> None:
        self._waits: dict[Hashable, Wait] = {}

    def put(self, thing: Hashable, reason: BywayError, next_step: str = "") -> None:
        self._waits[thing] = Wait(str(reason), next_step or reason.next_step)

    def end(self, thing: Hashable) -> None:
        """It waits no more."""
        self._waits.pop(thing, None)

    def get(self, thing: Hashable) -> Wait | None:
        """What it waits for; None if it does not wait, or was not tried yet."""
        return self._waits.get(thing)

    def keep(self, things: Container[Hashable]) -> None:
        """Nothing but these can wait still."""
        self._waits = {thing: wait for thing, wait in self._waits.items() if thing in things}
