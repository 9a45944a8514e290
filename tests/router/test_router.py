"""The router when several things happen at the same time."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from byway.errors import LinkError, StoreError
from byway.protocol.frames import (
    Accepted,
    Ack,
    Acked,
    Deliver,
    Ended,
    Frame,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.frames import Refused as RefusedFrame
from byway.router.backlog import PAGE
from byway.router.delivery import PROGRESS, Delivery
from byway.router.shares import Owner
from tests.router.faulty_store import FAILED, FULL
from tests.router.node_in_memory import BUYER, SELLER, Node, Peer, settle


class Nobody:
    """A session that must not be spoken to."""

    owner = Owner(bytes(SELLER.verify_key), "203.0.113.0/24")

    def post(self, frame: Frame) -> None:
        raise AssertionError(frame)

    def wake(self, delivery: Delivery) -> None:
        raise AssertionError(delivery)

    def replaced(self, delivery: Delivery, *, here: bool) -> None:
        raise AssertionError((delivery, here))


async def test_a_new_pattern_is_looked_for_from_its_beginning_whatever_was_being_read(node: Node) -> None:
    casts = [node.cast(topic) for topic in ("open:a", "open:b") for _ in range(300)]
    await node.publish(*casts)
    async with node.peer() as peer:
        first = await peer.subscribe(pattern="open:a", credit=PAGE * len(casts[0].data))
        page = await peer.expect(Deliver)
        node.disk = trio.Event()
        await peer.send(Ack("s", first.epoch, 0, page.through))  # which asks for the next page
        await settle()
        await peer.send(Subscribe("s", "open:b", None, "all", "oldest", 10**6))
        await settle()
        node.disk.set()
        second = await peer.expect(Subscribed)
        found: list[int] = []
        while len(found) < 300:
            frame = await peer.expect(Deliver)
            assert frame.epoch == second.epoch
            found += [entry.sequence for entry in frame.entries]
        await peer.hears_nothing(for_s=5)
    assert found == list(range(301, 601))


async def test_a_page_that_fails_after_its_subscription_was_taken_over_harms_nobody(
    node: Node, faults: dict[str, StoreError]
) -> None:
    casts = [node.cast() for _ in range(300)]
    await node.publish(*casts)
    async with node.peer() as old, node.peer() as new:
        first = await old.subscribe(credit=PAGE * len(casts[0].data))
        page = await old.expect(Deliver)
        node.disk = trio.Event()
        await old.send(Ack("s", first.epoch, 0, page.through))
        await settle()
        await new.send(Subscribe("s", "open:**", None, "all", "cursor", 1000))
        await settle()
        faults["sequences"] = FAILED
        node.disk.set()
        assert (await old.expect(Ended)).code == "replaced"
        await old.send(Unsubscribe("nobody's"))
        assert (await old.expect(RefusedFrame)).code == "unknown-subscription"  # the link goes on


@pytest.mark.parametrize("from_", ["now", "oldest"])
async def test_a_subscription_that_could_not_be_stored_is_as_it_was(
    node: Node, faults: dict[str, StoreError], from_: Any
) -> None:
    await node.publish(*[node.cast() for _ in range(4)])
    async with node.peer() as peer:
        subscribed = await peer.subscribe()
        await peer.expect(Deliver)
        await peer.send(Ack("s", subscribed.epoch, 0, 2))
        await peer.expect(Acked)
    async with node.peer() as peer:
        faults["commit"] = FULL
        await peer.send(Subscribe("s", "open:**", None, "all", from_, 10**6))
        refused = await peer.expect(RefusedFrame)
        assert (refused.code, refused.retry_after is not None) == ("store-full", True)
        del faults["commit"]
        await peer.subscribe()
        assert [entry.sequence for entry in (await peer.expect(Deliver)).entries] == [3, 4]


async def test_a_subscription_that_is_cancelled_while_it_is_stored_is_served_by_nobody(node: Node) -> None:
    key = bytes(SELLER.verify_key)
    node.disk = trio.Event()
    with trio.move_on_after(1) as asked:
        await node.router.subscribe(Subscribe("s", "open:**", None, "all", "now", 10**6), key, Nobody())
    assert asked.cancelled_caught
    assert node.router._subscriptions.linked((key, "s")) is None


async def test_a_cast_that_is_closed_while_it_is_read_from_the_disk_is_not_brought(node: Node) -> None:
    casts = [node.cast() for _ in range(PAGE + 3)]
    await node.publish(*casts)
    async with node.peer() as peer:
        first = await peer.subscribe(credit=PAGE * len(casts[0].data))
        page = await peer.expect(Deliver)
        node.disk = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.publish, node.close(casts[-2]))
            await settle()
            await peer.send(Ack("s", first.epoch, 0, page.through))  # the next page is read right behind the commit
            await settle()
            node.disk.set()
        found: list[bytes] = []
        while len(found) < 3:
            found += [entry.statement for entry in (await peer.expect(Deliver)).entries]
    assert found[:2] == [casts[-3].data, casts[-1].data]


async def test_a_cursor_moves_past_what_does_not_match(node: Node) -> None:
    async with node.client() as client, client.subscribe("s", "open:food:**") as subscription:
        await node.publish(*[node.cast() for _ in range(PROGRESS + 10)])
        await trio.sleep(10)
        await subscription.settled()
    await node.stop()
    await node.start()
    assert [row.through for row in node.recovered.subscriptions] == [PROGRESS + 10]


async def test_what_is_handed_in_while_the_link_is_lost_may_be_stored_and_is_stored_once(node: Node) -> None:
    cast = node.cast()
    node.disk = trio.Event()
    async with node.client() as client, trio.open_nursery() as nursery:

        async def submit() -> None:
            with pytest.raises(LinkError, match="closed here"):
                await client.submit([cast])

        nursery.start_soon(submit)
        await settle()
        await client._link.aclose()
    node.disk.set()
    await settle()
    await node.publish(cast)
    assert node.router.tip == 1


async def test_two_who_submit_the_same_at_once_share_a_receipt(node: Node) -> None:
    cast = node.cast()
    answers: list[Accepted] = []

    async def submit(peer: Peer) -> None:
        answers.append(await peer.submit(cast.data))

    async with node.peer() as one, node.peer(BUYER) as other, trio.open_nursery() as nursery:
        nursery.start_soon(submit, one)
        nursery.start_soon(submit, other)
    assert answers[0] == answers[1]
    assert node.router.tip == 1


async def test_a_filter_for_which_there_is_no_work_left_is_refused_and_leaves_what_was_there(node: Node) -> None:
    index = node.router._subscriptions._index
    most, filter_wire = index._max_work, ["near", "where", 42_000_000, -71_000_000, 500]
    await node.publish(node.cast())
    async with node.peer() as peer:
        index._max_work = 0
        await peer.send(Subscribe("new", "open:**", filter_wire, "all", "cursor", 10**6))
        refused = await peer.expect(RefusedFrame)
        assert (refused.code, refused.retry_after is not None) == ("filters-full", True)
        first = await peer.subscribe("old")
        await peer.expect(Deliver)
        await peer.send(Ack("old", first.epoch, 0, 1))
        await peer.expect(Acked)
        await peer.send(Subscribe("old", "open:**", filter_wire, "all", "oldest", 10**6))
        assert (await peer.expect(RefusedFrame)).code == "filters-full"
        assert (await peer.expect(Ended)).code == "filters-full"
        await node.publish(node.cast())
        index._max_work = most
        again = await peer.subscribe("old", filter_wire=filter_wire)
        assert (again.epoch, again.cursors) == (2, ((0, 1),))
        assert [entry.sequence for entry in (await peer.expect(Deliver)).entries] == [2]
