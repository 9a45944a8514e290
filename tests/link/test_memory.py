"""Links in memory fail as those over TCP do."""

from __future__ import annotations

from functools import partial

import pytest
import trio

from byway.errors import LinkError
from byway.link.link import Link
from byway.link.memory import MemoryNetwork
from tests.link.parts import CLIENT, NODE, OTHER, SERVER, now_ms, random


async def idle(link: Link) -> None:
    await link.receive()


async def test_nobody_there_is_unreachable() -> None:
    network = MemoryNetwork()
    with pytest.raises(LinkError, match="nowhere:1") as caught:
        async with network.open_link("nowhere:1", node=NODE, key=CLIENT, now_ms=now_ms, random=random):
            pass
    assert caught.value.code == "unreachable"


async def test_another_node_is_refused_and_nodes_are_told_apart() -> None:
    network = MemoryNetwork()
    dial = partial(network.open_link, key=CLIENT, now_ms=now_ms, random=random)
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        serve = partial(network.serve_links, idle, addresses=["x:0"], now_ms=now_ms, random=random, stop=stop)
        (one,) = await nursery.start(partial(serve, key=SERVER))
        (two,) = await nursery.start(partial(serve, key=OTHER))
        assert one != two
        async with dial(one, node=NODE) as link:
            assert link.peer == bytes(SERVER.verify_key)
        with pytest.raises(LinkError) as caught:
            async with dial(two, node=NODE):
                pass
        assert caught.value.code == "wrong-key"
        async with dial(one, node=NODE) as link:
            stop.set()
            with pytest.raises(LinkError) as told:
                await link.receive()
            assert told.value.code == "shutting-down"
    with pytest.raises(LinkError):
        async with dial(one, node=NODE):
            pass
