"""The listener: links over TLS and TCP, for as many peers as come (wire-protocol section 8)."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog
import trio
from nacl.signing import SigningKey

from byway.errors import SetupError
from byway.link.host import MAX_LINKS, Host, Serve
from byway.link.opening import Clock, Random
from byway.link.tls import accept_tls, server_context
from byway.protocol.address import parse_listen_address

MAX_HANDSHAKES: Final = 64  # each takes about two milliseconds of a core, before anybody has said who it is
BREATH_S: Final = 0.1  # before accepting again when the machine has no room for another socket

_NO_ROOM: Final = frozenset([errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])

log = structlog.get_logger()


async def serve_links(
    serve: Serve,
    *,
    key: SigningKey,
    addresses: Sequence[str],
    now_ms: Clock,
    random: Random,
    max_handshakes: int = MAX_HANDSHAKES,
    max_links: int = MAX_LINKS,
    stop: trio.Event | None = None,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Listen on each `host:port`, and call `serve(link)` for each link, in a task of its own, until `stop` is set.

    Reports the addresses it listens on, with the port that 0 stood for.  A fault of one link, whatever it is, is
    logged and disturbs no other.  While `max_handshakes` are under way, further peers wait unaccepted.
    After `stop`: no more links, Bye `shutting-down` on those there are, and the end when each `serve` has
    returned.  Cancelling it ends everything at once, with Bye where that goes within a second.
    Raises `SetupError` for an address that cannot be listened on: `port-busy`, `settings-bad-value`.
    """
    listeners: list[trio.SocketListener] = []
    try:
        for address in addresses:
            listeners += await _listen(address)
        host = Host(serve, key=key, now_ms=now_ms, random=random, max_links=max_links)
        context = server_context(key)
        handshakes = trio.Semaphore(max_handshakes)
        async with trio.open_nursery() as links:
            async with trio.open_nursery() as doors:
                for listener in listeners:
                    doors.start_soon(_accept, listener, links, host, context, handshakes)
                task_status.started([_name(listener) for listener in listeners])
                await (trio.Event() if stop is None else stop).wait()
                doors.cancel_scope.cancel()
            _close(listeners)
            await host.stop()
    finally:
        _close(listeners)


async def _accept(
    listener: trio.SocketListener,
    links: trio.Nursery,
    host: Host,
    context: ssl.SSLContext,
    handshakes: trio.Semaphore,
) -> None:
    while True:
        await handshakes.acquire()
        try:
            stream = await listener.accept()
        except OSError as error:
            handshakes.release()
            if error.errno not in _NO_ROOM:
                raise
            log.warning("link_refused", code="busy", reason=str(error))
            await trio.sleep(BREATH_S)
        else:
            links.start_soon(host.welcome, partial(accept_tls, stream, context), handshakes.release)


def _close(listeners: Sequence[trio.SocketListener]) -> None:
    for listener in listeners:
        listener.socket.close()


async def _listen(address: str) -> list[trio.SocketListener]:
    name, port = parse_listen_address(address)
    try:
        return await trio.open_tcp_listeners(port, host=name)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SetupError(
                f"another program listens on {address}",
                code="port-busy",
                next_step=f"find it with: ss -ltnp 'sport = :{port}', or choose another port",
            ) from error
        raise SetupError(f"nobody can listen on {address}: {error.strerror or error}") from error


def _name(listener: trio.SocketListener) -> str:
    host, port, *_ = listener.socket.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
