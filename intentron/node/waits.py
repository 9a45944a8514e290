"""What waits for something outside, and for what: words for the person whose cast or offer it is.

Nothing here is kept: after a restart everything is tried again, and either goes through or is told anew.
"""

from __future__ import annotations

from collections.abc import Hashable

from byway.errors import BywayError


class Waits:
    """The reason for each thing that waits, by whatever identifies it."""

    def __init__(self) -> None:
        self._reasons: dict[Hashable, str] = {}

    def put(self, thing: Hashable, reason: BywayError) -> None:
        self._reasons[thing] = str(reason)

    def end(self, thing: Hashable) -> None:
        """It waits no more."""
        self._reasons.pop(thing, None)

    def get(self, thing: Hashable) -> str | None:
        """What it waits for, in words; None if it does not wait, or was not tried yet."""
        return self._reasons.get(thing)
