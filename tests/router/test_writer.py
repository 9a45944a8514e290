"""The writer: a receipt only after the flush, repeats answered with the first receipt, and turns for its thread."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Sequence
from functools import partial

import pytest
import trio
from nacl.signing import SigningKey

from byway.errors import Refused, StoreError
from byway.protocol.limits import MINUTE_MS
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Kind, make_statement
from byway.router.chain import Chain
from byway.router.policy import Admitted
from byway.router.store_thread import StoreThread
from byway.router.writer import Committed, Writer
from byway.store.sqlite.store import SqliteStore
from byway.store.store import CursorMove, Entry, SubscriptionRow

NODE = SigningKey(b"n" * 32)
NOW = 1_800_000_000_000


def statement(number: int) -> Admitted:
    key = SigningKey(bytes([7]) * 32)
    made = make_statement(key, Kind.DECLINE, {"n": number}, created=NOW, expires=NOW + 1000)
    return Admitted(made, "urn:byway:topic:open:t")


class Recording:
    """A writer over a real store, and what it told."""

    def __init__(self, store: SqliteStore, thread: StoreThread | None = None) -> None:
        self.committed: list[Committed] = []
        self.moved: list[CursorMove] = []
        self.now = NOW
        recovered = store.recover(NOW)
        self.writer = Writer(
            store,
            thread or StoreThread(),
            Chain(recovered, signer=bytes(NODE.verify_key), durable=store.durable),
            NODE,
            now_ms=lambda: self.now,
            on_commit=self.committed.extend,
            on_moved=self.moved.extend,
        )

    async def answers(self, admitted: Sequence[Admitted]) -> Sequence[Receipt | Refused]:
        send, receive = trio.open_memory_channel[Sequence[Receipt | Refused]](1)
        self.writer.write(admitted, send.send_nowait)
        return await receive.receive()

    async def write(self, admitted: Sequence[Admitted]) -> list[Receipt]:
        answers = await self.answers(admitted)
        receipts = [answer for answer in answers if isinstance(answer, Receipt)]
        assert len(receipts) == len(answers)
        return receipts


@pytest.fixture
async def recording(store: SqliteStore, nursery: trio.Nursery) -> Recording:
    made = Recording(store)
    nursery.start_soon(made.writer.run)
    return made


async def test_receipts_prove_each_statement_and_name_how_it_was_kept(recording: Recording) -> None:
    items = [statement(number) for number in range(5)]
    receipts = await recording.write(items)
    for item, receipt in zip(items, receipts, strict=True):
        head = receipt.verify(item.statement.id, bytes(NODE.verify_key))
        assert head.durable == "sqlite-wal-full"
    assert [receipt.sequence for receipt in receipts] == [1, 2, 3, 4, 5]
    assert [item.sequence for item in recording.committed] == [1, 2, 3, 4, 5]


async def test_a_repeat_gets_the_first_receipt_and_is_not_handed_on_again(recording: Recording) -> None:
    (first,) = await recording.write([statement(1)])
    await recording.write([statement(2)])
    again, other = await recording.write([statement(1), statement(1)])
    assert again == first == other
    assert len(recording.committed) == 2


async def test_what_expires_while_it_waits_is_not_stored_nor_stored_again(
    recording: Recording, store: SqliteStore
) -> None:
    """What was current when it came may not be any more, and what it repeats may have been swept in the meantime."""
    await recording.write([statement(1), statement(2)])
    recording.now = NOW + MINUTE_MS
    assert store.sweep(recording.now, 1) == 2

    answers = await recording.answers([statement(1), statement(3)])

    assert [answer.code for answer in answers if isinstance(answer, Refused)] == ["expired", "expired"]
    assert [item.sequence for item in recording.committed] == [1, 2]


async def test_statements_that_come_together_share_a_commit(recording: Recording) -> None:
    receipts = {}

    async def write(number: int) -> None:
        (receipts[number],) = await recording.write([statement(number)])

    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(write, number)
    assert len({receipt.head.id for receipt in receipts.values()}) <= 3


async def test_the_chain_goes_on_after_a_restart(store: SqliteStore) -> None:
    before = Recording(store)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(before.writer.run)
        (first,) = await before.write([statement(1)])
        nursery.cancel_scope.cancel()
    after = Recording(store)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(after.writer.run)
        (again,) = await after.write([statement(1)])
        (second,) = await after.write([statement(2)])
        nursery.cancel_scope.cancel()
    assert again == first
    head = second.verify(statement(2).statement.id, bytes(NODE.verify_key))
    assert (head.previous, head.size, head.first) == (first.head.id, 2, 2)


async def test_a_cursor_move_goes_with_the_next_commit_and_is_told_after_it(recording: Recording) -> None:
    move = CursorMove(bytes(32), "s", 1, 0, 7, ())
    recording.writer.move(move)
    assert recording.moved == []
    await recording.write([statement(1)])
    assert recording.moved == [move]


async def test_a_subscription_that_is_dropped_and_put_again_in_one_commit_begins_anew(
    recording: Recording, store: SqliteStore
) -> None:
    row = SubscriptionRow(bytes(32), "s", "open:**", b"\xc0", "all", 1, 7, acknowledgement=b"signed")
    await recording.writer.put(row, new=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recording.writer.drop, (row.key, row.sub))
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(partial(recording.writer.put, row._replace(through=0, acknowledgement=None), new=True))
    assert store.recover(0).subscriptions == [row._replace(through=0, acknowledgement=None)]


class FailingStore:
    """The real store, but its commits fail as a disk would make them."""

    def __init__(self, store: SqliteStore, code: str) -> None:
        self._store = store
        self._code = code
        self.fails = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def commit(self, entries: Sequence[Entry], **rest: object) -> None:
        if self.fails and entries:
            raise StoreError("the disk says no", code=self._code)
        self._store.commit(entries, **rest)  # type: ignore[arg-type]  # passed on as they came


@pytest.mark.parametrize(
    ("code", "goes_on"), [("store-failed", False), ("store-full", True), ("store-rolled-back", True)]
)
async def test_a_failed_flush_ends_all_promises_and_a_full_disk_only_this_one(
    store: SqliteStore, nursery: trio.Nursery, code: str, goes_on: bool
) -> None:
    failing = FailingStore(store, code)
    recording = Recording(failing)  # type: ignore[arg-type]  # it is the store in all but its commits
    nursery.start_soon(recording.writer.run)
    (refused,) = await recording.answers([statement(1)])
    assert isinstance(refused, Refused)
    assert (refused.code, str(refused)) == (code if goes_on else "store-failed", "the disk says no")
    failing.fails = False
    if goes_on:
        (receipt,) = await recording.write([statement(1)])
        assert receipt.sequence == 1
    else:
        (refused,) = await recording.answers([statement(1)])
        assert isinstance(refused, Refused)
    assert (recording.writer.failed is None) is goes_on


@pytest.mark.parametrize("code", ["store-failed", "store-full", "store-rolled-back"])
async def test_a_failure_is_told_anew_each_time(store: SqliteStore, code: str) -> None:
    """An error that is raised again and again keeps hold of every frame that it went through."""
    writer = Recording(store).writer
    failure = StoreError("the disk says no", code=code, next_step="wait")
    told = [writer.fail(failure) for _ in range(2)]
    assert len({id(error) for error in (failure, *told)}) == 3
    assert {error.code for error in told} == {code}


async def test_the_first_receipts_of_many_are_those_that_were_given(recording: Recording) -> None:
    items = [statement(number) for number in range(300)]
    receipts = await recording.write(items[:200]) + await recording.write(items[200:])
    again = await recording.writer.first_receipts([item.statement.id for item in reversed(items)])
    assert list(reversed(again)) == receipts
    assert await recording.writer.first_receipts([bytes(32)]) == [None]


async def test_acks_are_kept_when_there_is_no_room_for_statements(store: SqliteStore, nursery: trio.Nursery) -> None:
    full = FailingStore(store, "store-full")
    recording = Recording(full)  # type: ignore[arg-type]  # it is the store in all but its commits
    move = CursorMove(bytes(32), "s", 1, 0, 7, ())
    nursery.start_soon(recording.writer.run)
    recording.writer.move(move)
    (refused,) = await recording.answers([statement(1)])
    assert str(refused) == "the disk says no"
    await recording.writer.flush()
    assert recording.moved == [move]


SATURATED = """
    import os, sys, tempfile, time
    from pathlib import Path
    import trio
    sys.path.insert(0, {root!r})
    from byway.router.store_thread import StoreThread
    from byway.router.thread_turns import ThreadTurns
    from byway.store.sqlite.store import open_store
    from tests.router.test_writer import Recording, statement, NODE

    async def busy():
        while True:
            end = time.perf_counter() + 100e-6
            while time.perf_counter() < end:
                pass
            await trio.lowlevel.checkpoint()

    async def main():
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(Path(folder), node_key=bytes(NODE.verify_key), random=os.urandom, reserve_bytes=1024)
            recording = Recording(store, StoreThread(turns.run))
            commits = 0
            async with trio.open_nursery() as nursery:
                nursery.start_soon(recording.writer.run)
                nursery.start_soon(busy)
                with trio.move_on_after(60):
                    while commits < 40:
                        await recording.write([statement(commits * 64 + n) for n in range(64)])
                        commits += 1
                nursery.cancel_scope.cancel()
            store.close()
        print(commits)

    turns = ThreadTurns()
    trio.run(main, instruments=[turns])
"""


@pytest.mark.slow
def test_commits_go_on_beside_a_saturated_loop(pytestconfig: pytest.Config) -> None:
    """
    Without `ThreadTurns` this ends with no commit at all on a quiet machine; on a crowded one the
    scheduler of the system gives the thread its turns, so only the cure is asserted.
    """
    root = str(pytestconfig.rootpath)
    program = textwrap.dedent(SATURATED).format(root=root)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert int(done.stdout) == 40
