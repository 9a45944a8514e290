"""What a router keeps in memory for one link, whatever the other end does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest
import trio
from structlog.testing import capture_logs

from byway.protocol.frames import (
    Ack,
    Acked,
    Deliver,
    Frame,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.limits import ACK_TIMEOUT_S, SUBMIT_CREDIT
from byway.router.delivery import MAX_PENDING_BYTES
from byway.router.session import MAX_HELD_BYTES, Session
from tests.router.node_in_memory import BUYER, SELLER, Node


class Stuck:
    """A link whose other end sends `frames` for ever and reads nothing after the first frame."""

    def __init__(self, frames: Iterator[list[Frame]], *, peer: bytes) -> None:
        self.peer = peer
        self.prefix = ""
        self.received = 0
        self.sent: list[Frame] = []
        self._frames = frames
        self._may_send = 1

    async def receive(self) -> list[Frame]:
        await trio.lowlevel.checkpoint()
        for frames in self._frames:
            self.received += len(frames)
            return frames
        await trio.sleep_forever()
        raise AssertionError

    async def send_many(self, frames: Sequence[Frame]) -> None:
        await trio.lowlevel.checkpoint()
        if not self._may_send:
            await trio.sleep_forever()
        self._may_send -= 1
        self.sent += frames

    async def aclose(self, code: str, sentence: str) -> None:
        raise AssertionError(f"{code}: {sentence}")


@pytest.mark.parametrize(
    "ask",
    [
        lambda number: Unsubscribe(f"nobody's {number}"),
        lambda number: Subscribe("s", "bad", None, "all", "now", number),
        lambda number: Subscribe("s", "open:**", None, "all", "now", number),
    ],
)
async def test_who_asks_and_does_not_listen_is_made_to_wait(node: Node, ask: Callable[[int], Frame]) -> None:
    link = Stuck(([ask(number)] for number in range(20_000)), peer=bytes(SELLER.verify_key))
    with trio.move_on_after(60), capture_logs():
        await Session(node.router, link, now_ms=node.now_ms).run()
    assert link.received < 20_000, "there is an answer in memory for each of them"


async def test_what_cannot_be_sent_is_not_sent_again_on_top(node: Node) -> None:
    await node.publish(*[node.cast() for _ in range(100)])
    subscribe = Subscribe("s", "open:**", None, "all", "cursor", 10**6)
    link = Stuck(iter([[subscribe]]), peer=bytes(SELLER.verify_key))
    session = Session(node.router, link, now_ms=node.now_ms)
    with trio.move_on_after(100 * ACK_TIMEOUT_S):
        await session.run()
    assert len(session._outbox) < 10


async def test_a_subscriber_that_never_acks_is_given_no_more_than_the_router_can_hold(node: Node) -> None:
    for _ in range(8):
        await node.publish(*[node.cast(pad=30_000) for _ in range(30)])
    async with node.peer() as peer:
        await peer.subscribe(credit=2**62)
        taken = 0
        with trio.move_on_after(20):
            while True:
                taken += (await peer.expect(Deliver, within_s=1000)).size
    assert SUBMIT_CREDIT <= taken <= 5 * SUBMIT_CREDIT


async def test_a_page_of_large_statements_ends_early(node: Node) -> None:
    await node.publish(*[node.cast(pad=30_000) for _ in range(30)])
    await node.publish(*[node.cast(pad=30_000) for _ in range(30)])
    async with node.peer() as peer:
        await peer.subscribe(credit=1)
        await peer.expect(Deliver)
        (_, delivery) = node.router._subscriptions._linked[bytes(SELLER.verify_key), "s"]
        assert delivery.held < 4 * MAX_PENDING_BYTES + SUBMIT_CREDIT
        assert delivery.looked < 60
        assert not delivery.live


async def test_the_subscriptions_of_a_link_share_its_memory_and_each_gets_its_turn(node: Node) -> None:
    casts = [node.cast(pad=30_000) for _ in range(120)]
    for start in range(0, 120, 30):
        await node.publish(*casts[start : start + 30])
    subs = [f"s{number}" for number in range(12)]
    found: dict[str, list[bytes]] = {sub: [] for sub in subs}
    acks: dict[str, Ack] = {}
    async with node.peer() as peer:
        await peer.send(*[Subscribe(sub, "open:**", None, "all", "cursor", 2**62) for sub in subs])
        for _ in range(3):  # take all that comes unasked, then ack it
            with trio.move_on_after(5):
                while True:
                    for frame in await peer.link.receive():
                        if isinstance(frame, Deliver):
                            found[frame.sub] += [entry.statement for entry in frame.entries]
                            acks[frame.sub] = Ack(frame.sub, frame.epoch, 0, frame.through)
            held = sum(delivery.held for _, delivery in node.router._subscriptions._linked.values())
            assert held < MAX_HELD_BYTES + len(subs) * MAX_PENDING_BYTES
            await peer.send(*acks.values())
        with trio.fail_after(60):
            while any(len(statements) < 120 for statements in found.values()):
                for frame in await peer.link.receive():
                    if isinstance(frame, Deliver):
                        found[frame.sub] += [entry.statement for entry in frame.entries]
                        await peer.send(Ack(frame.sub, frame.epoch, 0, frame.through))
    assert all(statements == [cast.data for cast in casts] for statements in found.values())


async def test_busy_subscriptions_of_a_link_are_served_in_turn(node: Node) -> None:
    casts = [node.cast(pad=30_000) for _ in range(120)]
    for start in range(0, 120, 30):
        await node.publish(*casts[start : start + 30])
    turns: list[str] = []
    unopened = 12
    async with node.peer() as peer:
        await peer.send(*[Subscribe(f"s{number}", "open:**", None, "all", "cursor", 2**62) for number in range(12)])
        while len(turns) < 48:
            for frame in await peer.link.receive():
                unopened -= isinstance(frame, Subscribed)
                if isinstance(frame, Deliver):
                    turns += [frame.sub] if not unopened else []
                    await peer.send(Ack(frame.sub, frame.epoch, 0, frame.through))
    assert {sub: 3 <= turn <= 5 for sub, turn in Counter(turns).items()} == {f"s{number}": True for number in range(12)}


async def test_a_slow_subscriber_disturbs_nobody_and_misses_nothing(node: Node) -> None:
    async with node.peer(BUYER) as slow, node.client() as fast, fast.subscribe("s", "open:**") as subscription:
        begun = await slow.subscribe(credit=2000)
        casts = [node.cast(pad=5000) for _ in range(200)]
        assert sum(len(cast.data) for cast in casts) > 2 * MAX_PENDING_BYTES
        for start in range(0, 200, 10):
            await node.publish(*casts[start : start + 10])
        with trio.fail_after(10):
            for cast in casts:
                delivery = await subscription.receive()
                assert delivery.statement == cast
                subscription.ack(delivery)
        (_, kept) = node.router._subscriptions._linked[bytes(BUYER.verify_key), "s"]
        assert kept.held <= MAX_PENDING_BYTES + 2 * len(casts[0].data)

        found: list[bytes] = []
        with trio.fail_after(600):
            while len(found) < 200:
                frame = await slow.expect(Deliver)
                found += [entry.statement for entry in frame.entries]
                await slow.send(Ack("s", begun.epoch, 0, frame.through))
        assert found == [cast.data for cast in casts]


async def test_a_subscriber_cannot_fill_the_log_with_what_it_was_never_brought(node: Node) -> None:
    async with node.peer() as peer:
        begun = await peer.subscribe()
        await node.publish(node.cast())
        await peer.expect(Deliver)
        with capture_logs() as logs:
            await peer.send(
                Ack("s", begun.epoch, 0, 0, refused=tuple((number, "bad-body") for number in range(1, 1000)))
            )
            await peer.expect(Acked)
        assert [(entry["event"], entry["sequence"]) for entry in logs] == [("delivery_refused", 1)]
