"""Many clients in one process: `python -m tests.faults.crowd KIND ADDRESS NODE COUNT FIRST`; goes on until stdin ends.

`idle` opens COUNT links and keeps them; `handshakes` begins COUNT handshakes at a time and does not finish them;
`bad-signatures` and `fresh-keys` hand in as fast as they are let, on COUNT links.  They come from the addresses
127.0.FIRST.1 and on, because what one address prefix may do is bounded.  Prints a line when all are there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, RemoteProtocolError
from byway.link.client import connect
from byway.link.link import kept_alive
from byway.node_address import NodeAddress
from byway.protocol.address import parse_address
from byway.protocol.limits import HOUR_MS
from byway.protocol.statement import Statement
from tests.crash.parties import make_cast, seeded
from tests.faults.peers import dial, open_on
from tests.vectors.notation import damaged

PREFIXES: Final = 8  # of one process
AT_ONCE: Final = 32  # handshakes under way
SLOW_BYTE_S: Final = 1.0
AGAIN_AFTER_S: Final = 0.05
BATCH: Final = 32


class Crowd:
    """`there` counts those who have got in."""

    def __init__(self, at: NodeAddress, first: int, count: int) -> None:
        self._at = at
        self._first = first
        self._count = count
        self._chance: Random = seeded(os.urandom(8).hex())
        self._dialing = trio.CapacityLimiter(AT_ONCE)
        self.there = 0
        self.complete = trio.Event()

    def _address(self, number: int, *, prefixes: int = PREFIXES) -> str:
        return f"127.0.{self._first + number % prefixes}.{1 + number // prefixes % 200}"

    async def idle(self, number: int) -> None:
        """One link, opened again if need be."""
        while True:
            with suppress(LinkError, RemoteProtocolError, OSError, trio.BrokenResourceError):
                async with self._dialing:
                    stream = await dial(self._at, source=self._address(number))
                    link = await open_on(stream, self._at, SigningKey(os.urandom(32)))
                async with kept_alive(link):
                    self._came()
                    try:
                        while True:
                            await link.receive()
                    finally:
                        self.there -= 1
            await trio.sleep(AGAIN_AFTER_S)

    async def handshakes(self, number: int) -> None:
        """A byte now and then of what begins a handshake, again and again."""
        host, port = parse_address(self._at.address)
        self._came()
        while True:
            with suppress(OSError, trio.BrokenResourceError):
                stream = await trio.open_tcp_stream(host, port, local_address=self._address(number, prefixes=1))
                async with stream:
                    while True:
                        await stream.send_all(b"\x16")
                        await trio.sleep(SLOW_BYTE_S)
            await trio.sleep(AGAIN_AFTER_S)

    async def bad_signatures(self, number: int) -> None:
        cast = make_cast(self._chance, self._at.node, lifetime_ms=HOUR_MS).statement
        await self._hand_in(number, lambda: [damaged(cast)] * BATCH)

    async def fresh_keys(self, number: int) -> None:
        await self._hand_in(
            number,
            lambda: [make_cast(self._chance, self._at.node, lifetime_ms=HOUR_MS).statement for _ in range(BATCH)],
        )

    async def _hand_in(self, number: int, make: Callable[[], list[Statement]]) -> None:
        while True:
            with suppress(LinkError, RemoteProtocolError, OSError, trio.BrokenResourceError):
                stream = await dial(self._at, source=self._address(number))
                link = await open_on(stream, self._at, SigningKey(os.urandom(32)))
                async with kept_alive(link), connect(link) as client:
                    self._came()
                    while True:
                        await client.submit(make())
            await trio.sleep(AGAIN_AFTER_S)

    def _came(self) -> None:
        self.there += 1
        if self.there >= self._count:
            self.complete.set()

    async def run(self, kind: Callable[[int], Awaitable[None]]) -> None:
        async with trio.open_nursery() as nursery:
            for number in range(self._count):
                nursery.start_soon(kind, number)
            with trio.move_on_after(300):
                await self.complete.wait()
            sys.stdout.write(f"there {self.there}\n")
            sys.stdout.flush()
            await trio.to_thread.run_sync(sys.stdin.read)
            nursery.cancel_scope.cancel()


def main() -> None:
    kind, address, node, count, first = sys.argv[1:]
    os.nice(10)  # the machine is the router's and the honest client's: it is the router that has to hold them off
    crowd = Crowd(NodeAddress(node, address), int(first), int(count))
    trio.run(crowd.run, getattr(crowd, kind.replace("-", "_")))


if __name__ == "__main__":
    main()
