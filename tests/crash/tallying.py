"""What is still to come in a run, so that it ends when everything has; the verdict is the checker's, not this one's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import trio

from byway.errors import Refused
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement


class Made(NamedTuple):
    """A cast that somebody publishes, and what decides who wants it."""

    statement: Statement
    topic: str
    beds: int | None


@dataclass(slots=True)
class Tallying:
    """Counts of what publishers were promised and of what subscribers have done, by subscription."""

    now_ms: Callable[[], int]
    receipts: int = 0
    promised: dict[bytes, Made] = field(default_factory=dict)
    refused: list[tuple[Made, Refused]] = field(default_factory=list)
    done: defaultdict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    acked: defaultdict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    surprises: list[str] = field(default_factory=list)
    began_again: int = 0  # links that were lost
    _news: trio.Event = field(default_factory=trio.Event)

    def answered(self, made: Made, answer: Receipt | Refused) -> None:
        """Somebody has a receipt, or a refusal that is for good."""
        if isinstance(answer, Refused):
            self.refused.append((made, answer))
        else:
            self.receipts += 1
            self.promised[made.statement.id] = made
        self._tell()

    def handled(self, sub: str, cast: bytes) -> None:
        """Somebody has done what a cast makes them do, and acked it."""
        self.acked[sub].add(cast)
        self._tell()

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that an answer or an effect brings."""
        while not reached():
            await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()
