"""What the client library shows is shown once in effect: over another link, from the beginning, after a restart."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from byway.errors import LinkError
from byway.protocol.limits import DAY_MS
from intentron.client import Byway, connect
from intentron.deal import Proposal, Wish
from tests.scenarios.byway_in_a_process import World

OPEN = "urn:byway:topic:open:homes"


def library(world: World, handled: Path | None = None) -> AbstractAsyncContextManager[Byway]:
    return connect(
        router=world.router.place,
        messaging=world.messaging.place,
        now_ms=world.now_ms,
        random=world.random,
        open_link=world.open_link,
        handled=handled,
    )


class Seller:
    """A program that listens from the oldest on, each time over another link, and counts what it does."""

    def __init__(self, world: World) -> None:
        self.key = SigningKey(world.random(32))
        self.effects: list[bytes] = []
        self._world = world

    async def listen(self, byway: Byway, count: int) -> None:
        """Handle `count` casts, and say so of each."""
        async with byway.subscribe(
            "open:homes", key=self.key, sub="homes", router=self._world.router.place, from_="oldest"
        ) as casts:
            for _ in range(count):
                self.effects.append((await casts.__anext__()).statement.id)
                await casts.ack()


async def published(byway: Byway, count: int) -> list[bytes]:
    wish = Wish(OPEN, {}, {"@type": "Demand"}, 5, (), 7 * DAY_MS)
    return [(await byway.publish(wish)).cast.id for _ in range(count)]


async def test_a_cast_that_comes_over_another_link_has_one_effect(world: World) -> None:
    seller = Seller(world)
    async with library(world) as buyer, library(world) as byway:
        first = await published(buyer, 3)
        await seller.listen(byway, 2)
        await seller.listen(byway, 1)
        more = await published(buyer, 1)
        await seller.listen(byway, 1)
    assert seller.effects == first + more


async def test_a_cast_that_comes_again_after_a_restart_has_one_effect(world: World) -> None:
    seller, handled = Seller(world), world.folder / "handled"
    async with library(world) as buyer:
        first = await published(buyer, 2)
        async with library(world, handled) as byway:
            await seller.listen(byway, 2)
        more = await published(buyer, 1)
        async with library(world, handled) as byway:
            await seller.listen(byway, 1)
        assert seller.effects == first + more
        async with library(world) as byway:
            await seller.listen(byway, 3)
        assert seller.effects == (first + more) + (first + more)


async def test_a_cast_that_was_shown_and_not_handled_comes_again(world: World) -> None:
    key = SigningKey(world.random(32))
    async with library(world) as buyer, library(world, world.folder / "handled") as byway:
        (cast,) = await published(buyer, 1)
        for _ in range(2):
            async with byway.subscribe("open:homes", key=key, sub="homes", router=world.router.place) as casts:
                assert (await casts.__anext__()).statement.id == cast


async def test_a_cast_that_was_handled_while_its_router_was_away_does_not_come_again(world: World) -> None:
    key, effects = SigningKey(world.random(32)), list[bytes]()
    async with library(world) as buyer, library(world) as byway:
        first = await published(buyer, 1)

        async def handle() -> None:
            async with byway.subscribe("open:homes", key=key, sub="homes", router=world.router.place) as casts:
                async for heard in casts:
                    effects.append(heard.statement.id)
                    await world.router.kill()  # before it can be told

        with pytest.raises(LinkError):
            await handle()
        await world.router.start()
        more = await published(buyer, 1)
        async with byway.subscribe("open:homes", key=key, sub="homes", router=world.router.place) as casts:
            effects.append((await casts.__anext__()).statement.id)
    assert effects == first + more


async def test_an_offer_that_comes_again_has_one_effect(world: World) -> None:
    key = SigningKey(world.random(32))
    wish = Wish(OPEN, {}, {"@type": "Demand"}, 5, (), 7 * DAY_MS)
    async with library(world) as buyer, library(world) as seller:
        asked = await buyer.publish(wish)

        async def offer(name: str) -> None:
            outer, reply = SigningKey(world.random(32)), world.random(32)
            await seller.offer(
                asked.cast,
                Proposal({"name": name}),
                key=key,
                outer_key=outer,
                outer_reply_secret=reply,
                lifetime_ms=DAY_MS,
            )

        titles = []

        async def handle() -> None:
            async with buyer.offers(asked) as offers:
                async for opened in offers:
                    titles.append(opened.body.offer["name"])
                    await world.messaging.kill()

        await offer("first")
        with pytest.raises(LinkError):
            await handle()
        await world.messaging.start()
        await offer("second")
        async with buyer.offers(asked) as offers:
            titles.append((await offers.__anext__()).body.offer["name"])
    assert titles == ["first", "second"]
