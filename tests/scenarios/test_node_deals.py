"""Whole stories in one process: people and sellers with real nodes, a router and both authorities."""

from __future__ import annotations

import pytest
import trio

from byway.errors import BywayError
from byway.protocol.limits import DAY_MS, HOUR_MS
from tests.scenarios.byway_in_a_process import World
from tests.scenarios.intentrons import Intentron
from tests.scenarios.stories import listening, market, offered, wish


async def test_only_sellers_that_match_hear_of_a_wish_and_one_of_them_makes_the_deal(world: World) -> None:
    topic = await market(world)
    near = await listening(world, topic, "near", 'beds >= 3 && "02127" in zip')
    far = await listening(world, topic, "far", '"02134" in zip')
    alice = await Intentron(world, "alice").start()

    asked = await alice.node.cast(wish(topic))
    assert (asked["state"], asked["max_offers"]) == ("waiting", 25)
    await alice.until("cast_published")
    await near.until("cast_received")

    (heard,) = await near.node.inbox()
    assert heard["facets"] == {"beds": "from 2", "price": "up to 800,000.00 USD", "zip": "02116, 02127"}
    assert "sunny" not in str(heard)

    await offered(near, "790000 USD")
    await alice.until("offer_received")
    await offered(near, "770000 USD", title="the same, cheaper")
    await alice.until("offer_received", 2)
    cheaper, dearer = await alice.node.offers(asked["name"])
    assert (cheaper["title"], cheaper["price"], cheaper["state"]) == (
        "the same, cheaper",
        "770,000.00 USD",
        "offered",
    )
    assert dearer["state"] == "withdrawn"
    assert cheaper["seller"] == near.node.urn

    accepted = await alice.node.accept(cheaper["name"])
    assert (accepted["state"], accepted["told"]) == ("accepted", True)
    (agreed,) = await near.until("offer_accepted")
    (latest, _) = await near.node.answers()
    assert (latest["name"], latest["state"]) == (agreed["offer"], "accepted")

    await alice.node.close(asked["name"])
    await near.until("cast_closed")
    assert [cast["state"] for cast in await near.node.inbox()] == ["closed"]
    assert await far.node.inbox() == []


async def test_a_seller_that_was_away_hears_of_it_when_it_comes_back(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    await trio.sleep(1)
    await seller.kill()
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic))
    await alice.until("cast_published")
    world.skip(DAY_MS)

    await seller.start()

    await seller.until("cast_received")
    await offered(seller, "790000 USD")
    await alice.until("offer_received")


async def test_a_decline_ends_one_offer_and_another_can_be_accepted(world: World) -> None:
    topic = await market(world)
    first, second = await listening(world, topic, "first"), await listening(world, topic, "second")
    alice = await Intentron(world, "alice").start()
    asked = await alice.node.cast(wish(topic))
    for seller, price in ((first, "500000 USD"), (second, "600000 USD")):
        await seller.until("cast_received")
        await offered(seller, price)
    await alice.until("offer_received", 2)

    cheap, dear = await alice.node.offers(asked["name"])
    assert (await alice.node.decline(cheap["name"], "place"))["told"]
    await alice.node.accept(dear["name"])

    assert (await first.until("offer_declined"))[0]["reason"] == "place"
    await second.until("offer_accepted")
    with pytest.raises(BywayError, match="it is declined"):
        await alice.node.accept(cheap["name"])


async def test_an_expired_wish_is_never_handed_over(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    await trio.sleep(1)
    await seller.kill()
    alice = await Intentron(world, "alice").start()
    asked = await alice.node.cast(wish(topic, hours=2))
    await alice.until("cast_published")

    world.skip(3 * HOUR_MS)
    await seller.start()
    await trio.sleep(40)

    assert await seller.node.inbox() == []
    assert (await alice.node.cast_details(asked["name"]))["state"] == "expired"


async def test_the_authority_takes_no_offer_over_the_cap(world: World) -> None:
    topic = await market(world)
    alice = await Intentron(world, "alice").start()
    sellers = [await listening(world, topic, f"seller{number}") for number in range(11)]
    asked = await alice.node.cast(wish(topic, offers=10))

    for seller in sellers:
        await seller.until("cast_received")
        (cast,) = await seller.node.inbox()
        await seller.node.offer(cast["name"], {"title": "a flat", "price": "1 USD"})
    await alice.until("offer_received", 10)
    await trio.sleep(5)

    assert len(await alice.node.offers(asked["name"])) == 10
    states = [answer["state"] for seller in sellers for answer in await seller.node.answers()]
    assert sorted(states) == ["refused"] + ["stored"] * 10
    (refused,) = [answer for seller in sellers for answer in await seller.node.answers() if answer["reason"]]
    assert refused["reason"] == "mailbox-full"


async def test_a_wish_waits_at_home_until_its_router_is_back(world: World) -> None:
    topic = await market(world)
    alice = await Intentron(world, "alice").start()
    await world.router.kill()

    asked = await alice.node.cast(wish(topic))
    await trio.sleep(3)
    waiting = await alice.node.cast_details(asked["name"])
    assert waiting["state"] == "waiting"
    assert "cannot be reached" in waiting["waiting_for"]
    assert (await alice.node.status())["waiting"]

    await world.router.start()
    await alice.until("cast_published")
    published = await alice.node.cast_details(asked["name"])
    assert (published["state"], published["waiting_for"]) == ("published", None)
    assert published["receipt"]["node"] == world.router.node


async def test_nothing_is_lost_and_nothing_counts_twice_when_everybody_is_killed_at_every_step(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    alice = await Intentron(world, "alice").start()
    machines = (world.router, world.messaging)

    async def everybody_falls() -> None:
        for one in (alice, seller, *machines):
            await one.kill()
        for one in (*machines, alice, seller):
            await one.start()

    asked = await alice.node.cast(wish(topic))
    await everybody_falls()
    await alice.until("cast_published")
    await everybody_falls()
    await seller.until("cast_received")
    await everybody_falls()
    (cast,) = await seller.node.inbox()
    await seller.node.offer(cast["name"], {"title": "a flat", "price": "1 USD"})
    await everybody_falls()
    await alice.until("offer_received")
    await everybody_falls()
    (offer,) = await alice.node.offers(asked["name"])
    await alice.node.accept(offer["name"])
    await everybody_falls()
    await seller.until("offer_accepted")
    await everybody_falls()
    await alice.node.close(asked["name"])
    await everybody_falls()
    await seller.until("cast_closed")
    await trio.sleep(60)

    for one in (alice, seller):
        facts = [fact["event"] for fact in await one.node.events(0, 0)]
        assert len(facts) == len(set(facts)), facts
    assert [offer["state"] for offer in await alice.node.offers()] == ["accepted"]
    assert [answer["state"] for answer in await seller.node.answers()] == ["accepted"]
