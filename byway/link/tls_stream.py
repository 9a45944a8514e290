"""TLS over a socket, for one turn of the event loop for each wait and none for anything else.

trio's TLS stream works over any stream, gives one record at a time, and yields around each step.  This one knows that
there is a socket below it: what has come is decrypted in one go, and what the socket takes at once is sent without a
turn.  `docs/decisions/0013-tls-over-the-socket.md` has the measurements.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import trio

RECEIVE_BYTES: Final = 16_384  # of one read, where nobody says how many


class TlsStream(trio.abc.Stream):
    """One task at a time may receive, and one may send.

    Receiving is a checkpoint; sending is one only while the socket is full.  Cancelling `receive_some` loses nothing.
    Cancelling `send_all` may leave half a record on its way; nothing can be sent after it.  No word of TLS marks the
    end of a stream: whoever uses it has one of its own.
    """

    def __init__(
        self, transport: trio.SocketStream, context: ssl.SSLContext, *, server_side: bool = False, said: bytes = b""
    ) -> None:
        """`said` is what the other end has said so far and was read already."""
        self._transport = transport
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._incoming.write(said)
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server_side)
        self._ended = False  # nothing more will come

    @property
    def tls(self) -> ssl.SSLObject:
        """What has been agreed upon.  Only to be looked at."""
        return self._tls

    async def shake_hands(self, answered: Callable[[], object] = lambda: None) -> None:
        """Agree on keys; `answered` is called whenever all that the other end has said has its answer.

        Raises `trio.BrokenResourceError` if the other end does not speak TLS, or is gone.
        """
        if self._tls.server_side and not self._incoming.pending:  # a client speaks first
            await self._fill(RECEIVE_BYTES)
        while not await self._answer():
            answered()
            await self._fill(RECEIVE_BYTES)
        answered()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """What has come, at most `max_bytes`; nothing if nothing more will.

        Raises `trio.BrokenResourceError` if it is not TLS, or the other end is gone, and `trio.ClosedResourceError`
        once this end is closed.
        """
        at_most = RECEIVE_BYTES if max_bytes is None else max_bytes
        if self._incoming.pending or self._tls.pending():
            await trio.lowlevel.checkpoint()
        else:
            await self._fill(at_most)
        while not (data := self._decrypted(at_most)) and not self._ended:
            await self._fill(at_most)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Raises as `receive_some` does."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._tls.write(left) :]
        except ssl.SSLError as error:
            raise trio.BrokenResourceError from error
        await self._flush()

    async def wait_send_all_might_not_block(self) -> None:
        await self._transport.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close at once, without a word.  No checkpoint."""
        self._transport.socket.close()

    async def _answer(self) -> bool:
        """Go on with the handshake as far as what has come allows.  Returns whether all is agreed."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            agreed = False
        except ssl.SSLError as error:
            with suppress(OSError):  # the other end is told why, if it is there
                os.write(self._descriptor(), self._outgoing.read())
            raise trio.BrokenResourceError from error
        else:
            agreed = True
        await self._flush()
        return agreed

    async def _fill(self, at_most: int) -> None:
        """Wait for the other end, and take in what it has sent."""
        await trio.lowlevel.wait_readable(self._descriptor())
        try:
            data = os.read(self._descriptor(), at_most)
        except BlockingIOError:
            return
        except OSError as error:
            raise trio.BrokenResourceError from error
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
            self._ended = True

    def _decrypted(self, at_most: int) -> bytes:
        """As much as is there.  What is there of a record that has begun waits for its rest."""
        parts: list[bytes] = []
        try:
            while at_most and (not parts or self._incoming.pending or self._tls.pending()):
                parts.append(self._tls.read(at_most))
                at_most -= len(parts[-1])
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            self._ended = True
        except ssl.SSLError as error:
            raise trio.BrokenResourceError from error
        return b"".join(parts)

    async def _flush(self) -> None:
        left = memoryview(self._outgoing.read())
        while left:
            try:
                left = left[os.write(self._descriptor(), left) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._descriptor())
            except OSError as error:
                raise trio.BrokenResourceError from error

    def _descriptor(self) -> int:
        descriptor = self._transport.socket.fileno()
        if descriptor < 0:
            raise trio.ClosedResourceError("this end of the stream is closed")
        return descriptor
