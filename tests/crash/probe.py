"""A probe: asks a node again and again for a sign of life, over a link of its own, and remembers how long it waited.

A node answers a Ping on its event loop and nowhere else, so whoever waits for one waits for the loop.  The probe runs
in a thread with a loop of its own: what keeps the other parties of a market busy does not count.

How long may it wait?  A node promises 100 ms, on a machine of its own.  Here several processes share a few cores, and
a router that could run is now and then kept waiting for a core: mostly a few milliseconds, seldom some tenths of a
second.  What the same probe sees at an idle process is no measure for that, because a scheduler lets those that sleep
go before those that work.  So one answer may take a second, which is more than a busy machine makes of it, and less
than a loop loses that waits for a disk, a lock or another computer, or does the work of a thread or of a process by
itself.  And half of the answers have to come within the 100 ms: a loop that is mostly busy breaks that.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from statistics import median
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.clock import now_ms
from byway.errors import LinkError, RemoteProtocolError
from byway.link.opening import open_as_client
from byway.link.tls import ask_tls, client_context
from byway.node_address import NodeAddress
from byway.protocol.address import parse_address
from byway.protocol.codec import Decoder, encode
from byway.protocol.frames import Credit, Frame, Ping, Pong
from byway.protocol.limits import HELLO_TIMEOUT_S, SUBMIT_CREDIT
from byway.protocol.urn import parse_urn
from tests.checker.evidence import Witness

EVERY_S: Final = 0.025
AGAIN_AFTER_S: Final = 0.1
LEAST: Final = 10  # answers; fewer tell nothing
WORST_MS: Final = 1000
USUAL_MS: Final = 100
KEY_BYTES: Final = 32
TOKEN_BYTES: Final = 8


class Probe:
    """What one probe has waited for, in milliseconds; only while the node was not `disturbed` on purpose."""

    def __init__(self, at: NodeAddress) -> None:
        self.waited_ms: list[float] = []
        self._at = at
        self._key = SigningKey(os.urandom(KEY_BYTES))
        self._going = 0  # disturbances
        self._changes = 0  # how often one began or ended
        self._stopped = False

    @contextmanager
    def disturbed(self) -> Generator[None]:
        """Inside the block, and on their way into it and out of it, answers may take as long as they like."""
        self._going += 1
        self._changes += 1
        try:
            yield
        finally:
            self._going -= 1
            self._changes += 1

    async def has(self, answers: int) -> None:
        """Wait for so many answers."""
        while len(self.waited_ms) < answers:  # noqa: ASYNC110 - another thread adds to them
            await trio.sleep(EVERY_S)

    async def run(self) -> None:
        """Ask until `stop`.  Cancelling leaves the thread to end by itself."""
        try:
            await trio.to_thread.run_sync(trio.run, self._run, abandon_on_cancel=True)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True

    def tell(self, witness: Witness) -> None:
        """Give evidence of what came of it."""
        missing = max(0, LEAST - len(self.waited_ms))
        witness.note("measured", what=f"answers missing of the {LEAST} that a probe has to get", value=missing, most=0)
        if self.waited_ms:
            worst, usual = round(max(self.waited_ms), 1), round(median(self.waited_ms), 1)
            witness.note("measured", what="longest wait for an answer to Ping, ms", value=worst, most=WORST_MS)
            witness.note("measured", what="usual wait for an answer to Ping, ms", value=usual, most=USUAL_MS)

    async def _run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ask_on_links)
            while not self._stopped:  # noqa: ASYNC110 - another thread says so
                await trio.sleep(EVERY_S)
            nursery.cancel_scope.cancel()

    async def _ask_on_links(self) -> None:
        """On one link after the other, as long as each lasts."""
        while True:
            with suppress(LinkError, RemoteProtocolError, OSError, trio.BrokenResourceError, trio.EndOfChannel):
                async with await self._open() as stream:
                    await self._ask(stream)
            await trio.sleep(AGAIN_AFTER_S)

    async def _open(self) -> trio.abc.Stream:
        """A stream to the node on which both ends have said who they are."""
        stream = await ask_tls(await trio.open_tcp_stream(*parse_address(self._at.address)), client_context())
        await open_as_client(
            stream,
            node=self._at.node,
            key=self._key,
            server_key=parse_urn(self._at.node, "node").key,
            now_ms=now_ms,
            random=os.urandom,
            deadline=trio.current_time() + HELLO_TIMEOUT_S,
        )
        return stream

    async def _ask(self, stream: trio.abc.Stream) -> None:
        decoder = Decoder()
        decoder.widen()
        await _hear(stream, decoder, Credit(None, SUBMIT_CREDIT))  # the first word of a node that serves
        for number in count():
            ping = Ping(number.to_bytes(TOKEN_BYTES, "big"))
            asked, changes = trio.current_time(), self._changes
            try:
                await stream.send_all(encode(ping))
                await _hear(stream, decoder, Pong(ping.token))
            except trio.Cancelled:  # it was stopped, and what it waited for did not come
                self._waited(asked, changes)
                raise
            self._waited(asked, changes)
            await trio.sleep(EVERY_S)

    def _waited(self, asked: float, changes: int) -> None:
        if not self._going and changes == self._changes:
            self.waited_ms.append((trio.current_time() - asked) * 1000)


async def _hear(stream: trio.abc.Stream, decoder: Decoder, wanted: Frame) -> None:
    """Read until this comes.  Raises `trio.EndOfChannel` if nothing more does."""
    while data := await stream.receive_some():
        if wanted in list(decoder.feed(bytes(data))):
            return
    raise trio.EndOfChannel


@asynccontextmanager
async def probed(at: NodeAddress) -> AsyncGenerator[Probe]:
    """A probe of the node, which asks for as long as the block runs."""
    probe = Probe(at)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(probe.run)
        try:
            yield probe
        finally:
            probe.stop()
