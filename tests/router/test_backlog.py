"""Paging from the store: what the policy has not taken note of yet is left for later."""

from __future__ import annotations

import trio

from benchmarks.load.prepared import casts
from byway.protocol.topic import TopicPattern
from byway.router.backlog import Backlog
from byway.router.delivery import Delivery
from byway.router.memory import Memory
from byway.router.policy import RouterPolicy, Source
from byway.router.store_thread import StoreThread
from byway.store.sqlite.store import SqliteStore
from tests.router.test_writer import NODE, Recording


async def test_a_page_looks_no_further_than_the_policy_has_seen(store: SqliteStore, nursery: trio.Nursery) -> None:
    """After each commit the store is ahead of the event loop for a moment."""
    policy = RouterPolicy(bytes(NODE.verify_key))
    made = list(casts(3))
    recording = Recording(store)
    recording.now = made[0].created
    nursery.start_soon(recording.writer.run)
    await recording.write([policy.admit(cast, Source(b"")) for cast in made])
    delivery = Delivery(
        key=bytes(32),
        sub="s",
        epoch=1,
        pattern=TopicPattern.parse("open:**"),
        mailbox=None,
        filter=None,
        cursor=0,
        also=(),
        credit=1_000_000,
        memory=Memory(),
    )
    backlog = Backlog(store, StoreThread(), policy)
    found = []
    for tip in (2, 3):
        await backlog.page(delivery, tip)
        taken = delivery.take(0, 0.0, tip)
        assert taken is not None
        found.append(([entry.sequence for entry in taken[0]], taken[1]))
    assert found == [([1, 2], 2), ([3], 3)]
