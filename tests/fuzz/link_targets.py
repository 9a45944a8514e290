"""Targets for what comes over a link or a socket pair: frames, the connection, the verifier's workers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from byway.errors import RemoteProtocolError, StatementError
from byway.protocol.codec import Decoder, encode
from byway.protocol.connection import Connection, Role, State
from byway.protocol.frames import Credit, Frame, Hello, Start
from byway.protocol.limits import SUBMIT_CREDIT
from byway.protocol.statement import MAX_STATEMENT_BYTES, is_signed, parse_statement
from byway.router.verifier_worker import work
from tests.fuzz.verdicts import Target, taken

CODES: Final = ("bad-frame", "frame-too-large", "unexpected-frame", "credit-exceeded")
_MOST_STATEMENTS: Final = 8  # in one request to a worker: it answers before anybody reads
_START: Final = Start((1,), "urn:byway:node:x", bytes(16))


def frames(data: bytes) -> None:
    """A stream for the codec, in pieces whose length the first byte chooses.  The cut makes no difference."""
    step, stream = (data[0] % 64 + 1, data[1:]) if data else (1, b"")
    for opening in (True, False):
        whole = _decoded([stream], opening=opening)
        assert _decoded(_pieces(stream, step), opening=opening) == whole
        for frame in whole[0]:
            assert _decoded([encode(frame)], opening=False) == ([frame], "")


def connection(data: bytes) -> None:
    """Bytes for one end of a link, in any state.  The first byte chooses role, state and pieces."""
    first, stream = (data[0], data[1:]) if data else (0, b"")
    end = _connection(Role.SERVER if first & 1 else Role.CLIENT, opened=bool(first & 2))
    heard, code = _heard(end, _pieces(stream, (first >> 2) + 1))
    whole = _connection(end.role, opened=bool(first & 2))
    assert _heard(whole, [stream]) == (heard, code)
    assert (end.state, end.submit_credit) == (whole.state, whole.submit_credit)
    if code:
        assert end.state is State.CLOSED


def verifier(data: bytes) -> None:
    """A worker's verdicts on whatever statements the bytes hold are those of the process that asks."""
    asked = [piece for piece in data.split(b"IB\x01") if piece]
    statements = [found for piece in asked[:_MOST_STATEMENTS] if (found := _statement(b"IB\x01" + piece))]
    packed = b"".join(len(found).to_bytes(4, "big") + found for found in statements)
    assert _worked(len(packed).to_bytes(4, "big") + packed) == bytes(map(is_signed, statements))


def _decoded(parts: list[bytes], *, opening: bool) -> tuple[list[Frame], str]:
    decoder = Decoder()
    if not opening:
        decoder.widen()
    seen: list[Frame] = []

    def read() -> None:
        for part in parts:
            seen.extend(decoder.feed(part))

    _, code = taken(read, "bad-frame", "frame-too-large", error=RemoteProtocolError)
    return seen, code


def _heard(end: Connection, parts: list[bytes]) -> tuple[list[Frame], str]:
    seen: list[Frame] = []

    def hear() -> None:
        for part in [*parts, b""]:
            seen.extend(end.receive(part))

    _, code = taken(hear, *CODES, error=RemoteProtocolError)
    return seen, code


def _connection(role: Role, *, opened: bool) -> Connection:
    end = Connection(role)
    if opened:
        other = Connection(role.other)
        said: list[tuple[Role, Frame]] = [
            (Role.CLIENT, _START),
            (Role.SERVER, _START),
            (Role.SERVER, Hello(b"")),
            (Role.CLIENT, Hello(b"")),
            (Role.SERVER, Credit(None, SUBMIT_CREDIT)),
        ]
        for speaker, frame in said:
            sender, receiver = (end, other) if speaker is role else (other, end)
            receiver.receive(sender.send(frame))
    return end


def _pieces(data: bytes, step: int) -> list[bytes]:
    return [data[at : at + step] for at in range(0, len(data), step)]


def _statement(data: bytes) -> bytes | None:
    """The statement that the bytes begin with, its length made right; nothing else ever reaches a worker."""
    data = data[:MAX_STATEMENT_BYTES]
    sized = data[:52] + max(len(data) - 120, 0).to_bytes(4, "big") + data[56:]
    with suppress(StatementError):
        return parse_statement(sized).data
    return None


def _worked(request: bytes) -> bytes:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        ours.setblocking(False)
        assert ours.send(request) == len(request)
        ours.shutdown(socket.SHUT_WR)
        work(theirs)
        theirs.shutdown(socket.SHUT_WR)
        return b"".join(_received(ours))


def _received(ours: socket.socket) -> Iterator[bytes]:
    while data := ours.recv(4096):
        yield data


TARGETS: Final[dict[str, Target]] = {
    "frames": frames,
    "connection": connection,
    "verifier": verifier,
}
