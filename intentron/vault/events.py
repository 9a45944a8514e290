"""What happened in this vault, in order, for whoever follows it: an API, a command, a demonstration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from intentron.vault.database import Database

KEPT: Final = 10_000  # some days of a busy seller; a follower that is further behind asks for the state instead


@dataclass(frozen=True, slots=True)
class Event:
    """One fact: its number, when, what happened, and to what, in short names and words."""

    number: int
    at: int
    event: str
    about: dict[str, Any]


class Events:
    """The facts, numbered from 1 in the order in which they became true."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, event: str, *, now: int, **about: Any) -> None:
        """Note a fact; call it in the transaction of the change that makes it true."""
        self._database.change(
            "INSERT INTO events (at, event, about) VALUES (?, ?, ?)",
            (now, event, json.dumps(about, ensure_ascii=False, separators=(",", ":"))),
        )

    def after(self, number: int, limit: int = 1000) -> list[Event]:
        """The first `limit` facts with a number above `number`."""
        rows = self._database.rows(
            "SELECT number, at, event, about FROM events WHERE number > ? ORDER BY number LIMIT ?", (number, limit)
        )
        return [Event(found, at, event, json.loads(about)) for found, at, event, about in rows]

    def forget(self) -> int:
        """Drop all but the newest `KEPT`; returns how many went."""
        return self._database.change(
            "DELETE FROM events WHERE number <= (SELECT coalesce(max(number), 0) FROM events) - ?", (KEPT,)
        )
