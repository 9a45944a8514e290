"""Subscribers to everything who read a byte a second, beside one who reads: what they do not take stays on the disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import trio
from nacl.signing import SigningKey

from byway.link.client import connect
from byway.link.link import Link
from byway.link.subscription import Subscription
from byway.link.tls import client_context
from byway.protocol.address import parse_address
from byway.protocol.frames import Frame, Ping, Subscribed
from byway.protocol.limits import PING_AFTER_S
from byway.protocol.statement import Kind, statement_id
from tests.checker.stores import read_store
from tests.checker.tally import Tally
from tests.crash.router_process import RouterProcess
from tests.faults.crowds import crowd, resident_kb
from tests.faults.honest_pair import honest_pair
from tests.faults.peers import open_on
from tests.faults.stage import Stage, comes_true

SLOW: Final = 2
GREEDY: Final = 2**40  # bytes of credit; the router bounds what it keeps in memory by itself
BYTE_S: Final = 1.0
MEASURED_S: Final = 3.0
CATCH_UP_WITHIN_S: Final = 240.0
REST_S: Final = 2.0  # for what was handed in last, and had no answer any more
LEFT: Final = 100_000  # casts, for each of the slow (case 45): 240 MB, if they were kept in memory
STORED_BYTES: Final = 4_500  # of the disk for each of them, and some
LEAVE_WITHIN_S: Final = 150.0
SPARE_KB: Final = 8192  # what so many casts cost anyway: the index of the store, and what Python keeps for later
EACH_KB: Final = 6400  # in flight, so that it can be sent again, 4 MB; pending, a quarter; being written, 1 MB, twice
KIND_AT: Final = 3  # in the bytes of a statement


class Throttled(trio.abc.Stream):
    """A stream of which, while it is `slow`, a byte is read each second."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self.slow = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if not self.slow:
            return await self._stream.receive_some(max_bytes)
        await trio.sleep(BYTE_S)
        return await self._stream.receive_some(1)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


class Beginnings:
    """A link that remembers from where on its subscription brings everything."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.cursor = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    async def receive(self) -> list[Frame]:
        frames = await self._link.receive()
        for frame in frames:
            if isinstance(frame, Subscribed):
                ((_, self.cursor),) = frame.cursors
        return frames


class SlowConsumer:
    """A durable subscription to everything behind the `cursor`; `taken` has the ids by their sequences."""

    def __init__(self, stream: Throttled, subscription: Subscription, cursor: int) -> None:
        self.stream = stream
        self.cursor = cursor
        self.taken: dict[int, bytes] = {}
        self._subscription = subscription

    async def run(self) -> None:
        async for delivery in self._subscription:
            self.taken[delivery.sequence] = delivery.statement.id
            self._subscription.ack(delivery)


async def slow_consumers(stage: Stage) -> None:
    """The memory of the router does not grow with what they leave, others are served, and later they get it all."""
    async with RouterProcess(stage.place("router")) as router:
        await router.start()
        async with (
            stage.measuring(router, all_seen=False) as witness,
            honest_pair(router.at, witness, stage.chance) as honest,
        ):
            async with crowd(router, "many-casts", 1):
                quiet = await honest.latency_ms(MEASURED_S)
            memory, full = resident_kb(router.pid), _stored(router) + LEFT * STORED_BYTES
            async with consumers(router, stage) as slow:
                async with crowd(router, "many-casts", 1) as flood:
                    busy = await honest.latency_ms(MEASURED_S)
                    left = await comes_true(lambda: _stored(router) >= full, LEAVE_WITHIN_S)
                    stage.expect(left, "there was not enough that could be left for later")
                grown, behind = resident_kb(router.pid) - memory, [len(each.taken) for each in slow]
                await _catch_up(slow, stage, flood.told["accepted"])
            honest.compare(quiet, busy, "slow consumers")
            left_for_later = flood.told["accepted"] - max(behind)
            stage.expect(left_for_later >= LEFT, f"only {left_for_later} of {LEFT} casts were left for later")
            most = SLOW * EACH_KB + SPARE_KB
            witness.note("measured", what="kB that the router grew by", value=grown, most=most)
        journal = read_store(router.store, Tally("I14", "store health")).rows
        for each in slow:
            wanted = {
                at: statement_id(data)
                for at, data in journal.items()
                if at > each.cursor and data[KIND_AT] == Kind.CAST
            }
            missing = len(wanted.items() - each.taken.items())
            stage.expect(not missing, f"{missing} of {len(wanted)} casts never came to one who had read slowly")
        stage.outcome.faults += SLOW
        stage.outcome.counts |= {
            "casts left for later": left_for_later,
            "kB left for later": flood.told["bytes"] // 1024,
            "kB that the router grew by": grown,
            "kB that it may hold for one of them": EACH_KB,
            "ms to the subscriber, before": round(quiet),
            "ms to the subscriber": round(busy),
        }


@asynccontextmanager
async def consumers(router: RouterProcess, stage: Stage) -> AsyncGenerator[Sequence[SlowConsumer]]:
    """They have subscribed, and read slowly from then on."""
    async with trio.open_nursery() as nursery:
        yield [await nursery.start(_consume, router, SigningKey(stage.chance.randbytes(32))) for _ in range(SLOW)]
        nursery.cancel_scope.cancel()


async def _consume(
    router: RouterProcess, key: SigningKey, *, task_status: trio.TaskStatus[SlowConsumer] = trio.TASK_STATUS_IGNORED
) -> None:
    host, port = parse_address(router.at.address)
    stream = Throttled(await trio.open_tcp_stream(host, port, local_address="127.2.5.1"))
    secure = trio.SSLStream(stream, client_context(), https_compatible=True)
    link = Beginnings(await open_on(secure, router.at, key))
    async with (
        _signs_of_life(cast("Link", link)),
        connect(cast("Link", link)) as client,
        client.subscribe("everything", "open:**", from_="now", credit=GREEDY) as subscription,
    ):
        stream.slow = True
        consumer = SlowConsumer(stream, subscription, link.cursor)
        task_status.started(consumer)
        await consumer.run()


@asynccontextmanager
async def _signs_of_life(link: Link) -> AsyncGenerator[None]:
    """In the place of the library's, which would give up a link on which a Pong takes so long to be read."""

    async def ping() -> None:
        while True:
            await trio.sleep(PING_AFTER_S / 2)
            await link.send(Ping(b""))

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ping)
            yield
            nursery.cancel_scope.cancel()
    finally:
        await link.aclose()


def _stored(router: RouterProcess) -> int:
    """How many bytes are on the disk."""
    log = router.store.with_name(f"{router.store.name}-wal")
    return router.store.stat().st_size + log.stat().st_size


async def _catch_up(slow: Sequence[SlowConsumer], stage: Stage, accepted: int) -> None:
    """They read as everybody does, until each has had what was accepted meanwhile."""
    for each in slow:
        each.stream.slow = False
    caught_up = await comes_true(lambda: min(len(each.taken) for each in slow) >= accepted, CATCH_UP_WITHIN_S)
    await trio.sleep(REST_S)
    stage.expect(caught_up, "who had read slowly had not caught up in time")
