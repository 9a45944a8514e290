"""A small run of real parts that keeps every promise: the evidence that the checker's own tests begin with.

Routers, sessions, stores, links and client library are real; network and clock are those of a scenario.  A seller is
away, the router is killed, a cast is handed in again, one is closed, one comes too late, one is badly signed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
from nacl.signing import SigningKey
from trio.testing import MockClock

from byway.errors import LinkError, Refused
from byway.link.client import Client
from byway.protocol.close import Close
from byway.protocol.facets import Facet, Integer, Money, Place
from byway.protocol.intentcast import Cast
from byway.protocol.limits import HOUR_MS, MINUTE_MS
from byway.protocol.mailbox import Mailbox
from byway.protocol.statement import Kind, Statement, make_statement
from byway.protocol.urn import mailbox_urn
from tests.checker.evidence import Witness
from tests.checker.witnesses import NOBODY, Effects, witnessed
from tests.scenarios.byway_in_a_process import Machine, World, byway_in_a_process
from tests.vectors.notation import damaged

TOPICS = tuple(f"urn:byway:topic:open:{path}" for path in ("homes:boston", "homes:cambridge:condo", "food:eggs"))
CANARY = b"the canary of the honest run"
AGAIN_AFTER_S = 0.3

TWO_BEDS = [">=", "beds", ["integer", 2, 2]]
NEAR_BOSTON = ["or", ["near", "where", 42_360_000, -71_060_000, 20_000], ["known", "price"]]


class WorldClock:
    """The virtual time of a world, for witnesses."""

    def __init__(self, world: World) -> None:
        self._world = world

    def monotonic_ns(self) -> int:
        return round(trio.current_time() * 1e9)

    def wall_ns(self) -> int:
        return self._world.now_ms() * 1_000_000


class HonestRun:
    """Who takes part, and their witnesses, which write to `folder`."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self._clock = WorldClock(world)
        self._number = 0
        self._stop = trio.Event()

    async def run(self) -> None:
        world, router = self._world, self._world.router
        nemesis = self._witness("nemesis")
        nemesis.note("canary", secret=CANARY, what="the canary")
        async with trio.open_nursery() as sellers:
            sellers.start_soon(self._sell, "all", "open:**", None, set())
            sellers.start_soon(self._sell, "beds", "open:homes:**", TWO_BEDS, set())
            sellers.start_soon(self._sell, "near", "open:*:*", NEAR_BOSTON, set())
            sellers.start_soon(self._visit, "away", "open:food:*")
            await trio.sleep(0.1)
            casts = [self._cast(number) for number in range(24)]
            await self._hand_in("buyer", router, casts[:12])
            await self._close(casts[0])
            nemesis.note("fault-start", fault="the router is killed")
            await router.kill()
            await trio.sleep(1)
            await router.start()
            nemesis.note("fault-stop", fault="the router is killed")
            nemesis.note("heal")
            late = self._cast(99, lives_ms=1)
            forged = damaged(self._cast(98))
            await trio.sleep(2)
            hostile = {forged.id: "its signature is bad"}
            await self._hand_in("buyer-again", router, [*casts[6:], late, forged], hostile=hostile)
            await self._exchange(casts[1])
            await self._resolve()
            await trio.sleep(8)  # who was away has come back, and acks are signed for
            self._stop.set()
        nemesis.note("measured", what="longest stall of the loop, ms", value=12, most=100)
        nemesis.note("end-of-drain")
        nemesis.close()
        for machine in (world.router, world.messaging):
            await machine.kill()

    async def _sell(
        self, sub: str, pattern: str, filter_: object, done: set[bytes], stays_s: float = float("inf")
    ) -> None:
        """Subscribe and take what comes, on one link after the other, until the run is over or `stays_s` are."""
        world, place, key = self._world, self._world.router.place, SigningKey(sub.encode().ljust(32))
        with self._witness(sub) as witness, trio.move_on_after(stays_s):
            effects = Effects(witness, place.node, bytes(key.verify_key), sub, done)
            while not self._stop.is_set():
                with suppress(LinkError):
                    async with self._linked(world.router, key, witness) as client:
                        await self._take(client, effects, sub, pattern, filter_)
                await trio.sleep(AGAIN_AFTER_S)

    async def _take(self, client: Client, effects: Effects, sub: str, pattern: str, filter_: object) -> None:
        async with client.subscribe(sub, pattern, filter_) as subscription, trio.open_nursery() as nursery:

            async def stop() -> None:
                await self._stop.wait()
                nursery.cancel_scope.cancel()

            nursery.start_soon(stop)
            try:
                async for delivery in subscription:
                    effects.take(subscription, delivery)
            except LinkError:
                nursery.cancel_scope.cancel()

    async def _visit(self, sub: str, pattern: str) -> None:
        """As `_sell`, but not there while the router is killed."""
        done: set[bytes] = set()
        await self._sell(sub, pattern, None, done, stays_s=1.0)
        await trio.sleep(3)
        await self._sell(sub, pattern, None, done)

    async def _hand_in(
        self,
        name: str,
        at: Machine,
        statements: Sequence[Statement],
        *,
        key: SigningKey | None = None,
        hostile: Mapping[bytes, str] = NOBODY,
    ) -> None:
        """Submit on a link of `key`, or of a fresh one."""
        key = key or SigningKey(self._world.random(32))
        with self._witness(name) as witness:
            async with self._linked(at, key, witness, hostile) as client:
                for answer in await client.submit(statements):
                    if isinstance(answer, Refused):
                        assert answer.code in ("expired", "bad-signature"), answer

    async def _close(self, cast: Statement) -> None:
        body = Close(cast=cast.id, to=str(cast.body()["to"]), until=cast.expires)
        made = body.sign(SigningKey(b"cast 0".ljust(32)), created=cast.created, expires=cast.expires)
        await self._hand_in("closer", self._world.router, [made])

    async def _exchange(self, cast: Statement) -> None:
        """A mailbox is opened and filled, and its owner empties it."""
        world, now = self._world, self._world.now_ms()
        owner, seller, at = SigningKey(b"cast 1".ljust(32)), SigningKey(b"o" * 32), world.messaging
        box = mailbox_urn(bytes(owner.verify_key))
        opened = Mailbox(at=at.node, messages=5, bytes=10_000).sign(owner, created=now, expires=now + HOUR_MS)
        await self._hand_in("mailbox", at, [opened], key=owner)
        for serial in (1, 2):
            fields = {"to": box, "cast": cast.id, "serial": serial, "suite": 1, "key": b"k" * 32, "commit": b"c" * 32}
            body = fields | {"nonce": b"n" * 24, "box": b"b" * 64}
            made = make_statement(seller, Kind.SEALED, body, created=now, expires=now + HOUR_MS)
            await self._hand_in(f"offer-{serial}", at, [made], key=seller)
        with self._witness("owner") as witness:
            effects = Effects(witness, at.node, bytes(owner.verify_key), "offers", set())
            async with (
                self._linked(at, owner, witness) as client,
                client.subscribe("offers", box) as subscription,
            ):
                with trio.move_on_after(1):
                    async for delivery in subscription:
                        effects.take(subscription, delivery)
                await subscription.settled()

    async def _resolve(self) -> None:
        """A topic is registered, and somebody asks for it."""
        world = self._world
        topic, at = world.topic("homes"), world.addressing
        await world.register(topic)
        with self._witness("asker") as witness:
            async with self._linked(at, SigningKey(world.random(32)), witness) as client:
                await client.resolve(topic)

    def _cast(self, number: int, *, lives_ms: int = HOUR_MS) -> Statement:
        now = self._world.now_ms()
        facets: dict[str, Facet] = {}
        if number % 4:
            facets["beds"] = Integer(number % 4, number % 4)
        if number % 3 == 0:
            facets["where"] = Place(42_360_000 + number * 10_000, -71_060_000, 500)
        if number % 5 == 0:
            facets["price"] = Money("USD", None, number * 1000)
        body = Cast.from_wire(
            {
                "to": TOPICS[number % len(TOPICS)],
                "facets": {name: facet.wire() for name, facet in facets.items()},
                "demand": {"@type": "Demand", "name": f"wish {number}"},
                "reply": [[1, bytes(32)]],
                "authority": self._world.messaging.node,
                "offers": 5,
                "terms": [],
            }
        )
        key = SigningKey(f"cast {number}".encode().ljust(32))
        return body.sign(key, created=now - MINUTE_MS, expires=now + lives_ms)

    @asynccontextmanager
    async def _linked(
        self, at: Machine, key: SigningKey, witness: Witness, hostile: Mapping[bytes, str] = NOBODY
    ) -> AsyncGenerator[Client]:
        world = self._world
        async with (
            world.network.open_link(
                at.place.address, node=at.node, key=key, now_ms=world.now_ms, random=world.random
            ) as link,
            witnessed(link, witness, hostile) as client,
        ):
            yield client

    def _witness(self, name: str) -> Witness:
        self._number += 1
        return Witness(self._folder, f"{self._number:02}-{name}", self._clock, role=name)


def run_honestly(folder: Path) -> tuple[SigningKey, SigningKey]:
    """Leave the evidence in `folder`/evidence, the stores beside it; the keys of router and addressing authority."""

    async def main() -> tuple[SigningKey, SigningKey]:
        with pytest.MonkeyPatch.context() as patch:
            evidence = folder / "evidence"
            evidence.mkdir()
            async with byway_in_a_process(folder, patch) as world:
                await HonestRun(world, evidence).run()
            return world.router.key, world.addressing.key

    return trio.run(main, clock=MockClock(autojump_threshold=0))
