"""The router when its store is full or fails: it stops promising before it stops working."""

from __future__ import annotations

import pytest
import trio
from structlog.testing import capture_logs

from byway.errors import Refused, StoreError
from byway.protocol.frames import (
    Ack,
    Acked,
    Deliver,
    Ended,
    Proof,
    Refusal,
    Subscribe,
    Unsubscribe,
)
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.statement import Statement
from byway.router.policy import RouterPolicy
from tests.router.faulty_store import DAMAGED, FAILED, FULL
from tests.router.node_in_memory import BUYER, Node, settle


async def test_a_subscription_whose_successor_could_not_be_stored_ends_with_a_word(
    node: Node, faults: dict[str, StoreError]
) -> None:
    async with node.peer() as peer:
        await peer.subscribe()
        faults["commit"] = FULL
        await peer.send(Subscribe("s", "open:food:**", None, "all", "cursor", 1000))
        assert (await peer.expect(RefusedFrame)).code == "store-full"
        assert (await peer.expect(Ended)).code == "store-full"
        del faults["commit"]
        await peer.subscribe()
        await node.publish(node.cast())
        await peer.expect(Deliver)


async def test_a_store_that_cannot_find_a_closed_cast_refuses_it_for_now_and_keeps_its_other_word(
    node: Node, faults: dict[str, StoreError]
) -> None:
    closed, new = node.cast(), node.cast()
    await node.publish(closed)
    await node.publish(node.close(closed))
    faults["commit_of"] = DAMAGED
    async with node.peer() as peer:
        refused, receipt = (await peer.submit(closed.data, new.data)).answers
    assert isinstance(receipt, Proof)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.retry_after is not None) == ("store-failed", True)


async def test_a_full_disk_refuses_casts_and_keeps_acking_beside_them(
    node: Node, faults: dict[str, StoreError]
) -> None:
    await node.publish(*[node.cast() for _ in range(3)])
    async with node.peer() as peer, node.peer(BUYER) as publisher:
        subscribed = await peer.subscribe()
        await peer.expect(Deliver)
        faults["entries"] = FULL
        with capture_logs() as logs:
            node.disk = trio.Event()
            await peer.send(Ack("s", subscribed.epoch, 0, 2))
            cast = node.cast()
            await settle()
            publishing = publisher.submit(cast.data)
            async with trio.open_nursery() as nursery:

                async def release() -> None:
                    await settle()
                    node.disk.set()

                nursery.start_soon(release)
                (answer,) = (await publishing).answers
        assert isinstance(answer, Refusal)
        assert (answer.code, answer.retry_after is not None) == ("store-full", True)
        assert [(entry["event"], entry["code"]) for entry in logs if "code" in entry] == [
            ("store_full", "store-full"),
            ("statement_refused", "store-full"),
        ]
        assert (await peer.expect(Acked)).through == 2
        del faults["entries"]
        (taken,) = (await publisher.submit(cast.data)).answers
        assert isinstance(taken, Proof)
        assert len((await peer.expect(Deliver)).entries) == 1


async def test_what_expires_while_a_disk_is_slow_is_refused_and_nothing_is_remembered_of_it(node: Node) -> None:
    forgotten = []

    class Forgetting(RouterPolicy):
        def forget(self, statement: Statement) -> None:
            forgotten.append(statement.id)

    await node.stop()
    node.make_policy = Forgetting
    await node.start()
    stays, expires = node.cast(), node.cast(lifetime_ms=1000)
    async with node.peer(BUYER) as publisher, trio.open_nursery() as nursery:
        node.disk = trio.Event()

        async def release() -> None:
            await trio.sleep(2)
            node.disk.set()

        nursery.start_soon(release)
        stored, refused = (await publisher.submit(stays.data, expires.data)).answers

    assert isinstance(stored, Proof)
    assert isinstance(refused, Refusal)
    assert (refused.code, forgotten) == ("expired", [expires.id])


async def test_what_a_completely_full_disk_could_not_note_is_noted_when_there_is_room(
    node: Node, faults: dict[str, StoreError]
) -> None:
    await node.publish(*[node.cast() for _ in range(3)])
    async with node.peer() as peer:
        subscribed = await peer.subscribe()
        await peer.expect(Deliver)
        faults["commit"] = FULL
        await peer.send(Ack("s", subscribed.epoch, 0, 2))
        await peer.hears_nothing(for_s=20)
        del faults["commit"]
        assert (await peer.expect(Acked)).through == 2


@pytest.mark.parametrize("fault", [FAILED, DAMAGED])
async def test_after_a_failed_commit_nothing_is_promised_and_what_is_there_is_served(
    node: Node, faults: dict[str, StoreError], fault: StoreError
) -> None:
    old = [node.cast() for _ in range(300)]
    await node.publish(*old)
    async with node.peer() as peer, node.peer(BUYER) as publisher:
        subscribed = await peer.subscribe()
        with capture_logs() as logs:
            faults["commit"] = fault
            refused = await publisher.submit(node.cast().data, b"not a statement")
            faults.clear()
            again = await publisher.submit(node.cast().data)
        for answer in (refused.answers[0], again.answers[0]):
            assert isinstance(answer, Refusal)
            assert (answer.code, answer.retry_after is not None) == ("store-failed", True)
        assert isinstance(refused.answers[1], Refusal)
        assert refused.answers[1].code == "malformed"
        assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["store_failed"]
        assert sorted(entry["code"] for entry in logs if entry["event"] == "statement_refused") == [
            "malformed",
            "store-failed",
            "store-failed",
        ]
        found: list[bytes] = []
        while len(found) < 300:
            frame = await peer.expect(Deliver)
            found += [entry.statement for entry in frame.entries]
            await peer.send(Ack("s", subscribed.epoch, 0, frame.through))
        assert found == [cast.data for cast in old]
        await peer.hears_nothing(for_s=20)  # no Acked: it would be a promise


async def test_a_backlog_that_cannot_be_read_ends_its_subscription_and_all_promises(
    node: Node, faults: dict[str, StoreError]
) -> None:
    await node.publish(*[node.cast() for _ in range(3)])
    async with node.peer() as peer, node.peer(BUYER) as publisher:
        faults["read"] = FAILED
        with capture_logs() as logs:
            await peer.subscribe()
            assert (await peer.expect(Ended)).code == "store-failed"
        assert [entry["event"] for entry in logs if entry.get("code") == "store-failed"] == [
            "store_failed",
            "subscription_ended",
        ]
        faults.clear()
        (answer,) = (await publisher.submit(node.cast().data)).answers
        assert isinstance(answer, Refusal)
        assert answer.code == "store-failed"
        await peer.send(Unsubscribe("s"))
        assert (await peer.expect(RefusedFrame)).code == "unknown-subscription"


async def test_it_goes_on_after_a_restart_as_if_nothing_had_been(node: Node, faults: dict[str, StoreError]) -> None:
    first, second = node.cast(), node.cast()
    await node.publish(first)
    faults["commit"] = FAILED
    with pytest.raises(Refused) as caught:
        await node.publish(second)
    assert caught.value.code == "store-failed"
    await node.stop()
    faults.clear()
    await node.start()
    await node.publish(second)
    async with node.peer() as peer:
        await peer.subscribe()
        assert [entry.statement for entry in (await peer.expect(Deliver)).entries] == [first.data, second.data]
