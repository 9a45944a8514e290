"""An honest publisher and an honest subscriber, and how long it takes from one to the other while others misbehave."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import Refused
from byway.link.client import Client
from byway.link.link import kept_alive
from byway.link.subscription import Subscription
from byway.node_address import NodeAddress
from byway.protocol.limits import HOUR_MS
from tests.checker.evidence import Witness
from tests.checker.witnesses import Effects, witnessed
from tests.crash.parties import TOPICS, make_cast
from tests.faults.crowds import LATENCY_MOST, slow_end
from tests.faults.peers import dial, open_on

SUB: Final = "honest"
PATTERN: Final = "open:homes:**"
HOMES: Final = TOPICS[:3]
WHERE: Final = {"where": ["place", 42_360_000, -71_060_000, 500]}
EVERY_S: Final = 0.1
ARRIVES_WITHIN_S: Final = 20.0
STRETCHES: Final = 2
QUICK_MS: Final = 40.0  # where undisturbed it is next to nothing, five times that says little


class HonestPair:
    """Each hands in, and waits for, what the other does not know of; `delivered` has the ids that arrived."""

    def __init__(self, at: NodeAddress, witness: Witness, chance: Random) -> None:
        self._at = at
        self._witness = witness
        self._chance = chance
        self._publisher: Client
        self._arrived: dict[bytes, trio.Event] = {}
        self.delivered: set[bytes] = set()
        self.refused: list[str] = []

    async def latency_ms(self, seconds: float) -> float:
        """From handing in to arrival, the slowest in a hundred, for casts that are made one after the other.

        It is the better of two stretches of so many seconds: what a router does to the honest it does in both, and
        what else goes on in this computer seldom does.
        """
        return min([await self._stretch(seconds) for _ in range(STRETCHES)])

    async def _stretch(self, seconds: float) -> float:
        took: list[float] = []
        async with trio.open_nursery() as nursery:
            ends = trio.current_time() + seconds
            while trio.current_time() < ends:
                nursery.start_soon(self._bring, took)
                await trio.sleep(EVERY_S)
        return slow_end(took)

    async def _bring(self, took: list[float]) -> None:
        cast = make_cast(self._chance, self._at.node, lifetime_ms=HOUR_MS, more=WHERE, topics=HOMES).statement
        arrived = self._arrived[cast.id] = trio.Event()
        began = trio.current_time()
        (answer,) = await self._publisher.submit([cast])
        if isinstance(answer, Refused):
            self.refused.append(answer.code)
            return
        with trio.move_on_after(ARRIVES_WITHIN_S):
            await arrived.wait()
        took.append(1000 * (trio.current_time() - began))

    async def _take(self, subscription: Subscription, effects: Effects) -> None:
        async for delivery in subscription:
            effects.take(subscription, delivery)
            self.delivered.add(delivery.statement.id)
            arrived = self._arrived.pop(delivery.statement.id, None)
            if arrived is not None:
                arrived.set()

    def compare(self, quiet_ms: float, busy_ms: float, beside: str) -> None:
        """Note how much longer it took, and that nothing was refused."""
        times = busy_ms / max(quiet_ms, QUICK_MS)
        what = f"latency to the subscriber at the 99th of a hundred, times undisturbed, beside {beside}"
        self._witness.note("measured", what=what, value=round(times, 2), most=LATENCY_MOST)
        what = f"refusals of the honest beside {beside}: {sorted(set(self.refused))}"
        self._witness.note("measured", what=what, value=len(self.refused), most=0)


@asynccontextmanager
async def honest_pair(at: NodeAddress, witness: Witness, chance: Random) -> AsyncGenerator[HonestPair]:
    """The two at work, each on a link from a network of its own."""
    pair = HonestPair(at, witness, chance)
    key = SigningKey(chance.randbytes(32))
    effects = Effects(witness, at.node, bytes(key.verify_key), SUB, set())
    async with (
        witnessed_client(at, SigningKey(chance.randbytes(32)), witness, source="127.2.1.1") as pair._publisher,
        witnessed_client(at, key, witness, source="127.2.2.1") as subscriber,
        subscriber.subscribe(SUB, PATTERN, from_="now") as subscription,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(pair._take, subscription, effects)
        yield pair
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def witnessed_client(
    at: NodeAddress, key: SigningKey, witness: Witness, *, source: str
) -> AsyncGenerator[Client]:
    """A client from the address `source`, whose frames are evidence."""
    stream = await dial(at, source=source)
    async with kept_alive(await open_on(stream, at, key)) as link, witnessed(link, witness) as client:
        yield client
