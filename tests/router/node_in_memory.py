"""A router with a real store, sessions and links, whose network is in memory and whose clock is trio's.

Store calls run at once and not in threads, because a clock that jumps does not wait for a thread.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
from nacl.signing import SigningKey
from trio.abc import Clock, Instrument
from trio.testing import MockClock

from byway.errors import LinkError
from byway.link.client import Client, connect
from byway.link.link import Link
from byway.link.memory import MemoryNetwork
from byway.protocol.close import Close
from byway.protocol.frames import Accepted, Acked, Credit, Deliver, Frame, From, Submit, Subscribe, Subscribed
from byway.protocol.intentcast import Cast
from byway.protocol.limits import HOUR_MS, SUBMIT_CREDIT
from byway.protocol.statement import Statement
from byway.protocol.urn import node_urn
from byway.router.policy import Policy, RouterPolicy
from byway.router.router import Router
from byway.router.session import Session
from byway.router.verifier import InlineVerifier
from byway.store.sqlite.store import SqliteStore, open_store
from byway.store.store import Recovered
from tests.strategies.randomness import Seeded

START_MS = 1_800_000_000_000
NODE_KEY = SigningKey(b"n" * 32)
NODE = node_urn(bytes(NODE_KEY.verify_key))
ADDRESS = "router.test:7400"
LONGEST_TEST_S = 10 * 86_400.0  # on the virtual clock
SELLER = SigningKey(b"s" * 32)
BUYER = SigningKey(b"b" * 32)

FrameKind = TypeVar("FrameKind", bound=Frame)


def on_a_virtual_clock(
    main: Callable[[], Awaitable[Any]], *, clock: Clock | None, instruments: Sequence[Instrument]
) -> Any:
    """What a test of a `Node` is run with."""
    return trio.run(main, clock=clock or MockClock(autojump_threshold=0), instruments=instruments)


async def settle() -> None:
    """Let everything happen that can happen now."""
    await trio.sleep(0.001)


class Peer:
    """The other end of a link, in the hands of a test: it says and hears single frames."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._heard: list[Frame] = []
        self._batches = itertools.count(1)

    async def send(self, *frames: Frame) -> None:
        await self.link.send_many(frames)

    async def expect(self, kind: type[FrameKind], *, within_s: float = 5.0) -> FrameKind:
        """The next frame, which has to be of this kind.  Deliver and Acked may overtake each other."""
        either = {Acked, Deliver} - {kind} if kind in {Acked, Deliver} else set()
        with trio.fail_after(within_s):
            while all(type(frame) in either for frame in self._heard):
                self._heard += await self.link.receive()
        frame = self._heard.pop(next(at for at, frame in enumerate(self._heard) if type(frame) not in either))
        assert isinstance(frame, kind), frame
        return frame

    async def hears_nothing(self, *, for_s: float) -> None:
        with trio.move_on_after(for_s):
            self._heard += await self.link.receive()
        assert self._heard == []

    async def is_left(self) -> None:
        """Wait until the router has said Bye."""
        with suppress(LinkError):
            while True:
                await self.link.receive()

    async def submit(self, *statements: bytes) -> Accepted:
        await self.send(Submit(next(self._batches), tuple((data, None) for data in statements)))
        return await self.expect(Accepted)

    async def subscribe(
        self,
        sub: str = "s",
        pattern: str = "open:**",
        filter_wire: object = None,
        from_: From = "cursor",
        credit: int = SUBMIT_CREDIT,
    ) -> Subscribed:
        await self.send(Subscribe(sub, pattern, filter_wire, "all", from_, credit))
        return await self.expect(Subscribed)


class Node:
    """One router on one disk.  `stop` and `start` are what a restart is."""

    def __init__(self, folder: Path, nursery: trio.Nursery) -> None:
        self.network = MemoryNetwork()
        self.random = Seeded("node")
        self.wrap: Callable[[SqliteStore], Any] = lambda store: store  # what the router is given for its store
        self.disk = trio.Event()  # while it is not set, calls of the store wait
        self.disk.set()
        self.make_policy: Callable[[bytes], Policy] = RouterPolicy
        self._folder = folder
        self._nursery = nursery
        self._began = trio.current_time()
        self._made = itertools.count()
        self._life = trio.CancelScope()
        self._dead = trio.Event()
        self.router: Router
        self.recovered: Recovered
        self.store: SqliteStore

    def now_ms(self) -> int:
        return START_MS + int((trio.current_time() - self._began) * 1000)

    async def start(self) -> None:
        self._dead = trio.Event()
        await self._nursery.start(self._run)

    async def stop(self) -> None:
        """As if the process had been killed."""
        self._life.cancel()
        await self._dead.wait()

    @asynccontextmanager
    async def peer(self, key: SigningKey = SELLER) -> AsyncGenerator[Peer]:
        """A link of single frames; what the router gives for Submits is heard already."""
        async with self._link(key) as link:
            peer = Peer(link)
            await peer.expect(Credit)
            yield peer

    @asynccontextmanager
    async def client(self, key: SigningKey = SELLER) -> AsyncGenerator[Client]:
        async with self._link(key) as link, connect(link) as client:
            yield client

    async def publish(self, *statements: Statement) -> None:
        """Hand these in, from somebody else's link; they all get receipts."""
        async with self.client(BUYER) as client:
            for answer in await client.submit(statements):
                if isinstance(answer, Exception):
                    raise answer

    def cast(
        self,
        topic: str = "open:homes:boston",
        *,
        key: SigningKey | None = None,
        lifetime_ms: int = HOUR_MS,
        pad: int = 0,
        **facets: list[Any],
    ) -> Statement:
        """A cast; each is another one."""
        now = self.now_ms()
        body = Cast.from_wire(
            {
                "to": f"urn:byway:topic:{topic}",
                "facets": facets,
                "demand": {"number": next(self._made)},
                "reply": [[1, bytes(32)]],
                "authority": NODE,
                "offers": 1,
                "terms": [],
                "pad": bytes(pad),
            }
        )
        return body.sign(key or BUYER, created=now, expires=now + lifetime_ms)

    def close(self, cast: Statement, *, key: SigningKey = BUYER) -> Statement:
        """The close of `cast`, which is good if `key` is the cast's own."""
        body = Close(cast=cast.id, to=Cast.from_statement(cast).to, until=cast.expires)
        return body.sign(key, created=self.now_ms(), expires=cast.expires)

    def _link(self, key: SigningKey) -> Any:
        return self.network.open_link(ADDRESS, node=NODE, key=key, now_ms=self.now_ms, random=self.random)

    async def _run(self, *, task_status: trio.TaskStatus[None]) -> None:
        self.store = open_store(
            self._folder, node_key=bytes(NODE_KEY.verify_key), random=self.random, reserve_bytes=1024
        )
        store = self.wrap(self.store)
        try:
            self.recovered = store.recover(self.now_ms())
            self.router = Router(
                store=store,
                recovered=self.recovered,
                key=NODE_KEY,
                policy=self.make_policy(bytes(NODE_KEY.verify_key)),
                verifier=InlineVerifier(),
                now_ms=self.now_ms,
            )

            async def serve(link: Link) -> None:
                await Session(self.router, link, now_ms=self.now_ms).run()

            with trio.CancelScope() as self._life:
                async with trio.open_nursery() as nursery:
                    await nursery.start(self.router.run)
                    await nursery.start(
                        partial(
                            self.network.serve_links,
                            serve,
                            key=NODE_KEY,
                            addresses=[ADDRESS],
                            now_ms=self.now_ms,
                            random=self.random,
                        )
                    )
                    task_status.started()
        finally:
            self.store.close()
            self._dead.set()


@asynccontextmanager
async def node_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Node]:
    """A router that runs, and is killed at the end."""

    async def run_at_once(call: Callable[[], Any]) -> Any:
        await node.disk.wait()
        result = call()
        await trio.lowlevel.cancel_shielded_checkpoint()  # others may run before the caller, as beside a thread
        return result

    async def give_up() -> None:
        await trio.sleep(LONGEST_TEST_S)
        raise AssertionError("the test waits for something that never comes")

    assert isinstance(trio.lowlevel.current_clock(), MockClock)
    monkeypatch.setattr(trio.to_thread, "run_sync", run_at_once)
    async with trio.open_nursery() as nursery:
        node = Node(folder, nursery)
        nursery.start_soon(give_up)
        await node.start()
        yield node
        await node.stop()
        nursery.cancel_scope.cancel()
