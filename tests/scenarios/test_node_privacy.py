"""What others can learn from what nodes send: every byte on every disk, every link, every address that is dialled."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import trio

from byway.protocol.intentcast import Cast
from byway.protocol.statement import Kind, Statement
from tests.scenarios.byway_in_a_process import Machine, World
from tests.scenarios.intentrons import Intentron
from tests.scenarios.stories import listening, market, wish

SENTENCE = "a sunny flat near my mother"


async def everything(*machines: Machine) -> list[Statement]:
    """All that these machines have ever been given."""
    found = []
    for machine in machines:
        await machine.kill()
        found += machine.statements()
    return found


async def test_nothing_that_the_node_adds_links_two_casts(world: World) -> None:
    topic = await market(world)
    alice = await Intentron(world, "alice").start()
    for _ in range(2):
        await alice.node.cast(wish(topic))
    await alice.until("cast_published", 2)
    await trio.sleep(5)

    links = [key for machine in (world.router, world.messaging, world.addressing) for key in machine.peers]
    statements = await everything(world.router, world.messaging, world.addressing)
    casts = [statement for statement in statements if statement.kind is Kind.CAST]
    lasting = bytes(alice.keys.identity().verify_key)

    # Each cast has keys of its own, and nothing of it stands in what belongs to the other.
    assert len(casts) == 2
    for one, other in combinations(casts, 2):
        assert one.signer != other.signer
        assert Cast.from_statement(one).reply != Cast.from_statement(other).reply
        assert (one.created, one.expires) == (other.created, other.expires)
        assert len(one.data) == len(other.data)
        for statement in statements:
            assert not (one.signer in statement.data and other.signer in statement.data)
    # Each link speaks for one cast, or for a key that was made for one question.
    used = Counter(links)
    assert lasting not in used
    assert all(used[cast.signer] == 3 for cast in casts)  # its mailbox, the cast itself, its offers
    assert all(count == 1 for key, count in used.items() if key not in {cast.signer for cast in casts})
    assert not any(lasting in statement.data for statement in statements)


async def test_the_sentence_never_leaves(world: World) -> None:
    topic = await market(world)
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic, sentence=SENTENCE))
    await alice.until("cast_published")

    statements = await everything(world.router, world.messaging, world.addressing)
    assert statements
    assert not any(word in statement.data for statement in statements for word in (b"sunny", b"mother"))


async def test_an_offer_shows_nobody_but_the_person_whose_it_is_or_what_it_says(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic))
    await seller.until("cast_received")
    (cast,) = await seller.node.inbox()
    await seller.node.offer(cast["name"], {"title": "Sunset Lofts", "price": "1 USD"})
    await alice.until("offer_received")
    await alice.node.accept((await alice.node.offers())[0]["name"])
    await seller.until("offer_accepted")

    lasting = bytes(seller.keys.identity().verify_key)
    assert lasting not in world.messaging.peers
    kept = await everything(world.messaging)
    assert {statement.kind for statement in kept} >= {Kind.MAILBOX, Kind.SEALED}
    assert not any(lasting in statement.data or b"Sunset" in statement.data for statement in kept)
    # What the router holds of the seller is its subscription, and nothing that leads to an offer.
    outer = bytes(seller.keys.outer(next(s for s in kept if s.kind is Kind.SEALED).body()["cast"]).verify_key)
    assert not any(outer in statement.data for statement in await everything(world.router))
    assert outer not in world.router.peers


async def test_two_casts_are_answered_with_two_keys(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    alice = await Intentron(world, "alice").start()
    for _ in range(2):
        await alice.node.cast(wish(topic))
    await seller.until("cast_received", 2)
    for cast in await seller.node.inbox():
        await seller.node.offer(cast["name"], {"title": "a flat"})
    await alice.until("offer_received", 2)

    sealed = [statement for statement in await everything(world.messaging) if statement.kind is Kind.SEALED]
    assert len({statement.signer for statement in sealed}) == 2


async def test_no_address_that_an_offer_or_a_cast_names_is_dialled(world: World) -> None:
    topic = await market(world)
    seller = await listening(world, topic, "seller")
    alice = await Intentron(world, "alice").start()
    await alice.node.cast(wish(topic, demand={"url": "evil.test:7400", "seller": "evil.test:7400"}))
    await seller.until("cast_received")
    (cast,) = await seller.node.inbox()
    await seller.node.offer(cast["name"], {"title": "evil.test:7400", "description": "https://evil.test:7400"})
    await alice.until("offer_received")
    await alice.node.accept((await alice.node.offers())[0]["name"])
    await seller.until("offer_accepted")

    known = {machine.place.address for machine in (world.router, world.messaging, world.addressing)}
    assert {address for address, _ in world.dialled} <= known


async def test_a_node_that_comes_back_does_not_open_all_its_links_at_one_moment(world: World) -> None:
    topic = await market(world)
    alice = await Intentron(world, "alice").start()
    for _ in range(5):
        await alice.node.cast(wish(topic))
    await alice.until("cast_published", 5)
    await trio.sleep(1)
    await alice.kill()
    before = len(world.messaging.peers)

    await alice.start()
    arrivals: list[float] = []
    while len(arrivals) < 5:
        await trio.sleep(0.01)
        arrivals += [trio.current_time()] * (len(world.messaging.peers) - before - len(arrivals))

    assert len({round(moment, 1) for moment in arrivals}) == 5


async def test_a_dry_run_shows_what_is_sent_and_sends_nothing(world: World) -> None:
    topic = await market(world)
    alice = await Intentron(world, "alice").start()
    shown = await alice.node.dry_run(wish(topic, sentence=SENTENCE))
    assert await alice.node.casts() == []
    assert not world.messaging.peers
    assert not world.router.peers

    await alice.node.cast(wish(topic, sentence=SENTENCE))
    await alice.until("cast_published")
    sent = await everything(world.messaging, world.router)

    lengths = {len(statement.data) for statement in sent if statement.kind in {Kind.CAST, Kind.MAILBOX}}
    assert {len(statement["hex"]) // 2 for statement in shown["statements"]} == lengths
    assert shown["authority"] == str(world.messaging.place)
    assert [row["value"] for row in shown["disclosed"] if row["who"] == "nobody"] == [SENTENCE]
