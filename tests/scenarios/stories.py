"""How scenarios begin: a market, a wish, a seller that listens, an offer that was made."""

from __future__ import annotations

from typing import Any

from tests.scenarios.byway_in_a_process import World
from tests.scenarios.intentrons import Intentron, Json


async def market(world: World, *segments: str) -> str:
    """A topic that is served."""
    topic = world.topic(*(segments or ("homes", "boston")))
    await world.register(topic)
    return topic


def wish(topic: str, /, **changes: Any) -> Json:
    return {
        "topic": topic,
        "facets": {"beds": "2..", "price": "..800000 USD", "zip": "{02127, 02116}"},
        "sentence": "a sunny flat near my mother",
    } | changes


async def listening(world: World, topic: str, name: str, filter_text: str = "") -> Intentron:
    """A seller that runs and has subscribed to a topic."""
    seller = await Intentron(world, name).start()
    await seller.node.subscribe("homes", topic.removeprefix("urn:byway:topic:"), filter_text, None)
    return seller


async def offered(seller: Intentron, price: str, **changes: Any) -> Json:
    """What the seller has offered to the newest cast of its inbox, and what the authority has signed for."""
    (cast, *_) = await seller.node.inbox()
    made = await seller.node.offer(cast["name"], {"title": "2 beds in Southie", "price": price} | changes)
    await seller.until("offer_sent", len(await seller.node.answers()))
    return made
