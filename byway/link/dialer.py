"""The dialer: a link to one node, over TLS and TCP (wire-protocol section 8)."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError
from byway.link.link import Link, kept_alive
from byway.link.opening import Clock, Random, open_as_client, too_late
from byway.link.tls import ask_tls, client_context, peer_key
from byway.link.tls_stream import TlsStream
from byway.protocol.address import parse_address
from byway.protocol.limits import HELLO_TIMEOUT_S
from byway.protocol.urn import node_urn, parse_urn

CONNECT_WITHIN_S: Final = 10.0


@asynccontextmanager
async def open_link(address: str, *, node: str, key: SigningKey, now_ms: Clock, random: Random) -> AsyncGenerator[Link]:
    """A link to the node with the URN `node`, which listens at `address` (`host:port`), speaking for `key`.

    It is kept alive within the block and closed with Bye after it; cancelling the block does the same.  Raises
    `LinkError`: `unreachable`, `hello-timeout`, the code of the node's Bye, and `wrong-key` if another node
    answers, before a byte is sent to it.  Raises `RemoteProtocolError` if the node breaks the rules, and
    `StatementError` if `node` or `address` is none.
    """
    expected = parse_urn(node, "node").key
    stream, deadline = await _dial(address)
    try:
        server_key = peer_key(stream)
        if server_key != expected:
            raise LinkError(f"{node_urn(server_key)} listens at {address}, not {node}", code="wrong-key")
    except LinkError:
        await trio.aclose_forcefully(stream)
        raise
    link = await open_as_client(
        stream, node=node, key=key, server_key=server_key, now_ms=now_ms, random=random, deadline=deadline
    )
    async with kept_alive(link):
        yield link


async def _dial(address: str) -> tuple[TlsStream, float]:
    """A TLS stream to whoever is there, and the time by which it has to say who it is."""
    host, port = parse_address(address)
    try:
        with trio.fail_after(CONNECT_WITHIN_S):
            stream = await trio.open_tcp_stream(host, port)
    except (OSError, trio.TooSlowError) as error:
        raise LinkError(f"{address} cannot be reached: {_why(error)}", code="unreachable") from error
    deadline = trio.current_time() + HELLO_TIMEOUT_S
    try:
        with trio.move_on_at(deadline):
            return await ask_tls(stream, client_context()), deadline
        raise too_late()
    except LinkError as error:
        raise LinkError(f"no link to {address}: {error}", code="unreachable") from error


def _why(error: BaseException) -> str:
    """Of several addresses that were tried, the last one's reason; trio puts them behind its own error."""
    while isinstance(error, BaseExceptionGroup) or isinstance(error.__cause__, OSError | ExceptionGroup):
        error = error.exceptions[-1] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error
    if isinstance(error, trio.TooSlowError):
        return "it does not answer"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, socket.gaierror):
        return "there is no computer of that name"
    return getattr(error, "strerror", None) or str(error)
