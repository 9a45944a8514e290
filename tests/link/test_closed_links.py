"""Links that are over: nothing is left of them, however they ended."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import trio
import trio.testing

from byway.errors import LinkError, RemoteProtocolError
from byway.link.link import Link
from byway.link.tls import ask_tls, client_context
from byway.protocol.connection import Role
from byway.protocol.frames import Resolve
from tests.link.parts import NODE
from tests.link.served import connect_tcp, dial, listening, take_all

NO_FRAME = b"\xff" * 8


async def who_leaves(address: str) -> None:
    async with dial(address, node=NODE) as link:
        await link.send(Resolve(1, "still there?"))


async def who_is_cut_off(address: str) -> None:
    async with dial(address, node=NODE) as link:
        await link._stream.send_all(NO_FRAME)
        with pytest.raises(LinkError):
            await link.receive()


async def who_never_opens(address: str) -> None:
    stream = await ask_tls(await connect_tcp(address), client_context())
    await stream.send_all(NO_FRAME)
    assert await stream.receive_some(), "no Bye"
    await stream.aclose()


@pytest.mark.parametrize("come_and_go", [who_leaves, who_is_cut_off, who_never_opens])
async def test_a_link_that_is_over_leaves_nothing_that_only_a_collection_would_free(
    come_and_go: Callable[[str], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[object]] = []
    make = Link.__init__

    def noted(link: Link, stream: trio.abc.Stream, role: Role, **more: Any) -> None:
        make(link, stream, role, **more)
        if role is Role.SERVER:
            made.extend([weakref.ref(link), weakref.ref(stream)])

    async def serve(link: Link) -> None:
        with suppress(LinkError, RemoteProtocolError):  # as a session does
            await take_all(link)

    monkeypatch.setattr(Link, "__init__", noted)
    gc.disable()
    try:
        async with listening(serve) as address:
            for _ in range(10):
                await come_and_go(address)
                await trio.testing.wait_all_tasks_blocked(0.01)
            left = [each for each in made if each() is not None]
    finally:
        gc.enable()
    assert len(made) == 20
    assert len(left) <= 2, "what the event loop has done last"
