"""One link that is broken off without a word, after any byte of any frame that its client says or hears."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Literal, NamedTuple, TypeVar

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError
from byway.link.tls import ask_tls, client_context
from byway.link.tls_stream import TlsStream
from byway.node_address import NodeAddress
from byway.protocol.address import parse_address
from byway.protocol.codec import Decoder, encode
from byway.protocol.frames import Deliver, Frame, Ping, Stamps
from tests.faults.peers import LENGTH_BYTES, open_on

RESET: Final = struct.pack("ii", 1, 0)  # linger for no time: what closes, resets
READ_BYTES: Final = 65_536
ACTED_WITHIN_S: Final = 5.0  # on a whole one

FrameKind = TypeVar("FrameKind", bound=Frame)
Way = Literal["says", "hears"]


class Opening(NamedTuple):
    """A frame of the opening that is cut: the number of it that its client says or hears, and after which byte."""

    way: Way
    frame: int
    byte: int | None


class CutLink(trio.abc.Stream):
    """A TLS stream that is read one frame at a time, and whose end is a FIN without a word, or a reset.

    `byte` is how much of the frame goes that is cut, None for all of it; `size` is how long that one is, as soon as it
    is known.  `acted` says whether the node did anything after it had that part, `heard` what a whole one was that the
    node said.
    """

    def __init__(self, tcp: trio.SocketStream, tls: TlsStream, *, reset: bool, cut: Opening | None = None) -> None:
        self.size = 0
        self.acted = False
        self.heard: type[Frame] | None = None
        self.is_cut = False  # where it was to be
        self._is_over = False
        self._tcp = tcp
        self._tls = tls
        self._reset = reset
        self._cut = cut
        self._frames = {"says": 0, "hears": 0}
        self._came = bytearray()
        self._decoder = Decoder()
        self._decoder.widen()

    # what the opening does

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_due("says"):
            assert self._cut is not None
            await self.say_part(bytes(data), self._cut.byte)
            if self._cut.byte is None:
                await self.listen()
            elif not self._reset:
                await self._hear_out()
            self.is_cut = True
            await self.aclose()
        self._check_whole()
        await self._tls.send_all(data)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002 - a frame, however long
        self._check_whole()
        if self._is_due("hears"):
            assert self._cut is not None
            await self.hear_part(self._cut.byte)
            self.is_cut = True
            await self.aclose()
            self._check_whole()
        return await self._whole()

    async def wait_send_all_might_not_block(self) -> None:
        await self._tls.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Break off."""
        self.break_off()
        await trio.lowlevel.checkpoint()

    # what is done on an open link

    async def say(self, *frames: Frame) -> None:
        await self._tls.send_all(b"".join(map(encode, frames)))

    async def hear(self, kind: type[FrameKind]) -> FrameKind:
        """The next frame of this kind; what comes before it does not matter."""
        while not isinstance(frame := await self._frame(), kind):
            pass
        return frame

    async def expect(
        self, kind: type[FrameKind], is_it: Callable[[FrameKind], bool] = lambda _: True
    ) -> FrameKind | None:
        """The answer that has to come; None, if the link ended before.  Note whether anything else was said, or it did.

        What a node says without having been asked does not matter.
        """
        with suppress(trio.BrokenResourceError):
            while not isinstance(frame := await self._frame(), kind) or not is_it(frame):
                self.acted = self.acted or not _comes_by_itself(frame)
            return frame
        self.acted = True
        return None

    async def say_part(self, data: bytes, byte: int | None, before: Sequence[Frame] = ()) -> None:
        """So much of a frame, in one write with the whole frames before it."""
        self.size = len(data)
        await self._tls.send_all(b"".join(map(encode, before)) + data[:byte])

    async def hear_part(self, byte: int | None) -> None:
        """So much of the next frame, which is there by then."""
        if byte is None:
            data = await self._whole()
            self.size = len(data)
            (self.heard,) = map(type, self._decoder.feed(data))
            return
        part = await self._first(byte)
        if len(part) >= LENGTH_BYTES:
            self.size = LENGTH_BYTES + int.from_bytes(part[:LENGTH_BYTES])

    async def listen(self) -> None:
        """Note whether anything is said, or the link is ended, now that a whole frame has gone."""
        if self.acted:
            return
        with trio.move_on_after(ACTED_WITHIN_S):
            with suppress(trio.BrokenResourceError):
                await self._first(1)
            self.acted = True

    def break_off(self) -> None:
        """Go without a word."""
        if self._is_over:
            return
        self._is_over = True
        if self._reset:
            self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._tcp.socket.close()

    async def _hear_out(self) -> None:
        """Say by a FIN that this was all, and note whether the node says anything before it ends the link, too."""
        await self._tcp.send_eof()
        with suppress(trio.BrokenResourceError):
            await self._first(1)
            self.acted = True

    def _is_due(self, way: Way) -> bool:
        number = self._frames[way]
        self._frames[way] += 1
        return self._cut is not None and (self._cut.way, self._cut.frame) == (way, number)

    def _check_whole(self) -> None:
        if self._is_over:
            raise trio.BrokenResourceError

    async def _frame(self) -> Frame:
        (frame,) = self._decoder.feed(await self._whole())
        return frame

    async def _whole(self) -> bytes:
        length = await self._first(LENGTH_BYTES)
        data = await self._first(LENGTH_BYTES + int.from_bytes(length))
        del self._came[: len(data)]
        return data

    async def _first(self, size: int) -> bytes:
        """The first bytes of what has come, which stay there."""
        while len(self._came) < max(size, 1):
            data = await self._tls.receive_some(READ_BYTES)
            if not data:
                raise trio.BrokenResourceError("the node has ended the link")
            self._came += data
        return bytes(self._came[:size])


def _comes_by_itself(frame: Frame) -> bool:
    """Whether a node may say this at any time: what it asks for, whether somebody is there, how far it has looked."""
    return isinstance(frame, (Stamps, Ping)) or (isinstance(frame, Deliver) and not frame.entries)


async def cut_link(
    at: NodeAddress, key: SigningKey, *, source: str, reset: bool, cut: Opening | None = None
) -> CutLink:
    """A link to the node that is open, or that was broken off in its opening.  Raises `LinkError`."""
    host, port = parse_address(at.address)
    tcp = await trio.open_tcp_stream(host, port, local_address=source)
    link = CutLink(tcp, await ask_tls(tcp, client_context()), reset=reset, cut=cut)
    try:
        await open_on(link, at, key)
    except LinkError:
        if not link.is_cut:
            raise
    return link
