"""TLS over a socket: nothing is lost, nothing is mixed up, and no turn of the event loop is taken for nothing."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from byway.link.tls import client_context, server_context
from byway.link.tls_stream import TlsStream
from tests.link.parts import SERVER

RECORD = 16_384
SERVING, ASKING = server_context(SERVER), client_context()


def sockets() -> tuple[trio.SocketStream, trio.SocketStream]:
    ours, theirs = socket.socketpair()
    return tuple(trio.SocketStream(trio.socket.from_stdlib_socket(each)) for each in (ours, theirs))  # type: ignore[return-value]


@asynccontextmanager
async def beside_trio(
    *, served_by_trio: bool = False
) -> AsyncGenerator[tuple[TlsStream, trio.SSLStream[trio.SocketStream]]]:
    """Ours, and on the other end one that trio made."""
    left, right = sockets()
    ours = TlsStream(left, ASKING if served_by_trio else SERVING, server_side=not served_by_trio)
    context = SERVING if served_by_trio else ASKING
    theirs = trio.SSLStream(right, context, server_side=served_by_trio, https_compatible=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(theirs.do_handshake)
        await ours.shake_hands()
    yield ours, theirs
    await trio.aclose_forcefully(ours)
    await trio.aclose_forcefully(theirs)


async def whole(stream: trio.abc.ReceiveStream, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = await stream.receive_some()
        assert part
        parts += part
    return parts


@pytest.mark.parametrize("served_by_trio", [False, True])
@pytest.mark.parametrize("size", [1, RECORD, 5 * RECORD + 1, 3_000_000])
async def test_what_one_end_sends_the_other_has(size: int, served_by_trio: bool) -> None:
    data = os.urandom(size)
    async with beside_trio(served_by_trio=served_by_trio) as (ours, theirs), trio.open_nursery() as nursery:
        nursery.start_soon(ours.send_all, data)
        nursery.start_soon(theirs.send_all, data)
        assert await whole(theirs, size) == data
        assert await whole(ours, size) == data


async def test_records_that_have_come_together_are_given_together() -> None:
    async with beside_trio() as (ours, theirs):
        for _ in range(5):
            await theirs.send_all(b"a record")
        assert await ours.receive_some() == b"a record" * 5


async def test_no_more_is_given_than_was_asked_for_and_nothing_of_it_is_lost() -> None:
    data = os.urandom(40_000)
    async with beside_trio() as (ours, theirs), trio.open_nursery() as nursery:
        nursery.start_soon(theirs.send_all, data)
        received = b""
        while len(received) < len(data):
            part = await ours.receive_some(700)
            assert 1 <= len(part) <= 700
            received += part
    assert received == data


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_records_may_come_in_any_pieces(pieces: list[int]) -> None:
    data = b"a wish and another one. " * 100

    async def main() -> None:
        left, right = sockets()
        near, far = sockets()
        ours = TlsStream(left, SERVING, server_side=True)
        theirs = trio.SSLStream(far, ASKING, https_compatible=True)

        async def in_pieces() -> None:
            at = 0
            while said := await near.receive_some(1024):
                while said:
                    size = pieces[at % len(pieces)]
                    at += 1
                    await right.send_all(said[:size])
                    said = said[size:]
                    await trio.lowlevel.checkpoint()

        async def back() -> None:
            while said := await right.receive_some():
                await near.send_all(said)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(in_pieces)
            nursery.start_soon(back)
            nursery.start_soon(theirs.send_all, data)
            await ours.shake_hands()
            assert await whole(ours, len(data)) == data
            nursery.cancel_scope.cancel()
        for stream in (left, near, far, right):
            await trio.aclose_forcefully(stream)

    trio.run(main)


async def test_what_the_socket_takes_at_once_is_sent_without_a_turn_of_the_event_loop() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with beside_trio() as (ours, theirs), trio.open_nursery() as nursery:
        nursery.start_soon(count)
        await trio.lowlevel.checkpoint()
        before = turns
        await ours.send_all(b"a wish")
        assert turns == before
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            assert await theirs.receive_some() == b"a wish"


async def test_closing_is_done_at_once_also_for_who_is_cancelled() -> None:
    async with beside_trio() as (ours, theirs):
        with trio.CancelScope() as scope:
            scope.cancel()
            await ours.aclose()
            closed = True
        assert closed
        assert await theirs.transport_stream.receive_some() == b""


async def test_a_reader_that_is_cancelled_has_taken_nothing() -> None:
    async with beside_trio() as (ours, theirs):
        with trio.move_on_after(0) as scope:
            await ours.receive_some()
        assert scope.cancelled_caught
        await theirs.send_all(b"a wish")
        assert await ours.receive_some() == b"a wish"


async def test_the_end_of_the_other_end_is_no_bytes_whether_it_says_so_or_not() -> None:
    async with beside_trio() as (ours, theirs):
        await theirs.send_all(b"a wish")
        await trio.aclose_forcefully(theirs)
        assert await ours.receive_some() == b"a wish"
        assert await ours.receive_some() == b""
    async with beside_trio() as (ours, theirs):
        theirs._https_compatible = False  # it says that it leaves
        async with trio.open_nursery() as nursery:
            nursery.start_soon(theirs.aclose)
            assert await ours.receive_some() == b""
            await trio.aclose_forcefully(ours)


async def test_bytes_that_are_not_tls_break_the_stream() -> None:
    async with beside_trio() as (ours, theirs):
        await theirs.transport_stream.send_all(b"no record at all")
        with pytest.raises(trio.BrokenResourceError):
            await ours.receive_some()


async def test_to_send_to_an_end_that_is_gone_breaks_the_stream() -> None:
    async with beside_trio() as (ours, theirs):
        await trio.aclose_forcefully(theirs)
        with pytest.raises(trio.BrokenResourceError):
            await ours.send_all(b"a wish")


async def test_who_waits_is_told_when_this_end_is_closed() -> None:
    async with beside_trio() as (ours, _), trio.open_nursery() as nursery:

        async def receive() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await ours.receive_some()

        nursery.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        await ours.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await ours.send_all(b"a wish")


async def test_bytes_that_begin_no_handshake_break_the_stream() -> None:
    left, right = sockets()
    await right.send_all(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(trio.BrokenResourceError) as caught:
        await TlsStream(left, SERVING, server_side=True).shake_hands()
    assert isinstance(caught.value.__cause__, ssl.SSLError)
    await trio.aclose_forcefully(left)
    await trio.aclose_forcefully(right)


async def test_who_speaks_another_version_is_told_so() -> None:
    left, right = sockets()
    old = client_context()
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
    theirs = trio.SSLStream(right, old, https_compatible=True)

    async def ask() -> None:
        with pytest.raises(trio.BrokenResourceError) as caught:
            await theirs.do_handshake()
        assert "alert protocol version" in str(caught.value.__cause__)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        with pytest.raises(trio.BrokenResourceError):
            await TlsStream(left, SERVING, server_side=True).shake_hands()
    await trio.aclose_forcefully(left)
    await trio.aclose_forcefully(right)


async def test_who_leaves_in_a_handshake_breaks_the_stream() -> None:
    left, right = sockets()
    await right.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await TlsStream(left, SERVING, server_side=True).shake_hands()
    await left.aclose()


async def test_what_was_read_before_the_handshake_is_part_of_it() -> None:
    left, right = sockets()
    theirs = trio.SSLStream(right, ASKING, https_compatible=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(theirs.do_handshake)
        told: list[bytes] = []
        ours = TlsStream(left, SERVING, server_side=True, said=await left.receive_some())
        await ours.shake_hands(lambda: told.append(b"answered"))
    assert told
    await trio.aclose_forcefully(left)
    await trio.aclose_forcefully(right)


async def test_the_answer_of_a_handshake_is_told() -> None:
    left, right = sockets()
    told: list[bytes] = []
    theirs = trio.SSLStream(right, ASKING, https_compatible=True)
    ours = TlsStream(left, SERVING, server_side=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(theirs.do_handshake)
        await ours.shake_hands(lambda: told.append(b"answered"))
    assert told
    await trio.aclose_forcefully(left)
    await trio.aclose_forcefully(right)
