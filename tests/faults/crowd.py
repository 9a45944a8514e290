"""Many clients in one process: `python -m tests.faults.crowd KIND ADDRESS NODE COUNT FIRST`; goes on until stdin ends.

`idle` opens COUNT links and keeps them; `strangers` begin COUNT handshakes at a time and do not finish them;
`passers-by` connect, one every millisecond, and go; `bad-signatures`, `fresh-keys` and `large-casts` hand in as fast as
they are let, `subscriptions` subscribe and unsubscribe so, and `lookups` ask for names that nobody has, on COUNT links
each.  They come from the addresses 127.0.FIRST.1 and on, because what one address prefix may do is bounded.

Prints a line when all are there, and at the end what came of it: counts, as JSON.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any, Final

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, Refused, RemoteProtocolError
from byway.link.client import connect
from byway.link.link import Link, kept_alive
from byway.link.tls import client_context
from byway.node_address import NodeAddress
from byway.protocol.address import parse_address
from byway.protocol.frames import Answer, Ended, Frame, Subscribe, Subscribed, Unsubscribe
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.frames import Resolve as ResolveFrame
from byway.protocol.limits import HOUR_MS, MAX_SUBSCRIPTIONS
from byway.protocol.statement import Statement
from tests.crash.parties import make_cast, seeded
from tests.faults.peers import dial, open_on
from tests.vectors.notation import damaged

PREFIXES: Final = 8  # of one process
MANY_PREFIXES: Final = 100
AT_ONCE: Final = 32  # handshakes under way
SLOW_BYTE_S: Final = 1.0
AGAIN_AFTER_S: Final = 0.05
PASS_EVERY_S: Final = 0.002  # in each of two processes
BATCH: Final = 32
LARGE: Final = (9000,)  # bytes of padding
ELSEWHERE: Final = ("urn:byway:topic:open:elsewhere",)
ASKED_AT_ONCE: Final = 64  # subscriptions
GONE_AT_ONCE: Final = 4
PLACES: Final = 30  # in a filter that is much work
LOOKUPS_PER_S: Final = 600  # of one process

_LOST: Final = (LinkError, RemoteProtocolError, OSError, trio.BrokenResourceError)


class Crowd:
    """`there` counts those who have got in, `told` what came of it."""

    def __init__(self, at: NodeAddress, first: int, count: int) -> None:
        self._at = at
        self._first = first
        self._count = count
        self._chance: Random = seeded(os.urandom(8).hex())
        self._dialing = trio.CapacityLimiter(AT_ONCE)
        self.there = 0
        self.told: Counter[str] = Counter()
        self.complete = trio.Event()

    def _address(self, number: int, *, prefixes: int = PREFIXES) -> str:
        return f"127.0.{self._first + number % prefixes}.{1 + number // prefixes % 200}"

    async def idle(self, number: int) -> None:
        """One link, opened again if need be."""
        while True:
            with suppress(*_LOST):
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

    async def strangers(self, number: int) -> None:
        """A byte now and then of a handshake, from its beginning or its middle, until one is cut off; and again."""
        host, port = parse_address(self._at.address)
        address = self._address(number, prefixes=MANY_PREFIXES)
        self._came()
        while True:
            with suppress(OSError):
                stream = await trio.open_tcp_stream(host, port, local_address=address)
                await dawdle(stream, client_hello() if number % 2 else b"")
            self.told["cut off"] += 1
            await trio.sleep(AGAIN_AFTER_S)

    async def passers_by(self, number: int) -> None:
        """Connects and goes, in its turn."""
        host, port = parse_address(self._at.address)
        self._came()
        await trio.sleep(number * PASS_EVERY_S)
        passes = number
        while True:
            due = trio.current_time() + self._count * PASS_EVERY_S
            with suppress(OSError):
                stream = await trio.open_tcp_stream(
                    host, port, local_address=self._address(passes, prefixes=MANY_PREFIXES)
                )
                await trio.aclose_forcefully(stream)
                self.told["passed"] += 1
            passes += self._count
            await trio.sleep_until(due)

    async def bad_signatures(self, number: int) -> None:
        cast = make_cast(self._chance, self._at.node, lifetime_ms=HOUR_MS).statement
        await self._hand_in(number, lambda: [damaged(cast)] * BATCH)

    async def fresh_keys(self, number: int) -> None:
        await self._hand_in(
            number,
            lambda: [make_cast(self._chance, self._at.node, lifetime_ms=HOUR_MS).statement for _ in range(BATCH)],
        )

    async def large_casts(self, number: int) -> None:
        def make() -> list[Statement]:
            given: Any = {"lifetime_ms": HOUR_MS, "pads": LARGE, "topics": ELSEWHERE}
            return [make_cast(self._chance, self._at.node, **given).statement for _ in range(BATCH)]

        await self._hand_in(number, make)

    async def _hand_in(self, number: int, make: Callable[[], list[Statement]]) -> None:
        async def hand_in(link: Link) -> None:
            async with connect(link) as client:
                self._came()
                while True:
                    made = make()
                    for statement, answer in zip(made, await client.submit(made), strict=True):
                        self.told[answer.code if isinstance(answer, Refused) else "accepted"] += 1
                        self.told["bytes"] += len(statement.data)

        await self._again_and_again(number, hand_in)

    async def subscriptions(self, number: int) -> None:
        """As many as one key gets and one more, which want nothing that is published; then they come and go."""

        async def subscribe(link: Link) -> None:
            heavy = bool(number % 2)
            wanted = [_unmet(each, self._chance, heavy=heavy) for each in range(MAX_SUBSCRIPTIONS + 1)]
            got = deque[Subscribe]()
            while wanted:
                asked, wanted = wanted[:ASKED_AT_ONCE], wanted[ASKED_AT_ONCE:]
                got += await self._subscribe(link, asked)
            self._came()
            while got:
                gone = [got.popleft() for _ in range(min(GONE_AT_ONCE, len(got)))]
                await self._ask(link, [Unsubscribe(each.sub) for each in gone])
                got += await self._subscribe(link, gone)

        await self._again_and_again(number, subscribe)

    async def _subscribe(self, link: Link, asked: Sequence[Subscribe]) -> list[Subscribe]:
        """Those that were granted."""
        said = await self._ask(link, asked)
        return [each for each, answer in zip(asked, said, strict=True) if answer == "subscribed"]

    async def lookups(self, number: int) -> None:
        """Names that nobody has, one after the other, at a pace."""

        async def look_up(link: Link) -> None:
            self._came()
            due, query = trio.current_time(), 0
            while True:
                query += 1
                urn = f"urn:byway:topic:{self._at.node.rpartition(':')[2]}:nobody:{self._chance.randbytes(8).hex()}"
                await self._ask(link, [ResolveFrame(query, urn)])
                due = max(due + self._count / LOOKUPS_PER_S, trio.current_time() - 1)
                await trio.sleep_until(due)

        await self._again_and_again(number, look_up)

    async def _ask(self, link: Link, frames: Sequence[Frame]) -> list[str]:
        """Send these, and wait for what is said to each."""
        await link.send_many(frames)
        said = list[str]()
        while len(said) < len(frames):
            said += filter(None, map(_said, await link.receive()))
        self.told.update(said)
        return said

    async def _again_and_again(self, number: int, do: Callable[[Link], Awaitable[None]]) -> None:
        """Do it on a link of a new key, and when that ends on another one."""
        while True:
            with suppress(*_LOST):
                async with self._link(number) as link:
                    await do(link)
            self.told["links lost"] += 1
            await trio.sleep(AGAIN_AFTER_S)

    @asynccontextmanager
    async def _link(self, number: int) -> AsyncGenerator[Link]:
        stream = await dial(self._at, source=self._address(number))
        async with kept_alive(await open_on(stream, self._at, SigningKey(os.urandom(32)))) as link:
            yield link

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
            _say(f"there {self.there}")
            await trio.to_thread.run_sync(sys.stdin.read)
            nursery.cancel_scope.cancel()
        _say(json.dumps(self.told))


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


def client_hello() -> bytes:
    """What a client says first."""
    said = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        client_context().wrap_bio(ssl.MemoryBIO(), said).do_handshake()
    return said.read()


def _unmet(number: int, chance: Random, *, heavy: bool) -> Subscribe:
    """One of many, to a pattern of some kind, with a filter that no cast of an honest publisher meets."""
    pattern = ("open:homes:boston", "open:homes:*", "open:**", "open:*:**")[number % 4]
    known, many = "beds", 100 + chance.randrange(1_000_000)
    wanted: list[object] = [">=", known, ["integer", many, many]]
    if heavy:
        known = "where"
        places = [(chance.randrange(1_000_000), chance.randrange(1_000_000)) for _ in range(PLACES)]
        wanted = ["or", *(["near", known, *place, 20_000] for place in places)]
    return Subscribe(f"{number}", pattern, ["and", ["known", known], wanted], "all", "now", 0)


def _said(frame: Frame) -> str:
    """What an answer says; empty: it is none."""
    match frame:
        case Subscribed():
            return "subscribed"
        case Ended(code=code) | RefusedFrame(code=code):
            return code
        case Answer(statements=statements):
            return "found" if statements else "not found"
    return ""


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    kind, address, node, count, first = sys.argv[1:]
    os.nice(10)  # the machine is the router's and the honest client's: it is the router that has to hold them off
    crowd = Crowd(NodeAddress(node, address), int(first), int(count))
    trio.run(crowd.run, getattr(crowd, kind.replace("-", "_")))


if __name__ == "__main__":
    main()
