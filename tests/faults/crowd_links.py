"""What all kinds of crowds do: links from many addresses, again when one is lost, and counts of what came of it."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, RemoteProtocolError
from byway.link.link import Link, kept_alive
from byway.node_address import NodeAddress
from byway.protocol.frames import Answer, Ended, Frame, Subscribed
from byway.protocol.frames import Refused as RefusedFrame
from tests.crash.parties import seeded
from tests.faults.peers import dial, open_on

PREFIXES: Final = 8  # of one process
AT_ONCE: Final = 32  # handshakes under way
AGAIN_AFTER_S: Final = 0.05
THERE_WITHIN_S: Final = 300.0


class CrowdLinks:
    """`count` of a crowd, at the addresses 127.0.`first`.1 and on.

    `there` counts those who have got in, `held` their subscriptions, `told` what came of it.
    """

    def __init__(self, at: NodeAddress, first: int, count: int) -> None:
        self._at = at
        self._first = first
        self._count = count
        self._chance: Random = seeded(os.urandom(8).hex())
        self._dialing = trio.CapacityLimiter(AT_ONCE)
        self.there = 0
        self.held = 0
        self.told: Counter[str] = Counter()
        self.complete = trio.Event()

    def _address(self, number: int, *, prefixes: int = PREFIXES) -> str:
        return f"127.0.{self._first + number % prefixes}.{1 + number // prefixes % 200}"

    async def _ask(self, link: Link, frames: Sequence[Frame]) -> list[str]:
        """Send these, and wait for what is said to each."""
        await link.send_many(frames)
        said = list[str]()
        while len(said) < len(frames):
            said += filter(None, map(_said, await link.receive()))
        self.told.update(said)
        return said

    async def _again_and_again(
        self, number: int, do: Callable[[Link], Awaitable[None]], *, prefixes: int = PREFIXES
    ) -> None:
        """Do it on a link of a new key, and when that ends on another one."""
        while True:
            try:
                async with self._link(self._address(number, prefixes=prefixes)) as link:
                    await do(link)
            except (LinkError, RemoteProtocolError) as error:
                self.told[f"links ended as {error.code}"] += 1
            except (OSError, trio.BrokenResourceError):
                self.told["links ended as link-lost"] += 1
            self.told["links lost"] += 1
            await trio.sleep(AGAIN_AFTER_S)

    @asynccontextmanager
    async def _link(self, address: str) -> AsyncGenerator[Link]:
        async with self._dialing:
            stream = await dial(self._at, source=address)
            link = await open_on(stream, self._at, SigningKey(os.urandom(32)))
        async with kept_alive(link):
            yield link

    def _came(self) -> None:
        self.there += 1
        if self.there >= self._count:
            self.complete.set()

    async def run(self, kind: Callable[[int], Awaitable[None]]) -> None:
        """Have each do this, until stdin ends."""
        starts = trio.current_time()
        async with trio.open_nursery() as nursery:
            for number in range(self._count):
                nursery.start_soon(kind, number)
            with trio.move_on_after(THERE_WITHIN_S):
                await self.complete.wait()
            began, at_first = trio.current_time(), Counter(self.told)
            _say(f"there {self.there} {self.held}")
            await trio.to_thread.run_sync(sys.stdin.read)
            seconds, since = trio.current_time() - began, self.told - at_first
            nursery.cancel_scope.cancel()
        per_s = {what: number / seconds for what, number in since.items()}
        _say(json.dumps({"told": self.told, "per_s": per_s, "lasted_s": trio.current_time() - starts}))


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
