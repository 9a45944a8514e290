"""Peers that do not keep to a link: they are cut off at any byte, or say again what was said before."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import trio
from nacl.signing import SigningKey

from byway.clock import now_ms
from byway.errors import LinkError, RemoteProtocolError
from byway.link.link import Link, kept_alive
from byway.link.opening import open_as_client
from byway.link.tls import ask_tls, client_context
from byway.link.tls_stream import TlsStream
from byway.node_address import NodeAddress
from byway.protocol.address import parse_address
from byway.protocol.codec import Decoder
from byway.protocol.frames import Accepted, Bye, Frame
from byway.protocol.limits import HELLO_TIMEOUT_S, HOUR_MS
from byway.protocol.statement import Statement
from byway.protocol.urn import parse_urn
from tests.checker.evidence import SystemClock, Witness
from tests.checker.witnesses import Effects, witnessed
from tests.crash.market import Market
from tests.crash.parties import make_cast
from tests.crash.router_process import RouterProcess
from tests.faults.stage import EVIDENCE, Stage

NEVER: Final = float("inf")
BESIDE_BORDERS: Final = (1, -1, 0)  # of a frame: after its first byte, before its last one, and after that
SUB: Final = "cut"
LENGTH_BYTES: Final = 4
PAUSE_S: Final = 0.1
CONVERSED_WITHIN_S: Final = 20.0


class Cut(NamedTuple):
    """Where a connection ends: in what the client `sends` or `hears`, in which frame, from 0, and after which byte.

    A byte above 0 counts from the beginning of the frame.  0 is its end, and -1 one byte before that.
    """

    way: str
    frame: int
    byte: int

    def place(self, said: bytes | bytearray) -> float:
        """After how many of these bytes that is; infinity as long as they do not tell."""
        start = end = 0
        for _ in range(self.frame + 1 if self.byte <= 0 else self.frame):
            start, end = end, end + LENGTH_BYTES + int.from_bytes(said[end : end + LENGTH_BYTES])
            if len(said) < start + LENGTH_BYTES:
                return NEVER
        return end + self.byte


class Recorded(trio.abc.Stream):
    """A stream that remembers what was said on it, and ends at the cut."""

    def __init__(self, stream: trio.abc.Stream, cut: Cut | None = None) -> None:
        self._stream = stream
        self._cut = cut
        self.sent = bytearray()
        self.heard = bytearray()
        self.is_cut = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self._check_whole()
        before = len(self.sent)
        self.sent += data
        left = self._left("sends", self.sent, before)
        await self._stream.send_all(bytes(data)[:left])
        if self.is_cut:
            await trio.aclose_forcefully(self._stream)
            raise trio.BrokenResourceError

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        self._check_whole()
        data = await self._stream.receive_some(max_bytes)
        before = len(self.heard)
        self.heard += data
        left = self._left("hears", self.heard, before)
        if self.is_cut:
            await trio.aclose_forcefully(self._stream)
        return data[:left]

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _left(self, way: str, said: bytearray, before: int) -> int | None:
        """How many bytes more may go, if the cut is there."""
        if self._cut is None or self._cut.way != way or (place := self._cut.place(said)) > len(said):
            return None
        self.is_cut = True
        return max(0, int(place) - before)

    def _check_whole(self) -> None:
        if self.is_cut:
            raise trio.BrokenResourceError


async def dial(at: NodeAddress, *, source: str | None = None) -> TlsStream:
    """A TLS stream to the node, from the address `source`."""
    host, port = parse_address(at.address)
    stream = await trio.open_tcp_stream(host, port, local_address=source)
    return await ask_tls(stream, client_context())


async def open_on(stream: trio.abc.Stream, at: NodeAddress, key: SigningKey) -> Link:
    """A link over the stream, whatever that does."""
    server = parse_urn(at.node, "node").key
    deadline = trio.current_time() + HELLO_TIMEOUT_S
    return await open_as_client(
        stream, node=at.node, key=key, server_key=server, now_ms=now_ms, random=os.urandom, deadline=deadline
    )


async def cut_at_any_byte(stage: Stage) -> None:
    """A connection is cut, now while its client speaks and now while the router does; the next one goes on from there.

    Each byte of each frame that both say may be where.  A run has `stage.times` of them: half are beside the borders of
    frames, which are all there if that is enough for them, and half are by chance.  Every byte of every frame is the
    matter of tests/faults/every_byte.py; here a session is cut again and again, and goes on.
    """
    async with RouterProcess(stage.folder) as router:
        await router.start()
        async with stage.market(router) as market:
            with Witness(market.evidence, "cut-off", SystemClock(), role="publisher and subscriber") as witness:
                await _cut_off(stage, router, market, witness)


async def _cut_off(stage: Stage, router: RouterProcess, market: Market, witness: Witness) -> None:
    whole = await _Conversation(stage.chance, router.at, witness, 0).said()
    said = {"sends": frames_of(bytes(whole.sent)), "hears": frames_of(bytes(whole.heard))}
    for number, cut in enumerate(due(stage.chance, said, stage.times), start=1):
        conversation = _Conversation(stage.chance, router.at, witness, number)
        where = f"after byte {cut.byte} of frame {cut.frame} that it {cut.way}"
        with market.fault(f"{number}: a client is cut off {where}"):
            stream = await conversation.said(cut)
        stage.count(f"cut at what a client {cut.way}" if stream.is_cut else "over before its cut")
        await conversation.said()
        stage.expect(conversation.is_complete, f"not everything came to a client that was cut off {where}")


def due(chance: Random, said: Mapping[str, Sequence[bytes]], times: int) -> list[Cut]:
    """Where to cut so many conversations like the one in which these frames were said."""
    near, far = list[Cut](), list[Cut]()
    for way, frames in said.items():
        for number, frame in enumerate(frames):
            near += [Cut(way, number, byte) for byte in BESIDE_BORDERS]
            far += [Cut(way, number, byte) for byte in range(2, len(frame) - 1)]
    chosen = chance.sample(near, min(len(near), (times + 1) // 2))
    chosen += chance.sample(far, min(len(far), times - len(chosen)))
    chance.shuffle(chosen)
    return chosen


class _Conversation:
    """Somebody who subscribes, hands in two casts twice over, and acks them when they come; on one link or on several.

    What is the same on all of them: the key, the casts, and what was done.
    """

    def __init__(self, chance: Random, at: NodeAddress, witness: Witness, number: int) -> None:
        self._at = at
        self._witness = witness
        self._key = SigningKey(chance.randbytes(32))
        self._path = f"open:cut:c{number:04}"
        self._chance = chance
        self._made = [self._make() for _ in range(2)]
        self._done: set[bytes] = set()
        self._settled = False

    @property
    def is_complete(self) -> bool:
        """Whether all casts have come, and their acks are durable."""
        return self._settled and self._done >= {each.id for each in self._made}

    def _make(self) -> Statement:
        topics = [f"urn:byway:topic:{self._path}"]
        return make_cast(self._chance, self._at.node, lifetime_ms=HOUR_MS, pads=[0], topics=topics).statement

    async def said(self, cut: Cut | None = None) -> Recorded:
        """All of it on a link of its own, as far as that goes; and one cast more, behind what was not acked."""
        last = self._make()
        self._settled = False
        stream = Recorded(await dial(self._at), cut)
        effects = Effects(self._witness, self._at.node, bytes(self._key.verify_key), SUB, self._done)
        with suppress(LinkError, RemoteProtocolError), trio.move_on_after(CONVERSED_WITHIN_S):
            link = await open_on(stream, self._at, self._key)
            async with (
                kept_alive(link),
                witnessed(link, self._witness) as client,
                client.subscribe(SUB, self._path) as subscription,
            ):
                await client.submit(self._made)
                await client.submit([*self._made, last])
                while last.id not in self._done:
                    effects.take(subscription, await subscription.receive())
                await subscription.settled()
                self._settled = True
        with suppress(trio.ClosedResourceError):
            await trio.aclose_forcefully(stream)
        return stream


async def sessions_are_replayed(stage: Stage) -> None:
    """What a client said, byte for byte, is said again on another link: to the same router and to another one."""
    async with RouterProcess(stage.folder) as router, RouterProcess(stage.place("other")) as other:
        await router.start()
        await other.start()
        async with stage.market(router) as market:
            for number in range(stage.times):
                said = await _recorded(stage, router, f"recorded-{number}")
                for victim in (router, other):
                    with market.fault(f"replay {number} to {victim.at.address}"):
                        answers = await _replay(victim.at, said)
                    left = [frame.code for frame in answers if isinstance(frame, Bye)]
                    stage.expect(left == ["hello-mismatch"], f"a replayed session was told {left}")
                    stage.expect(not any(isinstance(frame, Accepted) for frame in answers), "a replay was let in")
                    stage.count("replays")
        await other.stop()


async def _recorded(stage: Stage, router: RouterProcess, name: str) -> bytes:
    stream = Recorded(await dial(router.at))
    link = await open_on(stream, router.at, SigningKey(stage.chance.randbytes(32)))
    with Witness(router.folder / EVIDENCE, name, SystemClock(), role="publisher") as witness:
        async with kept_alive(link), witnessed(link, witness) as client:
            await client.submit([make_cast(stage.chance, router.at.node, lifetime_ms=HOUR_MS).statement])
    return bytes(stream.sent)


async def _replay(at: NodeAddress, said: bytes) -> list[Frame]:
    """Everything that is answered to these bytes, until the link ends."""
    stream, decoder, answers = await dial(at), Decoder(), list[Frame]()
    decoder.widen()
    with trio.fail_after(HELLO_TIMEOUT_S + 5):
        with suppress(trio.BrokenResourceError):
            for frame in frames_of(said):  # the opening takes one at a time
                await stream.send_all(frame)
                await trio.sleep(PAUSE_S)
        with suppress(trio.BrokenResourceError):
            while data := await stream.receive_some():
                answers += decoder.feed(bytes(data))
    await trio.aclose_forcefully(stream)
    return answers


def frames_of(said: bytes) -> list[bytes]:
    """The frames in these bytes, each with its length."""
    frames = []
    while said:
        end = LENGTH_BYTES + int.from_bytes(said[:LENGTH_BYTES])
        frames.append(said[:end])
        said = said[end:]
    return frames


def open_files(pid: int) -> int:
    """How many descriptors the process has."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
