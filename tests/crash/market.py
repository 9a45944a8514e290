"""A market at one router: publishers, subscribers, whoever does damage and a probe, all of them witnesses."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
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
from tests.crash.parties import Publisher, Sealer, Subscriber, Wish, seeded
from tests.crash.probe import LEAST, Probe
from tests.crash.router_process import RouterProcess
from tests.crash.tallying import Made, Tallying

PUBLISHERS: Final = 3
DRAIN_WITHIN_S: Final = 30.0
LOOK_EVERY_S: Final = 0.2
AWAY_MS: Final = 200  # more than a process waits for its turn on a machine that is only busy
WISHES: Final = (
    Wish("exact", "open:homes:boston"),
    Wish("one", "open:homes:*", clumsy=0.02),
    Wish("rest", "open:**"),
    Wish("choosy", "open:homes:**", beds=2),
    Wish("away", "open:food:**", stays_s=0.4, away_s=1.5),
)
NO_SECRETS: Final[Mapping[bytes, str]] = {}
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
        secrets: Mapping[bytes, str],
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
        self.sealer = Sealer(at, self._witness("sealer", "publisher"), seeded(chance.random()))
        self.probe = Probe(at)
        self.faults = 0
        self.away_ms = 0
        self._wanted: dict[bytes, tuple[str, ...]] = {}
        for secret, what in {**secrets, **self.sealer.secrets}.items():
            self.nemesis.note("canary", secret=secret, what=what)

    @contextmanager
    def fault(self, name: str) -> Generator[None]:
        """Something is wrong inside the block; the market has to live with it.  A name for each time."""
        self.faults += 1
        self.nemesis.note("fault-start", fault=name)
        with self.probe.disturbed():
            yield
        self.nemesis.note("fault-stop", fault=name)

    async def pause(self, router: RouterProcess, seconds: float, name: str) -> None:
        """A fault: the router is stopped for so long."""
        with self.fault(name):
            began = trio.current_time()
            router.pause()
            await trio.sleep(seconds)
            router.go_on()
            self.note("stopped", node=router.at.node, ms=_ms_since(began))

    async def notice_standstills(self) -> None:
        """Note each time that these parties, and perhaps the whole machine, did not run.  Until cancelled."""
        while True:
            began = trio.current_time()
            await trio.sleep(LOOK_EVERY_S)
            away_ms = _ms_since(began + LOOK_EVERY_S)
            if away_ms > AWAY_MS:
                self.note("away", ms=away_ms)
                self.away_ms += away_ms

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
            cast not in self.tallying.acked[sub]
            for cast, made in self.tallying.promised.items()
            if made.statement.expires > now
            for sub in self._wanted_by(cast, made)
        )

    async def nothing_missing(self) -> None:
        """Wait until that is so.  It is not looked at with each ack: counting would take the time that acking needs."""
        while True:
            if not self.missing():
                return
            await trio.sleep(LOOK_EVERY_S)

    def _wanted_by(self, cast: bytes, made: Made) -> tuple[str, ...]:
        """The subscriptions that it is for; worked out once, because there are thousands of casts."""
        wanted = self._wanted.get(cast)
        if wanted is None:
            wanted = self._wanted[cast] = tuple(wish.sub for wish in self.wishes if wants(wish, made))
        return wanted

    def _witness(self, name: str, role: str) -> Witness:
        return Witness(self.evidence, name, SystemClock(), role=role, skew_ms=self._skew_ms)


def _ms_since(began: float) -> int:
    return round(1000 * (trio.current_time() - began))


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
    secrets: Mapping[bytes, str] = NO_SECRETS,
) -> AsyncGenerator[Market]:
    """Everybody is at work inside the block, and at its end the router has to serve.  Then they finish.

    Their evidence is in `folder`, and complete.  `skew_ms`: so far may the clocks of router and witnesses be apart.
    `secrets` are known to the router, with a word for each, and may be read nowhere.
    """
    market = Market(at, folder, chance, wishes=wishes, publishers=publishers, skew_ms=skew_ms, secrets=secrets)
    async with trio.open_nursery() as probing:
        probing.start_soon(market.probe.run)
        async with trio.open_nursery() as noticing:
            noticing.start_soon(market.notice_standstills)
            async with _at_work(market, drain_within_s):
                yield market
            with trio.move_on_after(drain_within_s):
                await market.probe.has(LEAST)
            noticing.cancel_scope.cancel()
        market.probe.stop()
    market.probe.tell(market.nemesis)
    market.note("end-of-drain")


@asynccontextmanager
async def _at_work(market: Market, drain_within_s: float) -> AsyncGenerator[None]:
    """Publishers, subscribers and those who do damage; at its end all who keep to the rules finish."""
    async with trio.open_nursery() as subscribing:
        for subscriber in market.subscribers:
            subscribing.start_soon(subscriber.run)
        async with trio.open_nursery() as publishing:
            for publisher in market.publishers:
                publishing.start_soon(publisher.run)
            publishing.start_soon(market.sealer.run)
            async with trio.open_nursery() as forging:
                forging.start_soon(market.forger.run)
                yield
                forging.cancel_scope.cancel()
            market.note("heal")
            for publisher in market.publishers:
                publisher.finish()
            publishing.cancel_scope.deadline = trio.current_time() + drain_within_s
        with trio.move_on_after(drain_within_s):
            await market.nothing_missing()
        for subscriber in market.subscribers:
            subscriber.stop()
        subscribing.cancel_scope.deadline = trio.current_time() + drain_within_s
