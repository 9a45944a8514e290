"""A crowd that comes all at once: the door sees all of it, and who is not to stay leaves nothing behind."""

from __future__ import annotations

import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import pytest
import trio
from structlog.testing import capture_logs

from byway.link import listener
from byway.link.door import WAITING, DoorLimits
from byway.link.tls import accept_tls, ask_tls, client_context
from byway.link.tls_stream import TlsStream
from byway.protocol.connection import Connection, Role
from byway.protocol.frames import Bye
from tests.link.test_tls_links import assert_serves, client_hello, connect_tcp, listening

CROWD: Final = 40
FEW_TURNS: Final = 5  # of the event loop
SETTLED_S: Final = 0.05
DESCRIPTORS: Final = Path("/proc/self/fd")
ACCEPT_TLS: Final = "byway.link.listener.accept_tls"


@pytest.fixture
def crowd() -> Iterator[ExitStack]:
    """Whoever is in it leaves at the end."""
    with ExitStack() as stack:
        yield stack


def come(crowd: ExitStack, address: str, source: str = "127.0.0.1", said: bytes = b"") -> socket.socket:
    """Connect at once, so that the system keeps who has come until the event loop goes on."""
    host, _, port = address.rpartition(":")
    peer = crowd.enter_context(closing(socket.create_connection((host, int(port)), source_address=(source, 0))))
    peer.sendall(said)
    return peer


def is_closed_upon(peer: socket.socket) -> bool:
    peer.setblocking(False)
    try:
        return peer.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:  # what it had said was not read
        return True


async def test_a_crowd_comes_before_the_door_in_one_turn_of_the_loop(crowd: ExitStack) -> None:
    async with listening(limits=DoorLimits(prefix_handshakes=1)) as address:
        peers = [come(crowd, address) for _ in range(CROWD)]
        for _ in range(FEW_TURNS):
            await trio.lowlevel.checkpoint()
        assert sum(map(is_closed_upon, peers)) == CROWD - (1 + WAITING)


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="descriptors are counted where the system lists them")
async def test_who_gives_up_a_place_leaves_no_descriptor(crowd: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*_: object, **__: object) -> TlsStream:
        await trio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(ACCEPT_TLS, busy)
    async with listening(limits=DoorLimits(handshakes=1)) as address:
        first = [come(crowd, address, "127.0.1.1", client_hello()) for _ in range(1 + WAITING)]
        await trio.testing.wait_all_tasks_blocked(SETTLED_S)
        before = len(list(DESCRIPTORS.iterdir()))
        others = [come(crowd, address, f"127.0.{number}.1", client_hello()) for number in range(2, 10)]
        for _ in range(FEW_TURNS):
            await trio.lowlevel.checkpoint()
            assert len(list(DESCRIPTORS.iterdir())) <= before + len(others), "these are the ends of the others"
        assert sum(map(is_closed_upon, first)) == len(others)


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="descriptors are counted where the system lists them")
async def test_who_gives_up_a_place_between_tls_and_hello_is_gone_as_well(crowd: ExitStack) -> None:
    async with listening(limits=DoorLimits(handshakes=1)) as address:
        first = [await ask_tls(await connect_tcp(address), client_context()) for _ in range(1 + WAITING)]
        await trio.testing.wait_all_tasks_blocked(SETTLED_S)
        before = len(list(DESCRIPTORS.iterdir()))
        others = [come(crowd, address, f"127.0.{number}.1") for number in range(2, 10)]
        for _ in range(FEW_TURNS):
            await trio.lowlevel.checkpoint()
            assert len(list(DESCRIPTORS.iterdir())) <= before + len(others)
        for stream in first:
            await trio.aclose_forcefully(stream)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody can tell before the handshake")
async def test_no_handshake_is_spent_on_who_has_left(crowd: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[trio.SocketStream] = []

    async def counted(stream: trio.SocketStream, context: ssl.SSLContext, **more: Any) -> TlsStream:
        spent.append(stream)
        return await accept_tls(stream, context, **more)

    monkeypatch.setattr(ACCEPT_TLS, counted)
    async with listening() as address:
        for _ in range(CROWD):
            come(crowd, address, said=client_hello()).close()
        await assert_serves(address)
    assert len(spent) == 1


class Turns(trio.abc.Instrument):
    """Counts the turns of the event loop."""

    def __init__(self) -> None:
        self.turn = 0

    def before_io_wait(self, timeout: float) -> None:
        del timeout
        self.turn += 1


async def test_no_more_handshakes_go_into_a_turn_of_the_loop_than_may_be_under_way(
    crowd: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strangers of many networks are silent at first, and then all speak at once: the links there are go on."""
    turns, spent = Turns(), Counter[int]()
    answer = TlsStream._answer

    async def counted(stream: TlsStream) -> bool:
        spent[turns.turn] += stream.tls.server_side
        return await answer(stream)

    monkeypatch.setattr(TlsStream, "_answer", counted)
    async with listening(limits=DoorLimits(handshakes=2)) as address:
        peers = [come(crowd, address, f"127.0.{network}.1") for network in range(1, 6) for _ in range(4)]
        await trio.testing.wait_all_tasks_blocked(SETTLED_S)
        trio.lowlevel.add_instrument(turns)
        for peer in peers:
            peer.sendall(client_hello())
        await trio.testing.wait_all_tasks_blocked(SETTLED_S)
        trio.lowlevel.remove_instrument(turns)
    assert sum(spent.values()) == len(peers)
    assert max(spent.values()) == 2


async def test_a_first_word_that_comes_as_the_time_is_over_is_too_late(
    crowd: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a turn of the event loop is long, the word and the end of the time for it are found in the same turn."""
    monkeypatch.setattr(listener, "FIRST_WORD_S", 0.5)
    with capture_logs() as logs:
        async with listening() as address:
            peer = come(crowd, address)
            await trio.testing.wait_all_tasks_blocked(SETTLED_S)
            peer.sendall(client_hello())
            a_long_turn()
            await trio.testing.wait_all_tasks_blocked(SETTLED_S)
            assert is_closed_upon(peer)
    assert [entry["code"] for entry in logs if entry["event"] == "link_ended"] == ["hello-timeout"]


async def test_who_agrees_on_keys_as_the_time_is_over_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HELLO_TIMEOUT_S", 0.5)
    monkeypatch.setattr(listener, "FIRST_WORD_S", 0.5)
    with capture_logs() as logs:
        async with listening() as address:
            stream = await ask_tls(await connect_tcp(address), client_context())
            a_long_turn()
            with trio.fail_after(5):
                (word,) = Connection(Role.CLIENT).receive(await stream.receive_some())
            assert isinstance(word, Bye)
            assert word.code == "hello-timeout"
            await stream.aclose()
    assert [entry["code"] for entry in logs if entry["event"] == "link_ended"] == ["hello-timeout"]


def a_long_turn() -> None:
    time.sleep(0.6)


@pytest.mark.parametrize("first", [1, 4, 5, 6, 100])
async def test_a_handshake_may_begin_in_pieces(first: int) -> None:
    async with listening() as address, await connect_tcp(address) as stream:
        said, answer = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_context().wrap_bio(answer, said)
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        hello = said.read()
        for piece in (hello[:first], hello[first:]):
            await stream.send_all(piece)
            await trio.testing.wait_all_tasks_blocked(SETTLED_S)
        answer.write(await stream.receive_some())
        tls.do_handshake()
        assert tls.version() == "TLSv1.3"


async def test_who_goes_silent_in_a_handshake_is_closed_upon_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("FIRST_WORD_S", 0.2), ("HELLO_TIMEOUT_S", 0.6)):
        monkeypatch.setattr(listener, name, seconds)
    with capture_logs() as logs:
        async with listening() as address, await connect_tcp(address) as silent, await connect_tcp(address) as stream:
            began = trio.current_time()
            await stream.send_all(client_hello())
            with trio.fail_after(5):
                assert await silent.receive_some() == b""
                assert await stream.receive_some(), "it is answered"
                assert await stream.receive_some() == b""
            assert trio.current_time() - began >= 0.3
    assert [entry["code"] for entry in logs if entry["event"] == "link_ended"] == ["hello-timeout"] * 2


async def test_who_is_silent_after_the_handshake_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HELLO_TIMEOUT_S", 0.6)
    monkeypatch.setattr(listener, "FIRST_WORD_S", 0.5)
    async with listening() as address:
        stream = await ask_tls(await connect_tcp(address), client_context())
        with trio.fail_after(5):
            (word,) = Connection(Role.CLIENT).receive(await stream.receive_some())
        assert isinstance(word, Bye)
        assert word.code == "hello-timeout"
        await stream.aclose()
