"""Peers that do not keep to a link: they are cut off at any byte, or say again what was said before."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

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
from byway.protocol.urn import parse_urn
from tests.checker.evidence import SystemClock, Witness
from tests.checker.witnesses import witnessed
from tests.crash.parties import make_cast
from tests.crash.router_process import RouterProcess
from tests.faults.stage import EVIDENCE, Stage

STRIDE: Final = 7  # of the bytes at which a connection is cut; tests/fuzz cuts every frame at every byte
LENGTH_BYTES: Final = 4
PAUSE_S: Final = 0.1


class Recorded(trio.abc.Stream):
    """A stream that remembers what was sent, up to the `cut`, where the connection ends."""

    def __init__(self, stream: trio.abc.Stream, cut: float = float("inf")) -> None:
        self._stream = stream
        self._cut = cut
        self.sent = bytearray()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        left = self._cut - len(self.sent)
        self.sent += data
        if len(data) >= left:
            await self._stream.send_all(bytes(data)[: int(left)])
            await trio.aclose_forcefully(self._stream)
            raise trio.BrokenResourceError
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._stream.aclose()


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
    """A publisher's connection is cut at one byte after the other: a cast is there or not, and never twice."""
    async with RouterProcess(stage.folder) as router:
        await router.start()
        async with stage.market(router) as market:
            whole = await _say_until_cut(stage, router, float("inf"), "whole")
            cuts = list(range(1, whole, STRIDE))
            for cut in stage.chance.sample(cuts, min(stage.times, len(cuts))):
                with market.fault(f"cut at byte {cut}"):
                    await _say_until_cut(stage, router, cut, f"cut-{cut}")
                stage.count("cuts")


async def _say_until_cut(stage: Stage, router: RouterProcess, cut: float, name: str) -> int:
    """Open a link, subscribe and submit, as far as the bytes go; how many there were."""
    chance, key = stage.chance, SigningKey(stage.chance.randbytes(32))
    stream = Recorded(await dial(router.at), cut)
    made = [make_cast(chance, router.at.node, lifetime_ms=HOUR_MS).statement for _ in range(2)]
    witness = Witness(router.folder / EVIDENCE, name, SystemClock(), role="publisher")
    with witness, suppress(LinkError, RemoteProtocolError):
        link = await open_on(stream, router.at, key)
        async with kept_alive(link), witnessed(link, witness) as client:
            await client.submit(made)
            await client.submit(made)
    with suppress(trio.ClosedResourceError):
        await trio.aclose_forcefully(stream)
    return len(stream.sent)


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
