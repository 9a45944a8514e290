"""How many subscriptions a node keeps: a crowd of free keys fills neither its disk nor the room of others."""

from __future__ import annotations

import pytest
from nacl.signing import SigningKey

from byway.errors import Refused
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.frames import Subscribe, Unsubscribe
from byway.protocol.limits import IDLE_SUBSCRIPTION_MS
from byway.router.subscription_room import SubscriptionLimits, SubscriptionRoom
from tests.router.node_in_memory import SELLER, Node

HERE, THERE = "198.51.100.0/24", "203.0.113.0/24"


def refusal(room: SubscriptionRoom, held: int, prefix: str, now: float) -> tuple[str, bool]:
    with pytest.raises(Refused) as caught:
        room.take(held, prefix, now)
    return caught.value.code, caught.value.temporary


def test_a_prefix_that_begins_many_soon_has_to_wait_and_others_do_not() -> None:
    room = SubscriptionRoom(SubscriptionLimits(most=1000, prefix=10))
    for number in range(10):
        room.take(number, HERE, 0)
    assert refusal(room, 10, HERE, 0) == ("busy", True)
    room.take(10, THERE, 0)
    in_30_days = IDLE_SUBSCRIPTION_MS / 1000
    room.take(11, HERE, in_30_days / 10 + 1)
    assert refusal(room, 12, HERE, in_30_days / 10 + 1) == ("busy", True)


def test_there_is_a_bound_for_all_prefixes_together() -> None:
    room = SubscriptionRoom(SubscriptionLimits(most=3, prefix=10))
    room.take(2, HERE, 0)
    assert refusal(room, 3, THERE, 0) == ("busy", True)


async def test_a_crowd_of_fresh_keys_finds_no_more_room_and_those_who_are_there_go_on(node: Node) -> None:
    node.router._room = SubscriptionRoom(SubscriptionLimits(most=3, prefix=100))
    async with node.peer() as peer:
        await peer.subscribe()
        for number in range(1, 3):
            async with node.peer(SigningKey(bytes([number]) * 32)) as fresh:
                await fresh.subscribe()
        async with node.peer(SigningKey(b"\3" * 32)) as fresh:
            await fresh.send(Subscribe("s", "open:**", None, "all", "cursor", 1000))
            refused = await fresh.expect(RefusedFrame)
            assert (refused.code, refused.retry_after) == ("busy", 60_000)
        assert (await peer.subscribe()).epoch == 2  # its own, again
        await peer.send(Unsubscribe("s"))
    async with node.peer(SigningKey(b"\3" * 32)) as fresh:
        await fresh.subscribe()
    assert len(node.router._subscriptions) == 3
    assert node.router._subscriptions.row((bytes(SELLER.verify_key), "s")) is None
