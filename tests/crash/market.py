"""A market at one router: publishers, subscribers and whoever does damage, all of them witnesses."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import trio

from byway.clock import now_ms
from byway.node_address import NodeAddress
from tests.checker.evidence import SystemClock, Witness
from tests.checker.names import selects
from tests.crash.parties import Publisher, Subscriber, Wish, seeded
from tests.crash.tallying import Made, Tallying

PUBLISHERS: Final = 3
DRAIN_WITHIN_S: Final = 30.0
WISHES: Final = (
    Wish("exact", "open:homes:boston"),
    Wish("one", "open:homes:*", clumsy=0.1),
    Wish("rest", "open:**"),
    Wish("choosy", "open:homes:**", beds=2),
    Wish("away", "open:food:**", stays_s=0.4, away_s=1.5),
)


class Market:
    """Who takes part.  `open_market` makes one."""

    def __init__(self, at: NodeAddress, folder: Path, chance: Random, wishes: Sequence[Wish], publishers: int) -> None:
        self.evidence = folder
        self.tallying = Tallying(now_ms)
        self.nemesis = self._witness("nemesis", "fault injector")
        self.wishes = wishes
        self.publishers = [
            Publisher(at, self._witness(f"publisher-{number}", "publisher"), self.tallying, seeded(chance.random()))
            for number in range(publishers)
        ]
        self.subscribers = [
            Subscriber(at, self._witness(wish.sub, "subscriber"), self.tallying, seeded(chance.random()), wish)
            for wish in wishes
        ]
        self.faults = 0

    @contextmanager
    def fault(self, name: str) -> Generator[None]:
        """Something is wrong inside the block; the market has to live with it.  A name for each time."""
        self.faults += 1
        self.nemesis.note("fault-start", fault=name)
        yield
        self.nemesis.note("fault-stop", fault=name)

    def measured(self, what: str, value: float, most: float) -> None:
        """A figure, and what it must not pass."""
        self.nemesis.note("measured", what=what, value=value, most=most)

    def note(self, event: str, **fields: Any) -> None:
        """What else the fault injector has to say."""
        self.nemesis.note(event, **fields)

    async def load(self, receipts: int, within_s: float) -> int:
        """Wait for so many more receipts; how many came in that time."""
        before = len(self.tallying.promised)
        with trio.move_on_after(within_s):
            await self.tallying.until(lambda: len(self.tallying.promised) >= before + receipts)
        return len(self.tallying.promised) - before

    def missing(self) -> int:
        """How many promised casts have not come to somebody who wished for them, and are still current."""
        now = now_ms()
        return sum(
            wants(wish, made) and cast not in self.tallying.done[wish.sub]
            for cast, made in self.tallying.promised.items()
            if made.statement.expires > now
            for wish in self.wishes
        )

    def _witness(self, name: str, role: str) -> Witness:
        return Witness(self.evidence, name, SystemClock(), role=role)


def wants(wish: Wish, made: Made) -> bool:
    """Whether somebody who wished so is waiting for it."""
    short = wish.beds is not None and made.beds is not None and made.beds < wish.beds
    return selects(wish.pattern, made.topic) and not short


@asynccontextmanager
async def open_market(
    at: NodeAddress,
    folder: Path,
    chance: Random,
    *,
    wishes: Sequence[Wish] = WISHES,
    publishers: int = PUBLISHERS,
    drain_within_s: float = DRAIN_WITHIN_S,
) -> AsyncGenerator[Market]:
    """Everybody is at work inside the block, and at its end the router has to serve.  Then they finish.

    Their evidence is in `folder`, and complete.
    """
    folder.mkdir()
    market = Market(at, folder, chance, wishes, publishers)
    async with trio.open_nursery() as subscribing:
        for subscriber in market.subscribers:
            subscribing.start_soon(subscriber.run)
        async with trio.open_nursery() as publishing:
            for publisher in market.publishers:
                publishing.start_soon(publisher.run)
            yield market
            market.note("heal")
            for publisher in market.publishers:
                publisher.ends = True
            publishing.cancel_scope.deadline = trio.current_time() + drain_within_s
        with trio.move_on_after(drain_within_s):
            await market.tallying.until(lambda: not market.missing())
        for subscriber in market.subscribers:
            subscriber.stop()
        subscribing.cancel_scope.deadline = trio.current_time() + drain_within_s
    market.note("end-of-drain")
