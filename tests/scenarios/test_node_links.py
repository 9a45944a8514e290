"""Subscriptions and mailboxes over many links: changed, given up, lost, and more of them than links."""

from __future__ import annotations

import json
import shutil

import pytest
import trio

from byway.errors import BywayError
from tests.scenarios.byway_in_a_process import World
from tests.scenarios.intentrons import Intentron
from tests.scenarios.stories import listening, market, wish


async def test_a_filter_that_is_changed_counts_from_then_on(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller", "beds == 1")
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic, facets={"beds": 2}))
    await alice.until("cast_published")
    await trio.sleep(2)
    assert await seller.node.inbox() == []

    await seller.node.unsubscribe("homes")
    await seller.node.subscribe("homes", topic.removeprefix("urn:byway:topic:"), "beds == 2", None)
    await trio.sleep(2)
    await alice.node.cast(wish(topic, facets={"beds": 2}))
    await seller.until("cast_received")
    (kept,) = await seller.node.subscriptions()
    assert (kept["filter"], kept["state"], kept["waiting_for"]) == ("beds == 2", "listening", None)


async def test_a_subscription_does_not_take_the_place_of_another_one(world: World) -> None:
    topic = await market(world)
    pattern = topic.removeprefix("urn:byway:topic:")
    seller = await listening(world, topic, "seller", "beds == 1")
    (kept,) = await seller.node.subscriptions()

    again = await seller.node.subscribe("homes", pattern, "beds  ==  1", None)
    assert {**again, "state": ""} == {**kept, "state": ""}
    for another in ((pattern, "beds == 2", None), (pattern, "", None), (pattern + ":*", "beds == 1", None)):
        with pytest.raises(BywayError, match="called homes already") as caught:
            await seller.node.subscribe("homes", *another)
        assert caught.value.code == "name-taken"
        assert "intentron unsubscribe homes" in caught.value.next_step
        assert "--name" in caught.value.next_step
    elsewhere = str(world.messaging.place)
    with pytest.raises(BywayError, match="called homes already"):
        await seller.node.subscribe("homes", pattern, "beds == 1", elsewhere)
    (still,) = await seller.node.subscriptions()
    assert (still["filter"], still["router"]) == ("beds == 1", str(world.router.place))


async def test_a_cast_that_two_subscriptions_bring_is_one_cast(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    wider = topic.removeprefix("urn:byway:topic:").replace(":boston", ":*")
    with pytest.raises(BywayError) as caught:
        await seller.node.subscribe("all", wider, "", None)
    assert caught.value.code == "name-unknown"
    await seller.node.subscribe("all", wider, "", str(world.router.place))
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic))
    await seller.until("cast_received")
    await trio.sleep(5)
    assert len(await seller.node.inbox()) == 1
    assert len([peer for peer in world.router.peers if peer == bytes(seller.keys.identity().verify_key)]) == 2


async def test_a_subscription_that_was_given_up_brings_nothing_more(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    await trio.sleep(2)
    assert (await seller.node.unsubscribe("homes"))["state"] == "ended"
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic))
    await alice.until("cast_published")
    await trio.sleep(5)
    assert await seller.node.inbox() == await seller.node.subscriptions() == []
    with pytest.raises(BywayError, match="no subscription called homes"):
        await seller.node.unsubscribe("homes")

    await listening(world, topic, "another")
    await world.router.kill()
    await seller.node.subscribe("homes", topic.removeprefix("urn:byway:topic:"), "", None)
    with trio.fail_after(10):
        await seller.node.unsubscribe("homes")


async def test_a_subscription_waits_for_its_router_and_says_so(world: World) -> None:
    topic = await market(world)
    await world.router.kill()
    seller = await listening(world, topic, "seller")
    await trio.sleep(2)
    (kept,) = await seller.node.subscriptions()
    assert kept["state"] == "waiting"
    assert "cannot be reached" in kept["waiting_for"]
    assert any("homes: " in line for line in (await seller.node.status())["waiting"])

    await world.router.start()
    await trio.sleep(60)
    assert (await seller.node.subscriptions())[0]["state"] == "listening"


async def test_ones_own_cast_is_nobody_s_to_answer(world: World) -> None:
    topic = await market(world)
    both = await listening(world, topic, "both")
    await both.node.cast(wish(topic))
    await both.until("cast_published")
    await trio.sleep(5)
    assert await both.node.inbox() == []


async def test_there_may_be_more_mailboxes_than_links(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intentron.node.collector.MAX_LINKS", 2)
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    alice = await Intentron(world, "alice").start()
    for _ in range(7):
        await alice.node.cast(wish(topic))
    await seller.until("cast_received", 7)
    for cast in await seller.node.inbox():
        await seller.node.offer(cast["name"], {"title": "a flat"})
    await alice.until("offer_received", 7)
    for offer in await alice.node.offers():
        await alice.node.decline(offer["name"], "time")
    await seller.until("offer_declined", 7)


async def test_an_authority_that_has_lost_everything_is_asked_for_the_mailbox_again(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic))
    await seller.until("cast_received")
    await trio.sleep(5)

    await world.messaging.kill()
    shutil.rmtree(world.folder / "messaging")
    (world.folder / "messaging").mkdir()
    await world.messaging.start()
    await trio.sleep(120)

    (cast,) = await seller.node.inbox()
    await seller.node.offer(cast["name"], {"title": "a flat"})
    await alice.until("offer_received")


async def test_all_that_a_node_tells_is_json(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    alice = await Intentron(world, "alice").start()
    asked = await alice.node.cast(wish(topic, demand={"itemOffered": {"name": "flat", "floors": [1, None]}}))
    await seller.until("cast_received")
    await seller.node.offer((await seller.node.inbox())[0]["name"], {"title": "a flat", "price": "5 USD"})
    await alice.until("offer_received")

    for one in (alice, seller):
        node = one.node
        for told in (
            await node.status(),
            await node.casts(),
            await node.offers(),
            await node.inbox(),
            await node.answers(),
            await node.subscriptions(),
            await node.events(0, 0),
        ):
            json.dumps(told, allow_nan=False)
    details = await alice.node.cast_details(asked["name"].lower())
    json.dumps(details, allow_nan=False)
    assert details["demand"] == {"@type": "Demand", "itemOffered": {"name": "flat", "floors": [1, None]}}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"topic": "nowhere"}, "bad-urn"),
        ({"facets": {"beds": "two or 3.."}, "terms": ["x"]}, "bad-urn"),
        ({"facets": {"place": "42,-71"}}, "bad-facet"),
        ({"demand": {"price": 1.5}}, "not-canonical"),
        ({"demand": {"text": "x" * 20_000}}, "too-large"),
        ({"topic": "open:homes"}, "settings-bad-value"),
    ],
)
async def test_a_wish_that_cannot_be_sent_is_refused_and_not_kept(
    world: World, changes: dict[str, object], code: str
) -> None:
    topic = await market(world)
    alice = await Intentron(world, "alice").start()
    for ask in (alice.node.cast, alice.node.dry_run):
        with pytest.raises(BywayError) as caught:
            await ask(wish(topic, **changes))
        assert caught.value.code == code
    assert await alice.node.casts() == []
    assert await alice.happened("cast_kept") == 0


async def test_what_has_ended_cannot_be_ended_again(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    alice = await Intentron(world, "alice").start()
    asked = await alice.node.cast(wish(topic))
    await seller.until("cast_received")
    await alice.node.close(asked["name"])
    await seller.until("cast_closed")

    with pytest.raises(BywayError, match="it is closed"):
        await alice.node.close(asked["name"])
    with pytest.raises(BywayError, match="was closed by its sender"):
        await seller.node.offer(asked["name"], {"title": "too late"})
    for name, ask in (("C-0000", alice.node.close), ("O-0000", alice.node.accept), (asked["name"], alice.node.accept)):
        with pytest.raises(BywayError) as caught:
            await ask(name)
        assert caught.value.code == "not-found"
        assert caught.value.next_step
