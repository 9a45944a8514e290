"""A link: one live connection to a peer (wire-protocol section 8).

A `Link` takes frames from many tasks and gives the peer's frames to one.  It answers Ping itself, sends
Ping when nothing comes, and says Bye when the peer breaks the rules.  `listener`, `dialer` and `memory`
make links whose ends have said who they are, and keep them alive.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import CODES, LinkError, LocalProtocolError, RemoteProtocolError
from byway.link.beside import beside
from byway.protocol.connection import Connection, Role
from byway.protocol.frames import Bye, Frame, Ping, Pong
from byway.protocol.limits import (
    MAX_OPENING_BYTES,
    MAX_OPENING_FRAME_BYTES,
    PING_AFTER_S,
    PONG_WITHIN_S,
    RETRY_AFTER_MS,
)

STRANGER_BYTES: Final = (MAX_OPENING_BYTES - MAX_OPENING_FRAME_BYTES) // 3  # of one read: as it came, and in clear
RECEIVE_BYTES: Final = 65_536  # of one read, once the peer has said who it is
BYE_WITHIN_S: Final = 1.0
MAX_SENTENCE: Final = 500  # characters of a Bye, which may have to fit into a frame of the opening

_LOST: Final = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


class Link:
    """One link.  `peer` is the other end's 32-byte key, for which alone the link speaks.

    Cancelling `send` while its bytes are on their way ends the link, because half a frame may have gone;
    cancelling it earlier, and cancelling `receive` anywhere, changes nothing.
    """

    def __init__(self, stream: trio.abc.Stream, role: Role, *, key: SigningKey, now_ms: Callable[[], int]) -> None:
        self.key = key  # for which this end speaks
        self.now_ms = now_ms
        self.peer = b""  # until the opening has found out
        self.prefix = ""  # the address prefix of the other end, where a server knows it
        self.bye: Bye | None = None  # the word with which the other end left
        self._stream = stream
        self._connection = Connection(role)
        self._sending = trio.Lock()
        self._early: list[Frame] = []
        self._end: tuple[str, str] | None = None  # code and sentence, once the link has ended
        self._closed: trio.Event | None = None  # there is one from the moment somebody closes
        self._listening_since: float | None = None  # None while nobody is in `receive`
        self._keeper: trio.Nursery | None = None
        self._pong: Pong | None = None

    @property
    def submit_credit(self) -> int:
        """How many bytes of statements a client may submit now."""
        return self._connection.submit_credit

    async def send(self, frame: Frame) -> None:
        """Send one frame; see `send_many`."""
        await self.send_many((frame,))

    async def send_many(self, frames: Sequence[Frame]) -> None:
        """Send frames in one write, after what other tasks have begun to send.

        Waits while the peer does not read.  Raises `LinkError` when the link has ended, and
        `LocalProtocolError` for a frame that may not be sent; those before it are sent.
        """
        wrong: LocalProtocolError | None = None
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            self._sending.acquire_nowait()  # where nobody else sends, that needs no turn of the event loop
        except trio.WouldBlock:
            await self._sending.acquire()
        try:
            self._check_open()
            if fault := self._connection.fault:  # not yet told to whoever receives
                raise LinkError(str(fault), code=fault.code)
            parts = []
            try:
                for frame in frames:
                    parts.append(self._connection.send(frame))  # noqa: PERF401 - what came before an error is kept
            except LocalProtocolError as error:
                wrong = error
            await self._write(b"".join(parts))
        finally:
            self._sending.release()
        if wrong is not None:
            raise wrong

    async def receive(self) -> list[Frame]:
        """The next frames of the peer, at least one; no Ping, Pong or Bye among them.  For one task at a time.

        Raises `LinkError` when the link has ended: with the code of the peer's Bye, `idle`, or `link-lost`.
        Raises `RemoteProtocolError` when the peer broke the rules, after Bye was sent.
        """
        if self._early:
            frames, self._early = self._early, []
            return frames
        while True:
            self._check_open()
            try:
                frames = self._connection.receive(b"" if self._connection.fault else await self._read())
            except RemoteProtocolError as error:
                await self.aclose(error.code, str(error))
                raise
            if frames := [frame for frame in frames if not self._take(frame)]:
                return frames

    def put_back(self, frames: list[Frame]) -> None:
        """Frames that came with others and are for whoever receives next."""
        self._early = [*frames, *self._early]

    async def aclose(self, code: str = "shutting-down", sentence: str = "", retry_after: int | None = None) -> None:
        """Say Bye, as far as that takes no longer than a second, and close.  Cancelling does not cut it short.

        Tasks that send or receive get `LinkError` with this code.  Closing again waits for the first.
        """
        if self._closed is not None:
            with trio.CancelScope(shield=True):
                await self._closed.wait()
            return
        self._closed = trio.Event()
        try:
            with trio.move_on_after(BYE_WITHIN_S, shield=True):
                async with self._stream:
                    if self._end is None:
                        if retry_after is None and CODES[code].temporary:
                            retry_after = RETRY_AFTER_MS
                        await self._leave(Bye(code, (sentence or CODES[code].meaning)[:MAX_SENTENCE], retry_after))
        finally:
            self._closed.set()

    def keep_alive(self, nursery: trio.Nursery) -> None:
        """Have tasks in `nursery` give and ask for signs of life (wire-protocol section 8.7).  They raise nothing."""
        self._keeper = nursery
        if self._pong is not None:
            nursery.start_soon(self._say, self._pong)
        nursery.start_soon(self._watch, nursery)

    async def _watch(self, nursery: trio.Nursery) -> None:
        while self._end is None:
            quiet_since = self._quiet_since()
            if (left := quiet_since + PING_AFTER_S - trio.current_time()) > 0:
                await trio.sleep(left)
                continue
            nursery.start_soon(self._say, Ping(b""))
            await trio.sleep(PONG_WITHIN_S)
            if self._quiet_since() == quiet_since:
                await self.aclose("idle")
        await trio.sleep(PONG_WITHIN_S)  # what was sent failed, and whoever receives may wait for ever to be told
        await self.aclose("idle")

    def _quiet_since(self) -> float:
        """Since when the peer has been silent; nobody can tell while nobody is in `receive`."""
        return trio.current_time() if self._listening_since is None else self._listening_since

    async def _leave(self, bye: Bye) -> None:
        self._end = (bye.code, f"the link was closed here: {bye.sentence}")
        async with self._sending:
            try:
                await self._stream.send_all(self._connection.send(bye))
                # With bytes unread, closing would reset the connection and Bye might not arrive.
                while self._connection.role is Role.SERVER and await self._stream.receive_some(STRANGER_BYTES):
                    pass
            except (*_LOST, trio.BusyResourceError):
                pass

    async def _write(self, data: bytes) -> None:
        try:
            await self._stream.send_all(data)
        except _LOST as error:
            raise self._lost("the other end is gone") from error
        except BaseException:
            self._lost("a frame was cut off here")
            raise

    async def _read(self) -> bytes:
        self._listening_since = trio.current_time()
        try:
            data = await self._stream.receive_some(RECEIVE_BYTES if self.peer else STRANGER_BYTES)
        except _LOST as error:
            raise self._lost("the other end is gone") from error
        finally:
            self._listening_since = None
        self._check_open()
        if not data:
            raise self._lost("the other end closed the link without a word")
        return bytes(data)

    def _take(self, frame: Frame) -> bool:
        """Whether the frame is for the link itself."""
        match frame:
            case Ping(token):
                # One at a time: a peer that asks without reading the answers costs nothing.
                if self._pong is None:
                    self._pong = Pong(token)
                    if self._keeper is not None:  # else it is said as soon as there is one
                        self._keeper.start_soon(self._say, self._pong)
            case Pong():
                pass
            case Bye(code, sentence):
                self.bye = frame
                if self._end is None:
                    self._end = (code if code in CODES else "link-lost", f"the other end left: {sentence} ({code})")
            case _:
                return False
        return True

    async def _say(self, sign: Ping | Pong) -> None:
        try:
            await self.send(sign)
        except (LinkError, LocalProtocolError):
            pass  # the link is over, and whoever receives is told
        finally:
            if sign is self._pong:
                self._pong = None

    def _lost(self, sentence: str) -> LinkError:
        if self._end is None:
            self._end = ("link-lost", sentence)
        return self._ended()

    def _check_open(self) -> None:
        if self._end is not None:
            raise self._ended()

    def _ended(self) -> LinkError:
        code, sentence = self._end or ("link-lost", "")
        return LinkError(sentence, code=code)


@asynccontextmanager
async def kept_alive(link: Link) -> AsyncGenerator[Link]:
    """Keep the link alive while the block runs; afterwards say Bye and close it."""
    async with beside() as nursery:
        link.keep_alive(nursery)
        try:
            yield link
        finally:
            await link.aclose()
