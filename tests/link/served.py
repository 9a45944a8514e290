"""A server of links on a real port, and how tests get to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio

from byway.link.dialer import open_link
from byway.link.link import Link
from byway.link.listener import serve_links
from tests.link.parts import CLIENT, SERVER, now_ms, random

dial = partial(open_link, key=CLIENT, now_ms=now_ms, random=random)


async def take_all(link: Link) -> None:
    """Take everything and say nothing."""
    while True:
        await link.receive()


@asynccontextmanager
async def listening(serve: Callable[[Link], Awaitable[None]] = take_all, **more: Any) -> AsyncGenerator[str]:
    async with trio.open_nursery() as nursery:
        (address,) = await nursery.start(
            partial(
                serve_links,
                serve,
                key=SERVER,
                addresses=["127.0.0.1:0"],
                now_ms=now_ms,
                random=random,
                **more,
            )
        )
        yield address
        nursery.cancel_scope.cancel()


async def connect_tcp(address: str) -> trio.SocketStream:
    host, _, port = address.rpartition(":")
    return await trio.open_tcp_stream(host, int(port))
