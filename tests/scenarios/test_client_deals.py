"""The client library against a real router and real authorities: a deal from the wish to the agreement."""

from __future__ import annotations

import pytest
from nacl.signing import SigningKey

from byway.errors import Refused
from byway.protocol.facets import Integer, Money
from byway.protocol.intentcast import Cast
from byway.protocol.limits import DAY_MS
from intentron.deal import Accepted, Declined, Proposal, Wish
from tests.scenarios.byway_in_a_process import World


def wish(topic: str, **facets: Integer) -> Wish:
    return Wish(topic, facets, {"@type": "Demand"}, 10, (), 7 * DAY_MS, "a secret sentence")


async def test_a_deal_is_made_over_the_library(world: World) -> None:
    topic = world.topic("homes", "boston")
    await world.register(topic)
    seller_key = SigningKey(world.random(32))

    async with world.connect() as buyer, world.connect() as seller:
        published = await buyer.publish(wish(topic, beds=Integer(2, None)))

        pattern = topic.removeprefix("urn:byway:topic:")
        async with seller.subscribe(
            pattern, "beds == 3", key=seller_key, sub="homes", router=world.router.place
        ) as casts:
            heard = await casts.__anext__()
        assert heard.statement == published.cast
        assert isinstance(heard.body, Cast)

        outer, reply = SigningKey(world.random(32)), world.random(32)
        sent = [
            await seller.offer(
                heard.statement,
                Proposal({"name": "3 beds"}, Money("USD", price, price)),
                key=seller_key,
                outer_key=outer,
                outer_reply_secret=reply,
                lifetime_ms=DAY_MS,
                serial=serial,
            )
            for serial, price in ((1, 500), (2, 400))
        ]

        async with buyer.offers(published) as offers:
            offer = await offers.__anext__()
            assert offer.body.price == Money("USD", 400, 400)
            agreement = await buyer.accept(published, offer)

        async with seller.answers(*sent) as answers:
            assert await answers.__anext__() == Accepted(agreement, sent[1].draft.offer.id)


async def test_a_decline_and_a_close_reach_the_seller(world: World) -> None:
    topic = world.topic("homes", "boston")
    await world.register(topic)
    seller_key, outer, reply = SigningKey(world.random(32)), SigningKey(world.random(32)), world.random(32)

    async with world.connect() as buyer, world.connect() as seller:
        published = await buyer.publish(wish(topic))
        sent = await seller.offer(
            published.cast,
            Proposal({"name": "a flat"}),
            key=seller_key,
            outer_key=outer,
            outer_reply_secret=reply,
            lifetime_ms=DAY_MS,
        )
        async with buyer.offers(published) as offers:
            await buyer.decline(published, await offers.__anext__(), "place")
        async with seller.answers(sent) as answers:
            assert await answers.__anext__() == Declined(sent.draft.offer.id, "place")

        await buyer.close(published)
        with pytest.raises(Refused) as caught:
            await seller.offer(
                published.cast,
                Proposal({"name": "another flat"}),
                key=seller_key,
                outer_key=outer,
                outer_reply_secret=reply,
                lifetime_ms=DAY_MS,
                serial=2,
            )
        assert caught.value.code == "closed"
