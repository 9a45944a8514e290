"""What a subscriber is brought over one link and over the next: in order, once, until it is acked or expires."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from structlog.testing import capture_logs

from byway.errors import LinkError, Refused
from byway.link.client import Client
from byway.protocol.frames import Ack, Acked, Credit, Deliver, Ended, From, Subscribe, Subscribed, Unsubscribe
from byway.protocol.limits import ACK_TIMEOUT_S, DAY_MS
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement
from byway.router.delivery import Delivery
from tests.router.node_in_memory import BUYER, SELLER, Node, Peer, settle


def brought(frame: Deliver) -> list[bytes]:
    return [entry.statement for entry in frame.entries]


async def collect(peer: Peer, count: int) -> list[int]:
    """The sequences of the next deliveries, until there are so many, each acked at once."""
    sequences: list[int] = []
    while len(sequences) < count:
        frame = await peer.expect(Deliver)
        sequences += [entry.sequence for entry in frame.entries]
        await peer.send(Ack(frame.sub, frame.epoch, frame.journal, frame.through))
        await peer.expect(Acked)
    return sequences


async def drain(client: Client, sub: str = "s", pattern: str = "open:**", *, from_: From = "cursor") -> list[Statement]:
    """Everything that comes within a second, acked."""
    found = []
    async with client.subscribe(sub, pattern, from_=from_) as subscription:
        with trio.move_on_after(1):
            async for delivery in subscription:
                found.append(delivery.statement)
                subscription.ack(delivery)
    return found


async def test_a_cast_reaches_who_wants_it_and_nobody_else(node: Node) -> None:
    two_beds = [">=", "beds", ["integer", 2, 2]]
    async with node.peer() as peer:
        await peer.subscribe("exact", "open:homes:boston")
        await peer.subscribe("one", "open:homes:*")
        await peer.subscribe("rest", "open:**")
        await peer.subscribe("choosy", "open:homes:**", two_beds)
        await peer.subscribe("elsewhere", "open:food:**")
        small, large, unsaid = (
            node.cast(beds=["integer", 1, 1]),
            node.cast(beds=["integer", 3, None]),
            node.cast(rooms=["integer", 4, 4]),
        )
        await node.publish(small, large, unsaid)
        got: dict[str, list[bytes]] = {}
        for _ in range(4):
            frame = await peer.expect(Deliver)
            got[frame.sub] = brought(frame)
        await peer.hears_nothing(for_s=10)
    everything = [small.data, large.data, unsaid.data]
    assert got == {
        "exact": everything,
        "one": everything,
        "rest": everything,
        "choosy": [large.data, unsaid.data],  # what a cast does not say is unknown, and never false
    }


@pytest.mark.parametrize(("from_", "expected"), [("oldest", [1, 2, 3, 4]), ("cursor", [1, 2, 3, 4]), ("now", [4])])
async def test_a_new_subscription_begins_where_it_asks_to(node: Node, from_: From, expected: list[int]) -> None:
    await node.publish(*[node.cast() for _ in range(3)])
    async with node.peer() as peer:
        await peer.subscribe(from_=from_)
        await node.publish(node.cast())
        assert await collect(peer, len(expected)) == expected


@pytest.mark.parametrize(("from_", "expected"), [("oldest", [1, 2, 3, 4]), ("cursor", [3, 4]), ("now", [4])])
async def test_a_known_subscription_begins_where_it_asks_to(node: Node, from_: From, expected: list[int]) -> None:
    await node.publish(*[node.cast() for _ in range(3)])
    async with node.peer() as peer:
        subscribed = await peer.subscribe()
        await peer.expect(Deliver)
        await peer.send(Ack("s", subscribed.epoch, 0, 2))
        assert (await peer.expect(Acked)).through == 2
    async with node.peer() as peer:
        again = await peer.subscribe(from_=from_)
        assert again.epoch == subscribed.epoch + 1
        await node.publish(node.cast())
        assert await collect(peer, len(expected)) == expected


@pytest.mark.parametrize("restarts", [False, True])
async def test_what_was_acked_above_a_gap_does_not_come_again(node: Node, restarts: bool) -> None:
    await node.publish(*[node.cast() for _ in range(5)])
    async with node.peer() as peer:
        subscribed = await peer.subscribe()
        assert len((await peer.expect(Deliver)).entries) == 5
        await peer.send(Ack("s", subscribed.epoch, 0, 1, also=(3,), refused=((5, "bad-body"),)))
        assert (await peer.expect(Acked)).through == 1
    if restarts:
        await node.stop()
        await node.start()
    async with node.peer() as peer:
        await peer.subscribe()
        assert await collect(peer, 2) == [2, 4]


async def test_what_is_not_acked_comes_again_after_half_a_minute_and_not_before(node: Node) -> None:
    async with node.peer() as peer:
        subscribed = await peer.subscribe()
        await node.publish(node.cast(), node.cast())
        first = await peer.expect(Deliver)
        await peer.send(Ack("s", subscribed.epoch, 0, 0, also=(2,)))
        await peer.expect(Acked)
        await peer.hears_nothing(for_s=ACK_TIMEOUT_S - 1)
        again = await peer.expect(Deliver, within_s=ACK_TIMEOUT_S)
        assert (again.epoch, brought(again)) == (first.epoch, brought(first)[:1])
        await peer.send(Ack("s", subscribed.epoch, 0, 1))
        assert (await peer.expect(Acked)).through == 2
        await peer.hears_nothing(for_s=3 * ACK_TIMEOUT_S)


async def test_what_has_expired_does_not_come_again_nor_at_the_next_link(node: Node) -> None:
    short, long = node.cast(lifetime_ms=10_000), node.cast()
    async with node.peer() as peer:
        await peer.subscribe()
        await node.publish(short, long)
        assert brought(await peer.expect(Deliver)) == [short.data, long.data]
        again = await peer.expect(Deliver, within_s=2 * ACK_TIMEOUT_S)
        assert brought(again) == [long.data]
    async with node.peer() as peer:
        await peer.subscribe()
        assert brought(await peer.expect(Deliver)) == [long.data]


async def test_what_expires_while_it_waits_for_credit_is_never_handed_over(node: Node) -> None:
    first, short, last = node.cast(), node.cast(lifetime_ms=10_000), node.cast()
    async with node.peer() as peer:
        subscribed = await peer.subscribe(credit=1)
        await node.publish(first, short, last)
        assert brought(await peer.expect(Deliver)) == [first.data]
        await trio.sleep(11)
        await peer.send(Ack("s", subscribed.epoch, 0, 1))
        await peer.expect(Acked)
        assert brought(await peer.expect(Deliver)) == [last.data]


async def test_a_second_link_takes_the_subscription_over(node: Node) -> None:
    async with node.peer() as old, node.peer() as new:
        first = await old.subscribe()
        await node.publish(node.cast())
        delivered = await old.expect(Deliver)
        second = await new.subscribe()
        ended = await old.expect(Ended)
        assert (ended.sub, ended.code, second.epoch) == ("s", "replaced", first.epoch + 1)
        assert brought(await new.expect(Deliver)) == brought(delivered)

        with capture_logs() as logs:
            await old.send(Ack("s", first.epoch, 0, 1))
            await old.hears_nothing(for_s=5)
        (counted,) = logs
        assert (counted["event"], counted["frame"], counted["code"]) == ("frame_refused", "Ack", "unknown-subscription")
        await node.publish(node.cast())
        await new.expect(Deliver)
        await old.hears_nothing(for_s=5)
    async with node.peer() as third:
        assert (await third.subscribe()).epoch == second.epoch + 1
        assert await collect(third, 2) == [1, 2]  # the ack of the old link counts for nothing


async def test_an_ack_of_an_older_epoch_on_the_same_link_is_ignored(node: Node) -> None:
    async with node.peer() as peer:
        first = await peer.subscribe()
        await node.publish(node.cast())
        await peer.expect(Deliver)
        await peer.send(Subscribe("s", "open:**", None, "all", "cursor", 10_000))
        second = await peer.expect(Subscribed)
        assert second.epoch == first.epoch + 1
        await peer.expect(Deliver)
        await peer.send(Ack("s", first.epoch, 0, 1))
        await peer.hears_nothing(for_s=5)
        await peer.send(Ack("s", second.epoch, 0, 1))
        assert (await peer.expect(Acked)).epoch == second.epoch


async def test_what_is_unsubscribed_is_forgotten_for_good(node: Node) -> None:
    await node.publish(node.cast())
    async with node.peer() as peer:
        await peer.subscribe()
        assert await collect(peer, 1) == [1]
        await peer.send(Unsubscribe("s"))
        ended = await peer.expect(Ended)
        assert (ended.sub, ended.code) == ("s", "ended")
        await node.publish(node.cast())
        await peer.hears_nothing(for_s=60)
    await node.stop()
    await node.start()
    async with node.peer() as peer:
        await peer.subscribe()
        assert await collect(peer, 2) == [1, 2]


async def test_an_ack_before_the_end_does_not_move_the_cursor_of_a_new_beginning(node: Node) -> None:
    await node.publish(node.cast(), node.cast())
    async with node.peer() as peer:
        subscribed = await peer.subscribe()
        await peer.expect(Deliver)
        await peer.send(Ack("s", subscribed.epoch, 0, 2), Unsubscribe("s"))
        await peer.expect(Ended)
        await peer.subscribe()
        assert len((await peer.expect(Deliver)).entries) == 2
        await trio.sleep(1)
    await node.stop()
    await node.start()
    async with node.peer() as peer:
        await peer.subscribe()
        assert await collect(peer, 2) == [1, 2]


async def test_credit_bounds_what_is_in_flight_and_more_of_it_brings_more(node: Node) -> None:
    casts = [node.cast() for _ in range(4)]
    size = len(casts[0].data)
    async with node.peer() as peer:
        subscribed = await peer.subscribe(credit=2 * size)
        await node.publish(*casts)
        assert len((await peer.expect(Deliver)).entries) == 2
        await peer.hears_nothing(for_s=5)
        await peer.send(Credit("s", size))
        assert len((await peer.expect(Deliver)).entries) == 1
        await peer.send(Ack("s", subscribed.epoch, 0, 1))
        await peer.expect(Acked)
        assert len((await peer.expect(Deliver)).entries) == 1


@pytest.mark.parametrize("credit", [0, 1])
async def test_one_statement_is_always_allowed_from_disk_and_as_it_comes(node: Node, credit: int) -> None:
    await node.publish(node.cast(), node.cast())
    async with node.peer() as peer:
        await peer.subscribe(credit=credit)
        assert await collect(peer, 2) == [1, 2]
        await node.publish(node.cast(), node.cast())
        assert await collect(peer, 2) == [3, 4]


async def test_a_close_ends_the_cast_and_is_itself_brought(node: Node) -> None:
    cast, other = node.cast(), node.cast()
    close = node.close(cast)
    async with node.peer() as peer:
        await peer.subscribe("choosy", "open:homes:**", ["known", "beds"])
        await node.publish(cast, other)
        await node.publish(close)
        assert brought(await peer.expect(Deliver)) == [close.data]  # matched by topic alone
    async with node.client() as client:
        assert await drain(client) == [other, close]
        (answer,) = await client.submit([cast])
        assert isinstance(answer, Receipt)  # it was stored in time: a sender that lost the answer has to hear that
    await node.stop()
    await node.start()
    async with node.client() as client:
        assert await drain(client, "another") == [other, close]


async def test_a_cast_that_comes_after_its_close_is_refused(node: Node) -> None:
    cast = node.cast()
    await node.publish(node.close(cast))
    async with node.client() as client:
        (answer,) = await client.submit([cast])
    assert isinstance(answer, Refused)
    assert answer.code == "closed"


async def test_a_close_by_another_key_ends_nothing(node: Node) -> None:
    cast = node.cast()
    await node.publish(node.close(cast, key=SELLER), cast, node.close(cast, key=SELLER))
    async with node.client() as client:
        assert cast in await drain(client)


async def test_a_closed_cast_that_waits_for_a_slow_subscriber_is_not_brought_any_more(node: Node) -> None:
    first, closed, last = node.cast(), node.cast(), node.cast()
    async with node.peer() as peer:
        subscribed = await peer.subscribe(credit=1)
        await node.publish(first, closed, last)
        assert brought(await peer.expect(Deliver)) == [first.data]
        await node.publish(node.close(closed))
        await peer.send(Ack("s", subscribed.epoch, 0, 1))
        await peer.expect(Acked)
        assert brought(await peer.expect(Deliver)) == [last.data]


async def test_a_closed_cast_is_not_brought_again(node: Node) -> None:
    closed, other = node.cast(), node.cast()
    async with node.peer() as peer:
        await peer.subscribe()
        await node.publish(closed, other)
        assert len((await peer.expect(Deliver)).entries) == 2
        close = node.close(closed)
        await node.publish(close)
        assert brought(await peer.expect(Deliver)) == [close.data]
        again = await peer.expect(Deliver, within_s=2 * ACK_TIMEOUT_S)
        assert brought(again) == [other.data, close.data]


async def test_thousands_are_caught_up_from_disk_while_new_ones_come(node: Node) -> None:
    old = [node.cast() for _ in range(2000)]
    await node.publish(*old)
    new = [node.cast() for _ in range(600)]

    async def publish_more() -> None:
        for start in range(0, len(new), 20):
            await node.publish(*new[start : start + 20])

    async with node.client() as client, client.subscribe("s", "open:**") as subscription:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(publish_more)
            found: list[bytes] = []
            with trio.fail_after(600):
                while len(found) < 2600:
                    delivery = await subscription.receive()
                    found.append(delivery.statement.id)
                    subscription.ack(delivery)
        with trio.move_on_after(120):
            found.append((await subscription.receive()).statement.id)
    assert found == [cast.id for cast in old + new]


async def test_the_client_is_told_when_its_subscription_is_taken_over_and_when_the_router_stops(node: Node) -> None:
    async with node.client() as client, client.subscribe("s", "open:**") as subscription:
        async with node.client() as other, other.subscribe("s", "open:**"):
            with pytest.raises(Refused) as taken:
                await subscription.receive()
            assert taken.value.code == "replaced"
        async with client.subscribe("s", "open:**") as back:
            await node.stop()
            with pytest.raises(LinkError, match="shutting-down"):
                await back.receive()
    await node.start()


async def test_a_day_passes_and_nothing_is_left_to_bring(node: Node) -> None:
    await node.publish(*[node.cast(lifetime_ms=DAY_MS) for _ in range(10)])
    await node.stop()
    await trio.sleep(DAY_MS / 1000)
    await node.start()
    async with node.client(BUYER) as client:
        assert await drain(client, from_="oldest") == []


async def test_subscriptions_that_wait_cost_nothing_while_another_one_is_served(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, asked = Delivery.take, []

    def noted(delivery: Delivery, *more: Any) -> object:
        asked.append(delivery.sub)
        return take(delivery, *more)

    async with node.peer() as peer:
        for number in range(50):
            await peer.subscribe(f"idle {number}", pattern=f"open:elsewhere:n{number}")
        await peer.subscribe("s")
        await settle()
        monkeypatch.setattr(Delivery, "take", noted)

        await node.publish(node.cast())
        await peer.expect(Deliver)

    assert set(asked) == {"s"}
