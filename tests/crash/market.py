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
from tests.crash.hostile import Forger, StaleAcker
from tests.crash.parties import Publisher, Subscriber, Wish, seeded
from tests.crash.tallying import Made, Tallying

PUBLISHERS: Final = 3
DRAIN_WITHIN_S: Final = 30.0
WISHES: Final = (
    Wish("exact", "open:homes:boston"),
    Wish("one", "open:homes:*", clumsy=0.02),
    Wish("rest", "open:**"),
    Wish("choosy", "open:homes:**", beds=2),
    Wish("away", "open:food:**", stays_s=0.4, away_s=1.5),
)
STALE: Final = Wish("stale", "open:food:*", stays_s=1.0)


class Market:
    """Who takes part.  `open_market` makes one."""

    def __init__(
        self,
        at: NodeAddress,
        folder: Path,
        chance: Random,
        *,
        wishes: Sequence[Wish],
        publishers: int,
        skew_ms: int,
    ) -> None:
        folder.mkdir()
        self.evidence = folder
        self._skew_ms = skew_ms
        self.tallying = Tallying(now_ms)
        self.nemesis = self._witness("nemesis", "fault injector")
        self.wishes = [*wishes, STALE]
        self.forger = Forger(at, self._witness("forger", "publisher"), self.tallying, seeded(chance.random()))
        self.publishers = [
            Publisher(at, self._witness(f"publisher-{number}", "publisher"), self.tallying, seeded(chance.random()))
            for number in range(publishers)
        ]
        self.subscribers = [
            kind(at, self._witness(wish.sub, "subscriber"), self.tallying, seeded(chance.random()), wish)
            for kind, wish in [*((Subscriber, wish) for wish in wishes), (StaleAcker, STALE)]
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
        before = self.tallying.receipts
        with trio.move_on_after(within_s):
            await self.tallying.until(lambda: self.tallying.receipts >= before + receipts)
        return self.tallying.receipts - before

    def missing(self) -> int:
        """How many promised casts have not been acked by somebody who wished for them, and are still current."""
        now = now_ms()
        return sum(
            wants(wish, made) and cast not in self.tallying.acked[wish.sub]
            for cast, made in self.tallying.promised.items()
            if made.statement.expires > now
            for wish in self.wishes
        )

    def _witness(self, name: str, role: str) -> Witness:
        return Witness(self.evidence, name, SystemClock(), role=role, skew_ms=self._skew_ms)


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
    skew_ms: int = 0,
) -> AsyncGenerator[Market]:
    """Everybody is at work inside the block, and at its end the router has to serve.  Then they finish.

    Their evidence is in `folder`, and complete.  `skew_ms`: so far may the clocks of router and witnesses be apart.
    """
    market = Market(at, folder, chance, wishes=wishes, publishers=publishers, skew_ms=skew_ms)
    async with trio.open_nursery() as subscribing:
        for subscriber in market.subscribers:
            subscribing.start_soon(subscriber.run)
        async with trio.open_nursery() as publishing:
            for publisher in market.publishers:
                publishing.start_soon(publisher.run)
            async with trio.open_nursery() as forging:
                forging.start_soon(market.forger.run)
                yield market
                forging.cancel_scope.cancel()
            market.note("heal")
            for publisher in market.publishers:
                publisher.finish()
            publishing.cancel_scope.deadline = trio.current_time() + drain_within_s
        with trio.move_on_after(drain_within_s):
            await market.tallying.until(lambda: not market.missing())
        for subscriber in market.subscribers:
            subscriber.stop()
        subscribing.cancel_scope.deadline = trio.current_time() + drain_within_s
    market.note("end-of-drain")
