"""A deal while everybody is killed at random moments: it ends once, and in the same way on both sides."""

from __future__ import annotations

import pytest
import trio

from intentron.backoff import share
from tests.scenarios.byway_in_a_process import Machine, World
from tests.scenarios.intentrons import Intentron
from tests.scenarios.stories import listening, market, wish
from tests.strategies.randomness import Seeded

KILLS = 25
LONGEST_PAUSE_S = 1.5


@pytest.mark.parametrize("seed", range(6))
async def test_a_deal_ends_once_whoever_is_killed_and_when(world: World, seed: int) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic))
    random = Seeded(str(seed))
    fragile: list[Intentron | Machine] = [alice, seller, world.router, world.messaging]

    async def chaos() -> None:
        for _ in range(KILLS):
            await trio.sleep(LONGEST_PAUSE_S * share(random))
            victim = fragile[random(1)[0] % len(fragile)]
            await victim.kill()
            await trio.sleep(LONGEST_PAUSE_S * share(random))
            await victim.start()

    async def sell() -> None:
        while True:
            await trio.sleep(0.3)
            if seller.runs and not await seller.node.answers() and (casts := await seller.node.inbox()):
                await seller.node.offer(casts[0]["name"], {"title": "a flat", "price": "1 USD"})

    async def buy() -> None:
        while True:
            await trio.sleep(0.3)
            if alice.runs and (offers := await alice.node.offers()) and offers[0]["state"] == "offered":
                await alice.node.accept(offers[0]["name"])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sell)
        nursery.start_soon(buy)
        await chaos()
        await seller.until("offer_accepted")
        await trio.sleep(120)
        nursery.cancel_scope.cancel()

    for one in (alice, seller):
        facts = [fact["event"] for fact in await one.node.events(0, 0)]
        assert len(facts) == len(set(facts)), facts
    (bought,), (sold,) = await alice.node.offers(), await seller.node.answers()
    assert (bought["state"], bought["name"]) == (sold["state"], sold["name"]) == ("accepted", sold["name"])
