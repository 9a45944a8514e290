"""Subscriptions that nobody comes back to are dropped, and nobody else loses anything."""

from __future__ import annotations

import pytest
import trio
from structlog.testing import capture_logs

from byway.errors import StoreError
from byway.protocol.frames import Ack, Deliver
from byway.protocol.limits import DAY_MS, HOUR_MS, IDLE_SUBSCRIPTION_MS
from byway.router import idle_sweep
from byway.router.subscriptions import Subscriptions
from tests.router.faulty_store import FAILED
from tests.router.node_in_memory import BUYER, SELLER, START_MS, Node

NAME = (bytes(SELLER.verify_key), "s")
LOOK_EVERY_S = 60.0


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour of a router is thousands of steps of the other tasks."""
    monkeypatch.setattr(idle_sweep, "LOOK_EVERY_S", LOOK_EVERY_S)


def subscriptions(node: Node) -> Subscriptions:
    return node.router._subscriptions


def have_been_away(node: Node, sub: str, for_ms: int) -> None:
    """As if no link had served it for so long: the longest test is shorter."""
    row = subscriptions(node).row((NAME[0], sub))
    assert row is not None
    subscriptions(node).put(row._replace(seen=node.now_ms() - for_ms))


async def test_a_subscription_that_nobody_came_back_to_is_dropped_durably(node: Node) -> None:
    async with node.peer() as peer:
        await peer.subscribe("s")
        await peer.subscribe("t")
    have_been_away(node, "s", IDLE_SUBSCRIPTION_MS + DAY_MS)
    have_been_away(node, "t", IDLE_SUBSCRIPTION_MS)
    with capture_logs() as logs:
        await trio.sleep(LOOK_EVERY_S + 1)
    assert [(line["event"], line["code"], line["count"]) for line in logs] == [("subscriptions_dropped", "idle", 1)]
    assert len(subscriptions(node)) == 1
    await node.stop()
    await node.start()
    assert [row.sub for row in node.recovered.subscriptions] == ["t"]


async def test_a_subscription_that_was_dropped_begins_anew_with_the_oldest_statement(node: Node) -> None:
    cast = node.cast(lifetime_ms=10 * HOUR_MS)
    async with node.peer() as peer:
        begun = await peer.subscribe()
        await node.publish(cast)
        await peer.expect(Deliver)
        await peer.send(Ack("s", begun.epoch, 0, 1))
    have_been_away(node, "s", IDLE_SUBSCRIPTION_MS + DAY_MS)
    await trio.sleep(LOOK_EVERY_S + 1)
    async with node.peer() as peer:
        begun = await peer.subscribe()
        assert (begun.epoch, begun.cursors) == (1, ((0, 0),))
        assert [entry.statement for entry in (await peer.expect(Deliver)).entries] == [cast.data]


async def test_a_subscription_in_use_is_noted_once_a_day_and_never_dropped(node: Node) -> None:
    async with node.client() as client, client.subscribe("s", "open:**"):
        await trio.sleep(10 * LOOK_EVERY_S)
        row = subscriptions(node).row(NAME)
        assert row is not None
        assert row.seen == START_MS
        have_been_away(node, "s", 2 * IDLE_SUBSCRIPTION_MS)
        await trio.sleep(LOOK_EVERY_S + 1)
        await node.stop()
    await node.start()
    (stored,) = node.recovered.subscriptions
    assert stored.seen - START_MS >= 10 * LOOK_EVERY_S * 1000


async def test_a_restart_does_not_make_anybody_idle(node: Node) -> None:
    async with node.peer() as peer:
        await peer.subscribe()
    have_been_away(node, "s", IDLE_SUBSCRIPTION_MS - DAY_MS)
    await node.stop()
    await node.start()
    (stored,) = node.recovered.subscriptions
    assert stored.seen == START_MS
    await trio.sleep(LOOK_EVERY_S + 1)
    assert len(subscriptions(node)) == 1


async def test_what_the_store_does_not_drop_stays(node: Node, faults: dict[str, StoreError]) -> None:
    async with node.peer(BUYER) as peer, node.peer() as other:
        await other.subscribe()
        await peer.subscribe()
    have_been_away(node, "s", IDLE_SUBSCRIPTION_MS + DAY_MS)
    faults["commit"] = FAILED
    await trio.sleep(LOOK_EVERY_S + 1)
    assert len(subscriptions(node)) == 2
    assert node.router.failed
