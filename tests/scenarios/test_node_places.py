"""Where things go: settings that were wrong and are mended, and an authority that cannot be asked for a while."""

from __future__ import annotations

import pytest
import trio

from byway.errors import Refused
from byway.node_address import NodeAddress
from byway.protocol.limits import DAY_MS
from intentron.settings import SETTINGS_FILE
from tests.scenarios.byway_in_a_process import World
from tests.scenarios.intentrons import Intentron
from tests.scenarios.stories import listening, market, offered, wish

OPEN = "urn:byway:topic:open:homes:boston"
NOWHERE = "nowhere.test:1"


def misspelt(place: NodeAddress) -> NodeAddress:
    """The same node at an address where nobody is."""
    return NodeAddress(place.node, NOWHERE)


def of_somebody_else(place: NodeAddress) -> NodeAddress:
    """A key that nobody has at an address where somebody is."""
    return NodeAddress("urn:byway:node:" + "a" * 52, place.address)


async def an_open_seller(world: World) -> Intentron:
    seller = await Intentron(world, "seller", router=world.router.place, messaging=world.messaging.place).start()
    await seller.node.subscribe("homes", "open:homes:**", "", None)
    return seller


@pytest.mark.parametrize("wrong", [misspelt, of_somebody_else])
@pytest.mark.parametrize("setting", ["router", "messaging"])
async def test_a_cast_goes_where_the_mended_settings_say(world: World, setting: str, wrong: object) -> None:
    assert callable(wrong)
    right = {"router": world.router.place, "messaging": world.messaging.place}
    seller = await an_open_seller(world)
    alice = await Intentron(world, "alice", **right | {setting: wrong(right[setting])}).start()
    asked = await alice.node.cast(wish(OPEN))
    await trio.sleep(60)
    (waiting,) = await alice.node.casts()
    assert waiting["state"] == "waiting"
    assert waiting["waiting_for"]
    assert str(alice.folder / SETTINGS_FILE) in waiting["next_step"]
    assert f"{setting} is wrong" in waiting["next_step"]
    assert waiting["next_step"] in (await alice.node.status())["waiting"][0]

    await alice.choose(**right)
    await alice.until("cast_published")
    await seller.until("cast_received")

    (kept,) = await alice.node.casts()
    assert (kept["name"], kept["state"], kept["sentence"]) == (asked["name"], "published", asked["sentence"])
    assert {kept["router"], kept["authority"]} == {str(place) for place in right.values()}
    assert kept["expires"] == asked["expires"]
    (came,) = await seller.node.inbox()
    await seller.node.offer(came["name"], {"title": "a flat"})
    await alice.until("offer_received")


@pytest.mark.parametrize("setting", ["router", "messaging"])
async def test_a_cast_for_a_node_of_another_kind_waits_until_the_settings_are_mended(
    world: World, setting: str
) -> None:
    right = {"router": world.router.place, "messaging": world.messaging.place}
    wrong = {"router": world.messaging.place, "messaging": world.router.place}[setting]
    alice = await Intentron(world, "alice", **right | {setting: wrong}).start()
    asked = await alice.node.cast(wish(OPEN))
    await trio.sleep(600)
    (waiting,) = await alice.node.casts()
    assert (waiting["state"], waiting["code"]) == ("waiting", "")
    assert "this node " in waiting["waiting_for"]
    assert waiting["next_step"].endswith(f"edit {alice.folder / SETTINGS_FILE} and start the intentron again")

    await alice.choose(**right)
    await alice.until("cast_published")
    (kept,) = await alice.node.casts()
    assert (kept["name"], kept["state"], kept["expires"]) == (asked["name"], "published", asked["expires"])


async def test_what_never_left_is_taken_back_without_telling_anybody(world: World) -> None:
    await world.router.kill()
    await world.messaging.kill()
    right = {"router": world.router.place, "messaging": world.messaging.place}
    alice = await Intentron(world, "alice", **right).start()
    asked = await alice.node.cast(wish(OPEN))
    await trio.sleep(60)
    closed = await alice.node.close(asked["name"])
    assert (closed["state"], closed["sent"]) == ("closed", False)
    await world.messaging.start()
    await world.router.start()
    await trio.sleep(300)
    assert world.router.peers == world.messaging.peers == []

    await alice.node.cast(wish(OPEN))
    await alice.until("cast_published")
    (published, _) = await alice.node.casts()
    assert (await alice.node.close(published["name"]))["sent"]


async def test_a_cast_that_a_router_has_signed_for_stays_where_it_is(world: World) -> None:
    right = {"router": world.router.place, "messaging": world.messaging.place}
    alice = await Intentron(world, "alice", **right).start()
    await alice.node.cast(wish(OPEN))
    await alice.until("cast_published")
    before = await alice.node.casts()

    await alice.choose(router=world.messaging.place, messaging=world.router.place)
    await trio.sleep(60)

    assert await alice.node.casts() == before


async def test_a_subscription_goes_where_the_mended_settings_say(world: World) -> None:
    seller = await Intentron(world, "seller", router=misspelt(world.router.place)).start()
    await seller.node.subscribe("homes", "open:homes:**", "", None)
    await seller.node.subscribe("cars", "open:cars:**", "", str(misspelt(world.router.place)))
    await trio.sleep(60)
    cars, homes = await seller.node.subscriptions()
    assert "cannot be reached" in homes["waiting_for"]
    assert str(seller.folder / SETTINGS_FILE) in homes["next_step"]
    assert "intentron unsubscribe cars" in cars["next_step"]

    await seller.choose(router=world.router.place)
    await trio.sleep(60)
    cars, homes = await seller.node.subscriptions()
    assert (homes["state"], homes["router"], homes["waiting_for"]) == ("listening", str(world.router.place), None)
    assert cars["router"] == str(misspelt(world.router.place))


async def test_what_nobody_can_be_asked_about_is_kept_and_sent_when_the_authority_is_back(world: World) -> None:
    topic = await market(world)
    await world.addressing.kill()
    seller = await listening(world, topic, "seller")
    alice = await Intentron(world, "alice").start()

    asked = await alice.node.cast(wish(topic))
    assert (asked["state"], asked["router"], asked["authority"]) == ("waiting", None, None)
    assert "nobody could be asked about" in asked["waiting_for"]
    assert "authorities is wrong" in asked["next_step"]
    (kept,) = await seller.node.subscriptions()
    assert (kept["state"], kept["router"]) == ("waiting", None)
    assert "nobody could be asked about" in kept["waiting_for"]
    assert (await alice.node.cast_details(asked["name"]))["receipt"] is None
    await alice.restart()
    await seller.restart()
    await trio.sleep(300)
    assert await alice.happened("cast_published") == 0
    assert (await alice.node.casts())[0]["waiting_for"]

    await world.addressing.start()
    await alice.until("cast_published")
    await seller.until("cast_received")
    (published,) = await alice.node.casts()
    assert (published["name"], published["expires"]) == (asked["name"], asked["expires"])
    assert (published["state"], published["waiting_for"]) == ("published", None)
    (came,) = await seller.node.inbox()
    await seller.node.offer(came["name"], {"title": "a flat"})
    await alice.until("offer_received")


async def test_a_cast_that_nobody_ever_could_be_asked_about_expires_and_says_that_it_never_left(world: World) -> None:
    topic = await market(world)
    await world.addressing.kill()
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic, hours=24))

    world.skip(2 * DAY_MS)
    (expired,) = await alice.until("cast_expired")
    await trio.sleep(60)

    assert not expired["published"]
    (cast,) = await alice.node.casts()
    assert (cast["state"], cast["published"], cast["waiting_for"]) == ("expired", False, None)
    assert world.router.peers == world.messaging.peers == []


async def test_a_waiting_cast_can_be_taken_back_and_nobody_is_told(world: World) -> None:
    topic = await market(world)
    await world.addressing.kill()
    alice = await Intentron(world, "alice").start()
    asked = await alice.node.cast(wish(topic))
    await alice.node.close(asked["name"])
    await world.addressing.start()
    await trio.sleep(120)
    assert [cast["state"] for cast in await alice.node.casts()] == ["closed"]
    assert world.router.peers == world.messaging.peers == []


async def test_a_topic_that_there_is_provably_not_is_refused_once_somebody_can_say_so(world: World) -> None:
    alice = await Intentron(world, "alice").start()
    nothing = world.topic("nothing")
    with pytest.raises(Refused) as caught:
        await alice.node.cast(wish(nothing))
    assert caught.value.code == "name-unknown"
    assert await alice.node.casts() == []

    await world.addressing.kill()
    await alice.node.cast(wish(nothing))
    await world.addressing.start()
    (refused,) = await alice.until("cast_refused")
    assert refused["code"] == "name-unknown"


async def test_an_answer_that_nobody_could_take_yet_is_not_told_and_follows(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic))
    await seller.until("cast_received")
    await offered(seller, "1 USD")
    await alice.until("offer_received")
    (offer,) = await alice.node.offers()

    await world.messaging.kill()
    accepted = await alice.node.accept(offer["name"])
    assert (accepted["state"], accepted["told"]) == ("accepted", False)
    await world.messaging.start()
    await seller.until("offer_accepted")
