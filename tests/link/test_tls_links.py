"""Links over TLS and TCP: who is who, and that no peer can disturb the others."""

from __future__ import annotations

import errno
import socket
import ssl
import struct
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import structlog
import trio
import trustme

from byway.errors import LinkError, RemoteProtocolError, SetupError
from byway.link.door import DoorLimits
from byway.link.link import Link
from byway.link.listener import serve_links
from byway.link.tls import ALPN, ask_tls, client_context, peer_key, server_context
from byway.protocol.frames import Resolve
from byway.protocol.urn import node_urn
from tests.link.parts import CLIENT, NODE, OTHER, SERVER, now_ms, random
from tests.link.served import connect_tcp, dial, listening, take_all


async def assert_serves(address: str) -> None:
    async with dial(address, node=NODE) as link:
        assert link.peer == bytes(SERVER.verify_key)
        await link.send(Resolve(1, "still there?"))


async def test_both_ends_know_whom_they_talk_to() -> None:
    peers: list[bytes] = []
    seen = trio.Event()

    async def serve(link: Link) -> None:
        peers.append(link.peer)
        seen.set()

    async with listening(serve) as address, dial(address, node=NODE):
        await seen.wait()
    assert peers == [bytes(CLIENT.verify_key)]


async def test_another_node_is_refused_before_a_byte_is_sent_to_it() -> None:
    received: list[bytes] = []
    heard = trio.Event()

    async def impostor(stream: trio.SocketStream) -> None:
        tls = trio.SSLStream(stream, server_context(OTHER), server_side=True, https_compatible=True)
        received.append(bytes(await tls.receive_some()))
        heard.set()

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, impostor, 0, host="127.0.0.1"))
        address = f"127.0.0.1:{listener.socket.getsockname()[1]}"
        with pytest.raises(LinkError) as caught:
            async with dial(address, node=NODE):
                pass
        assert caught.value.code == "wrong-key"
        assert node_urn(bytes(OTHER.verify_key)) in str(caught.value)
        await heard.wait()
        nursery.cancel_scope.cancel()
    assert received == [b""]


async def test_a_certificate_of_another_kind_of_key_is_no_node() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("node.test").configure_cert(context)
    context.set_alpn_protocols([ALPN])
    ours, theirs = (trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in socket.socketpair())
    server = trio.SSLStream(theirs, context, server_side=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.do_handshake)
        stream = await ask_tls(ours, client_context())
        with pytest.raises(LinkError) as caught:
            peer_key(stream)
        assert caught.value.code == "wrong-key"
    for end in (ours, theirs):
        await trio.aclose_forcefully(end)


async def test_tls_1_2_is_refused() -> None:
    old = client_context()
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with listening() as address:
        with pytest.raises(LinkError, match=r"TLS 1\.3"):
            await ask_tls(await connect_tcp(address), old)
        await assert_serves(address)


async def test_another_application_is_refused() -> None:
    web = client_context()
    web.set_alpn_protocols(["h2"])
    silent = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    silent.check_hostname, silent.verify_mode = False, ssl.CERT_NONE
    async with listening() as address:
        for context in (web, silent):
            with pytest.raises(LinkError, match="but not byway/1"):
                await ask_tls(await connect_tcp(address), context)
        await assert_serves(address)


async def test_no_session_can_be_resumed() -> None:
    async with listening() as address:
        stream = await ask_tls(await connect_tcp(address), client_context())
        with trio.move_on_after(0.05):
            await stream.receive_some()
        assert stream.tls.session is not None
        assert not stream.tls.session.has_ticket
        await trio.aclose_forcefully(stream)


async def test_a_key_file_never_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    load = ssl.SSLContext.load_cert_chain

    def watch(context: ssl.SSLContext, *paths: str) -> None:
        loaded.extend(paths)
        load(context, *paths)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watch)
    server_context(SERVER)
    assert all(path.startswith("/dev/fd/") for path in loaded)
    assert len(loaded) == 2


@pytest.mark.parametrize(
    "noise",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 100, b"\x16\x03\x01\xff\xff" + b"\x41" * 5000, b""],
    ids=["http", "zeros", "broken hello", "nothing"],
)
async def test_bytes_that_are_not_tls_disturb_nobody(noise: bytes) -> None:
    async with listening() as address:
        stream = await connect_tcp(address)
        if noise:
            await stream.send_all(noise)
        with suppress(trio.BrokenResourceError):  # it may have been closed upon
            await stream.send_eof()
        with trio.fail_after(2):
            while await _read(stream):
                pass
        await stream.aclose()
        await assert_serves(address)


@pytest.mark.parametrize("noise", [b"\x00\x00\x10\x01", b"\x00\x00\x00\x01\xc1", b"\x00\x00\x00\x02\x91\x03"])
async def test_bytes_that_are_no_frames_end_only_their_link(noise: bytes) -> None:
    async with listening() as address:
        stream = await ask_tls(await connect_tcp(address), client_context())
        await stream.send_all(noise)
        with trio.fail_after(2):
            answer = await _read(stream)
        assert b"bad-frame" in answer or b"frame-too-large" in answer or b"unexpected-frame" in answer
        await trio.aclose_forcefully(stream)
        await assert_serves(address)


async def _read(stream: trio.abc.Stream) -> bytes:
    try:
        return bytes(await stream.receive_some(65_536))
    except trio.BrokenResourceError:
        return b""


async def test_one_crashing_handler_does_not_disturb_others() -> None:
    crashed = trio.Event()

    async def serve(link: Link) -> None:
        frames = await link.receive()
        if frames == [Resolve(666, "")]:
            crashed.set()
            async with trio.open_nursery() as inner, trio.open_nursery() as innermost:
                innermost.start_soon(_fail, ValueError("a bug"))
                inner.start_soon(_fail, KeyError("another"))
        await take_all(link)

    with structlog.testing.capture_logs() as logs:
        async with listening(serve) as address, dial(address, node=NODE) as bystander:
            async with dial(address, node=NODE) as link:
                await link.send(Resolve(666, ""))
                with pytest.raises(LinkError, match="shutting-down"):
                    await link.receive()
            await crashed.wait()
            await assert_serves(address)
            await bystander.send(Resolve(1, "are you well?"))
    failures = [entry for entry in logs if entry["event"] == "link_failed"]
    assert len(failures) == 1
    assert failures[0]["exc_info"]


async def _fail(error: Exception) -> None:
    raise error


async def test_what_a_peer_does_wrong_is_one_line_without_a_traceback() -> None:
    with structlog.testing.capture_logs() as logs:
        async with listening() as address:
            stream = await connect_tcp(address)
            await stream.send_all(b"not tls at all, but long enough to be a record of it")
            while await _read(stream):
                pass
            await stream.aclose()
            await assert_serves(address)
    lines = [entry for entry in logs if "TLS" in entry.get("sentence", "")]
    assert len(lines) == 1
    assert "exc_info" not in lines[0]


async def test_more_links_than_the_node_serves_get_busy() -> None:
    async with listening(limits=DoorLimits(links=1)) as address, dial(address, node=NODE):
        with pytest.raises(LinkError) as caught:
            async with dial(address, node=NODE):
                pass
        assert caught.value.code == "busy"


def client_hello() -> bytes:
    said = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client_context().wrap_bio(ssl.MemoryBIO(), said).do_handshake()
    return said.read()


@pytest.mark.parametrize("begun", [1, 5, 6, 100, None], ids=["a byte", "a head", "and a byte", "a part", "all of it"])
async def test_who_has_begun_a_handshake_and_only_waits_takes_no_turn(begun: int | None) -> None:
    async with listening(limits=DoorLimits(handshakes=1)) as address, await connect_tcp(address) as slow:
        await slow.send_all(client_hello()[:begun])
        if begun is None:
            assert await slow.receive_some()  # it is answered, and says no more
        await assert_serves(address)


async def test_silent_strangers_do_not_keep_out_those_of_another_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byway.link.listener.FIRST_WORD_S", 3600)
    async with listening(limits=DoorLimits(handshakes=8, prefix_handshakes=2)) as address:
        host, _, port = address.rpartition(":")
        silent = [await trio.open_tcp_stream(host, int(port), local_address="127.0.1.1") for _ in range(90)]
        await assert_serves(address)
        for stream in silent:
            await stream.aclose()


async def test_a_stranger_who_says_nothing_is_closed_upon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byway.link.listener.FIRST_WORD_S", 0.01)
    async with listening() as address, await connect_tcp(address) as stream:
        with trio.fail_after(5):
            assert await stream.receive_some() == b""


async def test_a_network_has_its_share_of_links() -> None:
    async with listening(limits=DoorLimits(prefix_links=1)) as address, dial(address, node=NODE):
        with pytest.raises(LinkError) as caught:
            async with dial(address, node=NODE):
                pass
        assert caught.value.code == "busy"


async def test_a_stopping_node_says_so_and_takes_nobody_more() -> None:
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        serve = partial(serve_links, take_all, key=SERVER, addresses=["127.0.0.1:0"], now_ms=now_ms, random=random)
        (address,) = await nursery.start(partial(serve, stop=stop))
        async with dial(address, node=NODE) as link:
            stop.set()
            with pytest.raises(LinkError) as caught:
                await link.receive()
            assert caught.value.code == "shutting-down"
        with pytest.raises(LinkError) as refused:
            async with dial(address, node=NODE):
                pass
        assert refused.value.code == "unreachable"


async def test_nobody_there_is_unreachable_and_the_sentence_names_the_address() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{reserved.getsockname()[1]}"
        with pytest.raises(LinkError, match=address) as caught:
            async with dial(address, node=NODE):
                pass
    assert caught.value.code == "unreachable"
    assert str(caught.value) == f"{address} cannot be reached: nobody listens there"


async def test_a_name_that_nobody_has_is_told_so() -> None:
    with pytest.raises(LinkError, match="there is no computer of that name") as caught:
        async with dial("nobody.invalid:7400", node=NODE):
            pass
    assert caught.value.code == "unreachable"


async def test_a_busy_port_is_named_with_the_next_step() -> None:
    async with listening() as address:
        with pytest.raises(SetupError, match=address) as caught:
            await serve_links(take_all, key=SERVER, addresses=[address], now_ms=now_ms, random=random)
    assert caught.value.code == "port-busy"
    assert address.rpartition(":")[2] in caught.value.next_step


async def test_an_address_that_is_not_ours_cannot_be_listened_on() -> None:
    with pytest.raises(SetupError, match=r"192\.0\.2\.1:7400") as caught:
        await serve_links(take_all, key=SERVER, addresses=["192.0.2.1:7400"], now_ms=now_ms, random=random)
    assert caught.value.code == "address-unusable"


async def test_a_port_for_the_administrator_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(port: int, *, host: str) -> list[trio.SocketListener]:
        raise PermissionError(errno.EACCES, "Permission denied", f"{host}:{port}")

    monkeypatch.setattr(trio, "open_tcp_listeners", refuse)
    with pytest.raises(SetupError, match=r"127\.0\.0\.1:80: Permission denied") as caught:
        await serve_links(take_all, key=SERVER, addresses=["127.0.0.1:80"], now_ms=now_ms, random=random)
    assert caught.value.code == "address-unusable"
    assert "1024" in caught.value.next_step


async def test_a_machine_without_room_for_sockets_goes_on_later(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    accept = socket.socket.accept
    full = iter([True])

    def accept_when_there_is_room(listener: socket.socket) -> tuple[socket.socket, Any]:
        if next(full, False):
            raise OSError(errno.EMFILE, "too many open files")
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", accept_when_there_is_room)
    async with listening() as address:
        autojump_clock.autojump_threshold = 0.05
        await assert_serves(address)


async def test_an_error_of_the_block_leaves_as_it_is() -> None:
    async with listening() as address:
        with pytest.raises(RemoteProtocolError, match="just this"):
            async with dial(address, node=NODE):
                raise RemoteProtocolError("just this")


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00half a hello"])
async def test_who_breaks_off_before_the_handshake_is_no_fault_of_ours(said: bytes) -> None:
    with structlog.testing.capture_logs() as logs:
        async with listening() as address:
            stream = await connect_tcp(address)
            if said:
                await stream.send_all(said)
            await trio.sleep(0.05)  # the node waits for the rest
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await stream.aclose()
            await assert_serves(address)
            await trio.sleep(0.05)
    assert [entry["event"] for entry in logs if entry["event"] == "link_failed"] == []
