"""The listener: links over TLS and TCP, for as many peers as come (wire-protocol section 8)."""

from __future__ import annotations

import errno
import socket
import ssl
import sys
from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog
import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, SetupError
from byway.link.door import Door, DoorLimits
from byway.link.host import Host, Serve
from byway.link.opening import Clock, Random
from byway.link.tls import accept_tls, server_context
from byway.link.tls_stream import TlsStream
from byway.protocol.address import address_prefix, parse_listen_address
from byway.protocol.limits import HELLO_TIMEOUT_S, MAX_OPENING_FRAME_BYTES

FIRST_WORD_S: Final = 2.0  # a client speaks first, with what it has ready: who is silent only wants to be in the way
RECORD_HEAD: Final = 5  # bytes of TLS: a type, a version, and the length of what follows
HANDSHAKE: Final = 22  # the type
ESTABLISHED: Final = 1  # the state in Linux's TCP_INFO
AT_ONCE: Final = 64  # strangers let in before other tasks have their turn
BREATH_S: Final = 0.1  # before accepting again when the machine has no room for another socket

_NO_ROOM: Final = frozenset([errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
_NOBODY: Final = frozenset([  # or who was there has left, or may not come: accept(2)
    errno.EAGAIN, errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN, errno.ENOPROTOOPT, errno.EHOSTDOWN,
    errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH,
])  # fmt: skip

log = structlog.get_logger()


async def serve_links(
    serve: Serve,
    *,
    key: SigningKey,
    addresses: Sequence[str],
    now_ms: Clock,
    random: Random,
    limits: DoorLimits = DoorLimits(),  # noqa: B008 - frozen
    stop: trio.Event | None = None,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Listen on each `host:port`, and call `serve(link)` for each link, in a task of its own, until `stop` is set.

    Reports the addresses it listens on, with the port that 0 stood for.  A fault of one link, whatever it is, is
    logged and disturbs no other.  While `limits.handshakes` are under way, further peers wait; one whose address
    prefix has taken its share of the places is closed upon.
    After `stop`: no more links, Bye `shutting-down` on those there are, and the end when each `serve` has
    returned.  Cancelling it ends everything at once, with Bye where that goes within a second.
    Raises `SetupError` for an address that cannot be listened on: `port-busy`, `address-unusable`.
    """
    listeners: list[trio.SocketListener] = []
    try:
        for address in addresses:
            listeners += await _listen(address)
        host = Host(serve, key=key, now_ms=now_ms, random=random, door=Door(limits))
        context = server_context(key)
        async with trio.open_nursery() as links:
            async with trio.open_nursery() as doors:
                for listener in listeners:
                    doors.start_soon(_accept, listener, links, host, context)
                task_status.started([_name(listener) for listener in listeners])
                await (trio.Event() if stop is None else stop).wait()
                doors.cancel_scope.cancel()
            _close(listeners)
            await host.stop()
    finally:
        _close(listeners)


async def _accept(listener: trio.SocketListener, links: trio.Nursery, host: Host, context: ssl.SSLContext) -> None:
    """Let in all who have come, in each turn of the event loop.

    Were it one a turn, they would queue where the system keeps them, which knows no address prefixes, whenever turns
    are long because of handshakes; and the door would have nobody to choose from.
    """
    with socket.fromfd(listener.socket.fileno(), listener.socket.family, listener.socket.type) as waiting:
        waiting.setblocking(False)
        while True:
            await trio.lowlevel.wait_readable(waiting)
            try:
                for _ in range(AT_ONCE):
                    peer, address = waiting.accept()
                    if not address or _has_left(peer):  # some systems name nobody then
                        peer.close()
                    else:
                        _let_in(trio.socket.from_stdlib_socket(peer), address_prefix(address[0]), links, host, context)
            except OSError as error:
                if error.errno in _NO_ROOM:
                    log.warning("link_refused", code="busy", reason=str(error))
                    await trio.sleep(BREATH_S)
                elif error.errno not in _NOBODY:
                    raise


def _let_in(
    peer: trio.socket.SocketType, prefix: str, links: trio.Nursery, host: Host, context: ssl.SSLContext
) -> None:
    """Serve this stranger, or close upon it."""
    door, now = host.door, trio.current_time()
    stay = trio.CancelScope(deadline=now + FIRST_WORD_S)
    stranger = door.enter(prefix, now, partial(_turn_out, stay, peer))
    if stranger is None:
        peer.close()
        return
    secure = partial(_secure, stay, trio.SocketStream(peer), context, door, prefix)
    links.start_soon(host.welcome, secure, prefix, partial(door.leave, stranger), stay)


def _turn_out(stay: trio.CancelScope, peer: trio.socket.SocketType) -> None:
    """Gone at once, wherever it waits: the one who comes instead may be one of many in this turn."""
    stay.cancel()
    peer.close()


async def _secure(
    stay: trio.CancelScope, stream: trio.SocketStream, context: ssl.SSLContext, door: Door, prefix: str
) -> TlsStream:
    """The handshake in its turn, once what the client says first is there: a turn is for work, not for waiting."""
    try:
        said = await _spoken(stream.socket)
        await trio.lowlevel.checkpoint_if_cancelled()  # it may have come as the time was over
        stay.deadline += HELLO_TIMEOUT_S - FIRST_WORD_S
        async with door.handshake(prefix) as turn:
            await trio.lowlevel.checkpoint()  # no more handshakes in one turn of the event loop than may be under way
            if _has_left(stream.socket):
                raise LinkError("the other end left before its turn came")
            return await accept_tls(stream, context, said=said, answered=turn.over)
    except OSError as error:
        await trio.aclose_forcefully(stream)
        raise LinkError(f"the other end broke off before it had begun: {error.strerror}") from error
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise


async def _spoken(peer: trio.socket.SocketType) -> bytes:
    """What is said first, with all of the first record of a handshake.  Raises `LinkError` if something else comes."""
    said = await peer.recv(MAX_OPENING_FRAME_BYTES)
    if len(said) < RECORD_HEAD:
        said += await _next(peer, RECORD_HEAD - len(said))
    length = RECORD_HEAD + int.from_bytes(said[3:RECORD_HEAD])
    if said[0] != HANDSHAKE or length > MAX_OPENING_FRAME_BYTES:
        raise LinkError("the other end does not speak TLS")
    if len(said) < length:
        said += await _next(peer, length - len(said))
    return said


def _has_left(peer: socket.socket | trio.socket.SocketType) -> bool:
    """Whether the other end has said that nothing more will come: no client does that before its handshake.

    What it has said before may not have been read, so the state of the connection tells, where the system does.
    """
    if sys.platform != "linux":
        return False
    state: int = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != ESTABLISHED


async def _next(peer: trio.socket.SocketType, size: int) -> bytes:
    """The next bytes, once so many have come."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
    await trio.lowlevel.wait_readable(peer)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
    data = await peer.recv(size)
    if len(data) < size:
        raise LinkError("the other end left before it had begun")
    return data


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
        next_step = ""
        if error.errno == errno.EACCES:
            next_step = (
                f"choose a port from 1024 up, or allow it: sudo sysctl net.ipv4.ip_unprivileged_port_start={port}"
            )
        raise SetupError(
            f"this computer cannot listen on {address}: {error.strerror or error}",
            code="address-unusable",
            next_step=next_step,
        ) from error


def _name(listener: trio.SocketListener) -> str:
    host, port, *_ = listener.socket.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
