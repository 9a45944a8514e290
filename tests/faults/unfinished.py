"""The beginning of a handshake that never ends."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Final

import trio

from byway.link.tls import client_context

SLOW_BYTE_S: Final = 5.0


def client_hello() -> bytes:
    """What a client says first, whole."""
    said = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        client_context().wrap_bio(ssl.MemoryBIO(), said).do_handshake()
    return said.read()


async def dawdle(stream: trio.SocketStream, first: bytes) -> None:
    """Say this, and then a byte now and then, until the other end closes."""

    async def say() -> None:
        with suppress(trio.BrokenResourceError):
            await stream.send_all(first)
            while True:
                await stream.send_all(b"\x16")
                await trio.sleep(SLOW_BYTE_S)

    async with stream, trio.open_nursery() as nursery:
        nursery.start_soon(say)
        with suppress(trio.BrokenResourceError):
            while await stream.receive_some():
                pass
        nursery.cancel_scope.cancel()
