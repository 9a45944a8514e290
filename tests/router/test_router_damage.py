"""What is damaged, rolled back or full costs what it is in, and the router goes on with the rest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import trio
from structlog.testing import capture_logs

from byway.protocol.frames import Ack, Acked, Deliver, Ended, Proof, Refusal, Subscribe, Unsubscribe
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.limits import HOUR_MS
from byway.protocol.statement import Kind, Statement
from byway.router.policy import RouterPolicy
from byway.router.router import PIECE
from byway.router.sweeper import SLICE
from byway.store.sqlite.store import STORE_FILE
from tests.router.faulty_store import FAILED, FaultyStore
from tests.router.node_in_memory import BUYER, START_MS, Node


def flip(node: Node, table: str, column: str, *rows: int) -> None:
    """Change a bit in rows of the store of a running node, as a disk does."""
    key = "sequence" if table == "journal" else "first"
    connection = node.store._database._connection
    for row in rows:
        [(blob,)] = connection.execute(f"SELECT {column} FROM {table} WHERE {key} = ?", (row,))  # noqa: S608 - our names
        changed = bytes([blob[0] ^ 1]) + blob[1:]
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (changed, row))  # noqa: S608 - as above


@pytest.mark.parametrize(("table", "column"), [("commits", "head"), ("leaves", "packed")])
async def test_a_receipt_that_cannot_be_made_again_costs_one_answer(node: Node, table: str, column: str) -> None:
    stored, other, new = node.cast(), node.cast(), node.cast()
    await node.publish(stored)
    await node.publish(other)
    flip(node, table, column, 1)

    async with node.peer() as peer:
        answers = (await peer.submit(stored.data, other.data, new.data)).answers
        await peer.subscribe()
        delivered = await peer.expect(Deliver)

    assert isinstance(answers[0], Refusal)
    assert (answers[0].code, answers[0].retry_after) == ("damaged", None)
    assert [type(answer) for answer in answers[1:]] == [Proof, Proof]
    assert [entry.statement for entry in delivered.entries] == [stored.data, other.data, new.data]
    assert not node.router.failed


async def test_a_damaged_statement_is_not_delivered_and_told_once(node: Node) -> None:
    casts = [node.cast() for _ in range(8)]
    await node.publish(*casts)
    flip(node, "journal", "data", 2, 3, 6)

    with capture_logs() as logs:
        for sub in ("one", "two"):
            async with node.peer() as peer:
                await peer.subscribe(sub)
                delivered = await peer.expect(Deliver)
            assert [entry.sequence for entry in delivered.entries] == [1, 4, 5, 7, 8]
            await trio.sleep(3)

    told = [(line["first"], line["last"]) for line in logs if line["event"] == "damaged"]
    assert told == [(2, 3), (6, 6)]
    assert all(line["code"] == "damaged" and line["next_step"] for line in logs if line["event"] == "damaged")
    assert node.router.damaged == 3


async def test_a_rolled_back_store_delivers_and_acks_and_takes_nothing_new(node: Node, tmp_path: Path) -> None:
    old = node.cast()
    await node.publish(old)
    await node.stop()
    shutil.copy(tmp_path / STORE_FILE, tmp_path / "backup")
    await node.start()
    await node.publish(node.cast())
    await node.stop()
    shutil.copy(tmp_path / "backup", tmp_path / STORE_FILE)
    await node.start()

    async with node.peer() as peer:
        subscribed = await peer.subscribe()
        assert [entry.statement for entry in (await peer.expect(Deliver)).entries] == [old.data]
        await peer.send(Ack("s", subscribed.epoch, 0, 1))
        assert (await peer.expect(Acked)).through == 1
        (refused,) = (await peer.submit(node.cast().data)).answers
        assert isinstance(refused, Refusal)
        assert (refused.code, refused.retry_after is not None) == ("store-rolled-back", True)
        (again,) = (await peer.submit(old.data)).answers
        assert isinstance(again, Proof)
    assert node.recovered.in_doubt is not None
    assert not node.router.failed


async def test_a_disk_with_its_reserve_alone_takes_no_new_subscription_and_keeps_the_others(node: Node) -> None:
    await node.publish(node.cast())
    async with node.peer() as peer, node.peer() as other:
        await peer.subscribe("gone", "open:food:**")
        await peer.subscribe("old")
        await peer.expect(Deliver)
        node.store._reserve_bytes = 2**62

        await other.send(Subscribe("new", "open:**", None, "all", "cursor", 1000))
        assert (await other.expect(RefusedFrame)).code == "store-full"
        subscribed = await other.subscribe("old")
        await other.expect(Deliver)
        await other.send(Ack("old", subscribed.epoch, 0, 1))
        assert (await other.expect(Acked)).through == 1
        assert (await peer.expect(Ended)).code == "replaced"
        await peer.send(Unsubscribe("gone"))
        assert (await peer.expect(Ended)).code == "ended"

        node.store._reserve_bytes = 1024
        await other.subscribe("new")


async def test_the_sweep_goes_on_in_slices_until_nothing_is_due(node: Node) -> None:
    """However much expires at the same time: the expiry of casts is rounded up to the hour."""
    for _ in range(6 * SLICE // 64):
        lifetime_ms = START_MS + HOUR_MS - node.now_ms()
        await node.publish(*[node.cast(lifetime_ms=lifetime_ms) for _ in range(64)])
    assert len(node.store._statements.directory._sequences) == 6 * SLICE

    with capture_logs() as logs:
        await trio.sleep((START_MS + HOUR_MS - node.now_ms()) / 1000 + 1.5)
        assert len(node.store._statements.directory._sequences) == 0
        await trio.sleep(3)

    assert [line for line in logs if line["event"] == "expired"] == [
        {"event": "expired", "log_level": "info", "code": "expired", "count": 6 * SLICE}
    ]


async def test_what_was_swept_before_the_store_failed_is_told(node: Node) -> None:
    class FailsAfterOneSlice(FaultyStore):
        """The real store, whose disk fails when something has been swept."""

        swept = 0

        def sweep(self, now: int, rows: int) -> int:
            if self.swept:
                raise FAILED
            self.swept = self._store.sweep(now, rows)
            return self.swept

    await node.publish(*[node.cast(lifetime_ms=HOUR_MS) for _ in range(3)])
    await node.stop()
    node.wrap = lambda store: FailsAfterOneSlice(store, {})
    await node.start()

    with capture_logs() as logs:
        await trio.sleep(HOUR_MS / 1000 + 62)

    assert [line["count"] for line in logs if line["event"] == "expired"] == [3]
    assert node.router.failed


async def test_remembered_statements_are_read_in_pieces(node: Node) -> None:
    """So that a start costs memory for a few, however many there are."""
    casts = [node.cast() for _ in range(PIECE + 10)]
    await node.publish(*casts)
    await node.publish(*[node.close(cast) for cast in casts])
    await node.stop()
    ahead: list[int] = []

    class Counting(RouterPolicy):
        """Counts how many statements have been read that it was not given yet."""

        remembered = 0

        def remember(self, statement: Statement) -> None:
            assert statement.kind is Kind.CLOSE
            Counting.remembered += 1
            ahead.append(read - Counting.remembered)
            super().remember(statement)

    read = 0
    node.make_policy = Counting

    class Watched:
        """The store, which counts what is read."""

        def __init__(self, store: object) -> None:
            self._store = store

        def __getattr__(self, name: str) -> object:
            return getattr(self._store, name)

        def kinds(self, kinds: frozenset[int]) -> object:
            nonlocal read
            for item in node.store.kinds(kinds):
                read += 1
                yield item

    node.wrap = Watched
    await node.start()

    assert Counting.remembered == len(casts)
    assert max(ahead) < PIECE
    async with node.peer(BUYER) as peer:
        (answer,) = (await peer.submit(casts[0].data)).answers
    assert isinstance(answer, Proof)
