"""Sellers that answer by themselves, out of stock that was imported from a sheet."""

from __future__ import annotations

import pytest
import trio
from nacl.signing import SigningKey

from byway.errors import BywayError
from byway.protocol.intentcast import make_cast
from byway.protocol.limits import DAY_MS
from intentron.vault import Rule, open_vault
from tests.scenarios.byway_in_a_process import World
from tests.scenarios.intentrons import Intentron
from tests.scenarios.stories import listening, market, wish

HOMES = """\
pid,address,unit,city,zip,kind,beds,full_baths,half_baths,living_area_sqft,year_built,assessed_value_usd,assessment_year
1,1 Elm St,2,SOUTH BOSTON,02127,condo unit,2,1,0,900,1990,780000,2024
2,2 Oak St,,SOUTH BOSTON,02127,condo unit,3,1,0,950,1991,700000,2024
3,3 Ash St,,DORCHESTER,02121,condo unit,2,1,0,950,1991,500000,2024
4,4 Fir St,,SOUTH BOSTON,02127,condo unit,two,1,0,950,1991,500000,2024
"""


def pattern(topic: str) -> str:
    return topic.removeprefix("urn:byway:topic:")


async def test_a_rule_offers_the_best_of_what_fits(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    imported = await seller.node.import_stock("south", "homes", HOMES, "south boston", "homes.csv")
    assert imported["items"] == 2
    assert [problem["line"] for problem in imported["problems"]] == [5]
    assert imported["sellers"] == {"dorchester": 1, "south boston": 2}
    made = await seller.node.add_rule({"name": "homes", "stock": "south", "pattern": pattern(topic)})
    assert made["made_today"] == 0

    alice = await Intentron(world, "alice").start()
    asked = await alice.node.cast(wish(topic))
    await alice.until("offer_received")

    (offer,) = await alice.node.offers(asked["name"])
    assert (offer["title"], offer["price"]) == ("2 Oak St, Boston 02127", "700,000.00 USD")
    (answer,) = await seller.node.answers()
    assert (answer["rule"], answer["state"]) == ("homes", "stored")
    assert [rule["made_today"] for rule in await seller.node.rules()] == [1]
    assert [kept["items"] for kept in await seller.node.stock()] == [2]


async def test_an_offer_by_hand_takes_the_place_of_the_rule_s_once_it_has_arrived(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    await seller.node.import_stock("south", "homes", HOMES, "south boston", "homes.csv")
    await seller.node.add_rule({"name": "homes", "stock": "south", "pattern": pattern(topic)})
    alice = await Intentron(world, "alice").start()
    asked = await alice.node.cast(wish(topic))
    await alice.until("offer_received")
    (by_rule,) = await seller.node.answers()

    await world.messaging.kill()
    by_hand = await seller.node.offer(asked["name"], {"title": "a better one", "price": "1 USD"})
    await trio.sleep(5)
    assert by_hand["replaces"] == [by_rule["name"]]
    assert [answer["state"] for answer in await seller.node.answers()] == ["sending", "stored"]
    assert await seller.happened("offer_replaced") == 0

    await world.messaging.start()
    (told,) = await seller.until("offer_replaced")
    assert (told["offer"], told["by"], told["cast"]) == (by_rule["name"], by_hand["name"], asked["name"])
    assert [answer["state"] for answer in await seller.node.answers()] == ["stored", "replaced"]
    assert (await seller.node.status())["answers"] == {"stored": 1, "replaced": 1}
    await alice.until("offer_received", 2)
    await alice.node.accept(by_hand["name"])
    await seller.until("offer_accepted")
    assert [answer["state"] for answer in await seller.node.answers()] == ["accepted", "replaced"]


async def test_stock_that_comes_later_answers_what_is_still_open(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic))
    await seller.until("cast_received")

    await seller.node.import_stock("all", "homes", HOMES)
    await seller.node.add_rule({"name": "homes", "stock": "all", "pattern": pattern(topic)})

    await alice.until("offer_received")


async def test_what_does_not_fit_is_left_to_the_seller_s_own_hand(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    await seller.node.import_stock("all", "homes", HOMES)
    await seller.node.add_rule({"name": "homes", "stock": "all", "pattern": pattern(topic)})
    alice = await Intentron(world, "alice").start()

    await alice.node.cast(wish(topic, facets={"beds": 7}))
    await seller.until("cast_received")
    await trio.sleep(5)
    (cast,) = await seller.node.inbox()
    assert cast["state"] == "new"

    await seller.node.offer(cast["name"], {"title": "I will build it"})
    await alice.until("offer_received")


async def test_a_rule_makes_no_more_offers_than_it_may_in_a_day(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    await seller.node.import_stock("all", "homes", HOMES)
    await seller.node.add_rule({"name": "homes", "stock": "all", "pattern": pattern(topic), "offers_per_day": 1})
    alice = await Intentron(world, "alice").start()
    for _ in range(2):
        await alice.node.cast(wish(topic))
    await seller.until("cast_received", 2)
    await trio.sleep(5)
    assert len(await seller.node.answers()) == 1

    world.skip(DAY_MS)
    await seller.restart()
    await seller.until("offer_made", 2)


async def test_a_rule_answers_once_however_often_its_node_is_killed(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    await seller.node.import_stock("all", "homes", HOMES)
    await seller.node.add_rule({"name": "homes", "stock": "all", "pattern": pattern(topic)})
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic))
    for _ in range(20):
        await trio.sleep(0.02)
        await seller.restart()

    await alice.until("offer_received")
    await trio.sleep(30)
    assert len(await alice.node.offers()) == len(await seller.node.answers()) == 1


async def test_a_rule_needs_a_list_that_is_there(world: World) -> None:
    seller = await Intentron(world, "seller").start()
    with pytest.raises(BywayError, match="no stock list called all") as caught:
        await seller.node.add_rule({"name": "homes", "stock": "all", "pattern": "open:homes:**"})
    assert caught.value.code == "not-found"
    with pytest.raises(BywayError) as caught:
        await seller.node.add_rule({"name": "homes", "stock": "all", "pattern": "homes"})
    assert caught.value.code == "bad-pattern"


async def test_a_sheet_has_what_is_asked_of_it_or_says_what_it_has(world: World) -> None:
    seller = await Intentron(world, "seller").start()
    with pytest.raises(BywayError, match="sellers such as dorchester, south boston"):
        await seller.node.import_stock("all", "homes", HOMES, "cambridge")
    with pytest.raises(BywayError) as caught:
        await seller.node.import_stock("all", "cars", HOMES)
    assert caught.value.code == "not-found"


async def test_a_cast_that_nothing_can_be_sealed_to_disturbs_nobody(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    await seller.node.import_stock("all", "homes", HOMES)
    await seller.node.add_rule({"name": "homes", "stock": "all", "pattern": pattern(topic)})
    hostile = SigningKey(world.random(32))
    cast = make_cast(
        hostile,
        to=topic,
        facets={},
        demand={},
        reply=[(1, bytes(32))],
        authority=world.messaging.node,
        offers=1,
        terms=[],
        now_ms=world.now_ms(),
        lifetime_ms=DAY_MS,
    )
    async with world.connect() as byway:
        await byway.courier.hand_in(world.router.place, hostile, cast)
    await seller.until("cast_received")
    (bad,) = await seller.node.inbox()
    with pytest.raises(BywayError) as caught:
        await seller.node.offer(bad["name"], {"title": "a flat"})
    assert caught.value.code == "bad-reply-key"

    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic))
    await alice.until("offer_received")


async def test_a_rule_of_another_version_is_left_out(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    await seller.node.import_stock("all", "homes", HOMES)
    await seller.kill()
    with open_vault(seller.folder) as vault:
        vault.rules.put(Rule("a-later-one", '{"name": "a-later-one", "magic": true}'))
    await seller.start()
    await seller.node.add_rule({"name": "homes", "stock": "all", "pattern": pattern(topic)})
    assert [rule["name"] for rule in await seller.node.rules()] == ["homes"]

    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic))
    await alice.until("offer_received")
