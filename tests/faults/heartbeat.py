"""For how long a node answers nobody: seen from outside, by one who asks for next to nothing again and again."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import Refused
from byway.link.client import Client, connect
from byway.link.link import kept_alive
from byway.node_address import NodeAddress
from tests.faults.peers import dial, open_on

EVERY_S: Final = 0.02
STALL_MOST_MS: Final = 100


@dataclass(slots=True)
class Heartbeat:
    """`beats` were answered, the slowest of them after `longest_ms`."""

    beats: int = 0
    longest_ms: float = 0.0

    async def run(self, client: Client) -> None:
        while True:
            began = trio.current_time()
            with suppress(Refused):  # a router does not answer for names, and says so at once
                await client.resolve("")
            self.longest_ms = max(self.longest_ms, 1000 * (trio.current_time() - began))
            self.beats += 1
            await trio.sleep(EVERY_S)


@asynccontextmanager
async def heartbeat(at: NodeAddress, *, source: str) -> AsyncGenerator[Heartbeat]:
    """Asks while the block runs, from the address `source`.

    Whatever else this process does counts as well, so it should have nothing to do meanwhile.
    """
    beat = Heartbeat()
    stream = await dial(at, source=source)
    async with (
        kept_alive(await open_on(stream, at, SigningKey(os.urandom(32)))) as link,
        connect(link) as client,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(beat.run, client)
        yield beat
        nursery.cancel_scope.cancel()
