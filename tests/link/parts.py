"""Parts that the tests of links share: keys, a clock that stands still, and a server that says what a test tells it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Generic, TypeVar

import trio
from nacl.signing import SigningKey

from byway.link.link import Link
from byway.link.memory import MemoryNetwork
from byway.protocol.frames import Accepted, Credit, Frame, Proof, Submit
from byway.protocol.limits import HOUR_MS, SUBMIT_CREDIT
from byway.protocol.merkle import leaf
from byway.protocol.receipt import Head
from byway.protocol.statement import Kind, Statement, make_statement, parse_statement
from byway.protocol.urn import node_urn

NOW = 1_790_000_000_000
SERVER = SigningKey(bytes([1]) * 32)
CLIENT = SigningKey(bytes([2]) * 32)
OTHER = SigningKey(bytes([3]) * 32)
NODE = node_urn(bytes(SERVER.verify_key))
ADDRESS = "router.test:7400"

FrameKind = TypeVar("FrameKind", bound=Frame)
T = TypeVar("T")

_numbers = itertools.count(1)


def now_ms() -> int:
    return NOW


def random(size: int) -> bytes:
    return next(_numbers).to_bytes(size, "big")


def a_statement(number: int = 0, *, key: SigningKey = CLIENT, pad: int = 0) -> Statement:
    """A well-signed statement, another one for each number."""
    body = {"n": number, "pad": bytes(pad)}
    return make_statement(key, Kind.CLOSE, body, created=NOW, expires=NOW + HOUR_MS)


def accepted(frame: Submit, sequence: int = 1, *, key: SigningKey = SERVER) -> Accepted:
    """The answer of a node that takes everything, each statement in a commit of its own."""
    heads, proofs = [], []
    for number, (data, _) in enumerate(frame.items):
        root = leaf(sequence + number, parse_statement(data).id)
        head = Head(
            journal=0, chain=bytes(16), first=sequence + number, count=1, root=root, size=1, tree=root, durable="no"
        )
        heads.append(head.sign(key, created=NOW, expires=NOW + HOUR_MS).data)
        proofs.append(Proof(number, sequence + number, ()))
    return Accepted(frame.batch, tuple(heads), tuple(proofs))


class Scripted:
    """The server's end of a link, in the hands of a test."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._frames: list[Frame] = []

    async def expect(self, kind: type[FrameKind]) -> FrameKind:
        """The client's next frame, which has to be of this kind."""
        while not self._frames:
            self._frames += await self.link.receive()
        frame = self._frames.pop(0)
        assert isinstance(frame, kind), frame
        return frame

    async def send(self, *frames: Frame) -> None:
        await self.link.send_many(frames)


Ends = tuple[Link, Scripted]


class Asking(Generic[T]):
    """A request that runs beside the test."""

    def __init__(self, nursery: trio.Nursery, request: Callable[[], Awaitable[T]]) -> None:
        self._done = trio.Event()
        self._values: list[T] = []
        self._error: Exception | None = None
        nursery.start_soon(self._run, request)

    async def _run(self, request: Callable[[], Awaitable[T]]) -> None:
        try:
            self._values.append(await request())
        except Exception as error:  # noqa: BLE001 - raised by `result`
            self._error = error
        self._done.set()

    async def result(self) -> T:
        await self._done.wait()
        if self._error is not None:
            raise self._error
        return self._values[0]


@asynccontextmanager
async def linked() -> AsyncGenerator[Ends]:
    """Both ends of an open link in memory.  The server has given its credit."""
    arrived = trio.Event()
    servers: list[Link] = []

    async def serve(link: Link) -> None:
        servers.append(link)
        await link.send(Credit(None, SUBMIT_CREDIT))
        arrived.set()
        await trio.sleep_forever()

    network = MemoryNetwork()
    async with trio.open_nursery() as nursery:
        await nursery.start(
            partial(network.serve_links, serve, key=SERVER, addresses=[ADDRESS], now_ms=now_ms, random=random)
        )
        async with network.open_link(ADDRESS, node=NODE, key=CLIENT, now_ms=now_ms, random=random) as link:
            await arrived.wait()
            yield link, Scripted(servers[0])
        nursery.cancel_scope.cancel()
