"""Before the hello a peer costs at most 64 kB of our own buffers, whatever it says (wire-protocol section 8.3)."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from byway.link.door import DoorLimits
from byway.link.link import Link
from byway.link.listener import serve_links
from byway.link.opening import VERSIONS
from byway.link.tls import ask_tls, client_context
from byway.link.tls_stream import TlsStream
from byway.protocol.codec import encode
from byway.protocol.frames import Start
from byway.protocol.limits import MAX_OPENING_BYTES, MAX_OPENING_FRAME_BYTES
from byway.protocol.urn import node_urn
from tests.link.parts import CLIENT, SERVER, now_ms, random

STRANGERS = 8
LIMITS = DoorLimits(handshakes=2 * STRANGERS, prefix_handshakes=2 * STRANGERS)
UNNOTICED_S = 0.01  # for so long nothing happens once everything has been read

START = encode(Start(VERSIONS, node_urn(bytes(CLIENT.verify_key)), bytes(16)))
ALMOST = MAX_OPENING_FRAME_BYTES.to_bytes(4) + bytes(MAX_OPENING_FRAME_BYTES - 1)
LARGER = (900_001).to_bytes(4) + bytes(900_000)

Say = Callable[[TlsStream], Awaitable[None]]


def said(*parts: bytes) -> Say:
    """Say these, each once the other end has read the one before."""

    async def say(stream: TlsStream) -> None:
        for part in parts:
            with suppress(trio.BrokenResourceError):  # it was closed upon
                await stream.send_all(part)
            await wait_all_tasks_blocked(UNNOTICED_S)

    return say


OPENINGS: dict[str, Say] = {
    "nothing behind the handshake": said(),
    "a part of a length": said(b"\x00\x00"),
    "almost all of a frame": said(ALMOST),
    "one byte after the other": said(*[ALMOST[at : at + 1] for at in range(6)]),
    "a start, and almost all of a hello": said(START, ALMOST),
    "a start and almost all of a hello at once": said(START + ALMOST),
    "a frame that is larger": said(LARGER),
    "a start, and a frame that is larger": said(START, LARGER),
    "a start after the other": said(*[START] * 4),
}


@pytest.mark.parametrize("name", OPENINGS)
async def test_an_unfinished_opening_costs_less_than_64_kb(name: str) -> None:
    async with serving() as address:
        async with stranger(address, OPENINGS[name]):
            pass  # what the first one needs is there for the others
        gc.collect()
        tracemalloc.start()
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(STRANGERS):
                    await nursery.start(partial(stay, address, OPENINGS[name]))
                await wait_all_tasks_blocked(UNNOTICED_S)
                gc.collect()
                kept, _ = tracemalloc.get_traced_memory()
                nursery.cancel_scope.cancel()
        finally:
            tracemalloc.stop()

    assert kept / STRANGERS < MAX_OPENING_BYTES  # with what our end of each costs


async def stay(address: str, say: Say, *, task_status: trio.TaskStatus[None]) -> None:
    async with stranger(address, say):
        task_status.started()
        await trio.sleep_forever()


@asynccontextmanager
async def stranger(address: str, say: Say) -> AsyncGenerator[None]:
    """Has shaken hands, and has said this."""
    host, _, port = address.rpartition(":")
    stream = await ask_tls(await trio.open_tcp_stream(host, int(port)), CONTEXT)
    try:
        await say(stream)
        yield
    finally:
        await trio.aclose_forcefully(stream)


@asynccontextmanager
async def serving() -> AsyncGenerator[str]:
    async def serve_nobody(_: Link) -> None:
        raise AssertionError("somebody has said who it is")

    async with trio.open_nursery() as nursery:
        serve = partial(serve_links, serve_nobody, key=SERVER, addresses=["127.0.0.1:0"])
        (address,) = await nursery.start(partial(serve, now_ms=now_ms, random=random, limits=LIMITS))
        yield address
        nursery.cancel_scope.cancel()


CONTEXT = client_context()
