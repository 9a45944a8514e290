"""What TLS costs: a handshake, and a delivery."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Self

import trio
from nacl.signing import SigningKey

from benchmarks.counted.account import Account, Part
from byway.link.tls import accept_tls, ask_tls, client_context, server_context
from byway.link.tls_stream import TlsStream

HANDSHAKES: Final = 32


async def encrypt(account: Account, part: Part, deliveries: Sequence[bytes], together: int) -> None:
    """Frames with so many deliveries `together`, one frame at a time, into a socket that has room for half of them."""
    ours, theirs = (trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in socket.socketpair())
    client: list[TlsStream] = []

    async def ask() -> None:
        client.append(await ask_tls(theirs, client_context()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        server = await accept_tls(ours, server_context(SigningKey(bytes(32))))
    half = len(deliveries) // 2
    warming, counted = deliveries[:half], deliveries[half:]
    async with server, client[0]:
        for delivery in warming:
            await server.send_all(delivery)
        await _receive(client[0], sum(map(len, warming)))
        with account.border(part, together * len(counted)):
            for delivery in counted:
                await server.send_all(delivery)


def shake_hands(account: Account) -> None:
    """The router's two turns of each handshake; those of the client are not counted."""
    server, client = server_context(SigningKey(bytes(32))), client_context()
    pairs = [_Handshake.between(server, client) for _ in range(HANDSHAKES)]
    for pair in pairs:
        pair.client_turn()
    account.count(Part.HANDSHAKE, _Handshake.server_turn, pairs)
    for pair in pairs:
        pair.client_turn()
    account.count(Part.HANDSHAKE, _Handshake.server_turn, pairs)
    if any(pair.server.version() != "TLSv1.3" for pair in pairs):
        raise RuntimeError("a handshake has not ended")


class _Handshake(NamedTuple):
    """Two ends that read what the other one writes."""

    client: ssl.SSLObject
    server: ssl.SSLObject

    @classmethod
    def between(cls, server: ssl.SSLContext, client: ssl.SSLContext) -> Self:
        asked, answered = ssl.MemoryBIO(), ssl.MemoryBIO()
        return cls(client.wrap_bio(answered, asked), server.wrap_bio(asked, answered, server_side=True))

    def client_turn(self) -> None:
        with suppress(ssl.SSLWantReadError):
            self.client.do_handshake()

    def server_turn(self) -> None:
        with suppress(ssl.SSLWantReadError):
            self.server.do_handshake()


async def _receive(stream: TlsStream, left: int) -> None:
    while left:
        left -= len(await stream.receive_some())
