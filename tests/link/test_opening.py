"""The opening: a hello is good for one link, and nobody may take his time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from nacl.signing import SigningKey
from trio.testing import MockClock

from byway.errors import LinkError, RemoteProtocolError
from byway.link.link import MAX_SENTENCE, Link
from byway.link.opening import open_as_client, open_as_server
from byway.protocol.connection import Connection, Role
from byway.protocol.frames import Bye, Frame, Hello, Start, Subscribe
from byway.protocol.hello import hello_body, make_hello
from byway.protocol.limits import HELLO_TIMEOUT_S, MAX_CLOCK_SKEW_MS
from byway.protocol.urn import node_urn
from tests.link.parts import CLIENT, NODE, NOW, OTHER, SERVER, now_ms, random

SERVER_KEY = bytes(SERVER.verify_key)
CLIENT_NODE = node_urn(bytes(CLIENT.verify_key))
NONCE = b"n" * 16


def _client(stream: trio.abc.Stream, *, key: SigningKey = CLIENT, server_key: bytes = SERVER_KEY) -> Awaitable[Link]:
    return open_as_client(
        stream,
        node=NODE,
        key=key,
        server_key=server_key,
        now_ms=now_ms,
        random=random,
        deadline=trio.current_time() + HELLO_TIMEOUT_S,
    )


def _server(stream: trio.abc.Stream, *, key: SigningKey = SERVER) -> Awaitable[Link]:
    return open_as_server(stream, key=key, now_ms=now_ms, random=random, deadline=trio.current_time() + HELLO_TIMEOUT_S)


class Peer:
    """The other end, frame by frame, with the rules but without the checks of the opening."""

    def __init__(self, stream: trio.abc.Stream, role: Role) -> None:
        self.stream = stream
        self.connection = Connection(role)
        self.heard: list[Frame] = []

    async def say(self, frame: Frame) -> None:
        await self.stream.send_all(self.connection.send(frame))

    async def hear(self) -> Frame:
        while not self.heard:
            data = bytes(await self.stream.receive_some())
            assert data, "the stream has ended"
            self.heard += self.connection.receive(data)
        return self.heard.pop(0)


@asynccontextmanager
async def meeting(
    opening: Callable[[trio.abc.Stream], Awaitable[Link]], role: Role
) -> AsyncGenerator[tuple[Peer, list[Link | Exception]]]:
    """A `Peer` in the other role than `role`, and how the opening of the end under test went."""
    ours, theirs = trio.testing.memory_stream_pair()
    outcome: list[Link | Exception] = []

    async def run() -> None:
        try:
            outcome.append(await opening(ours))
        except Exception as error:  # noqa: BLE001 - what the test is about
            outcome.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        yield Peer(theirs, role.other), outcome
        await theirs.aclose()


def _hello(
    role: Role,
    client: Start,
    server: Start,
    *,
    key: SigningKey,
    server_key: bytes = SERVER_KEY,
    now: int = NOW,
) -> Hello:
    body = hello_body(
        role.value,
        versions=(client.versions, server.versions),
        nonces=(client.nonce, server.nonce),
        nodes=(client.node, server.node),
        server_key=server_key,
    )
    return Hello(make_hello(key, body, now=now).data)


async def _greet(peer: Peer) -> tuple[Start, Start]:
    """A client's Start, and the server's, whose Hello has come as well."""
    own = Start((1,), CLIENT_NODE, NONCE)
    await peer.say(own)
    start = await peer.hear()
    assert isinstance(start, Start)
    assert isinstance(await peer.hear(), Hello)
    return own, start


async def test_two_ends_open_a_link() -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    links: dict[str, Link] = {}

    async def keep(name: str, opening: Awaitable[Link]) -> None:
        links[name] = await opening

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep, "client", _client(ours))
        nursery.start_soon(keep, "server", _server(theirs))
    assert links["client"].peer == SERVER_KEY
    assert links["server"].peer == bytes(CLIENT.verify_key)


async def _client_hears(
    answer: Callable[[Start, Start], tuple[Frame, ...]], *, node: str = NODE, versions: tuple[int, ...] = (1,)
) -> tuple[Exception | Link, Frame]:
    """What a client makes of a server that answers its Start so; and the client's last word."""
    async with meeting(_client, Role.CLIENT) as (peer, outcome):
        start = await peer.hear()
        assert isinstance(start, Start)
        own = Start(versions, node, NONCE)
        await peer.say(own)
        for frame in answer(start, own):
            await peer.say(frame)
        word = await peer.hear()
    return outcome[0], word


async def test_a_hello_signed_for_another_tls_key_is_refused() -> None:
    """Somebody in the middle has a key of its own in the certificate, and relays the hello of the real node."""
    result, word = await _client_hears(
        lambda client, server: (_hello(Role.SERVER, client, server, key=SERVER, server_key=bytes(OTHER.verify_key)),)
    )
    assert isinstance(result, RemoteProtocolError)
    assert result.code == "hello-mismatch"
    assert isinstance(word, Bye)
    assert word.code == "hello-mismatch"


async def test_a_hello_of_an_earlier_link_is_refused() -> None:
    result, word = await _client_hears(
        lambda client, server: (
            _hello(Role.SERVER, Start(client.versions, client.node, b"earlier nonce..."), server, key=SERVER),
        )
    )
    assert isinstance(result, RemoteProtocolError)
    assert (result.code, word.code) == ("hello-mismatch", "hello-mismatch")  # type: ignore[attr-defined]


async def test_our_own_hello_said_back_to_us_is_refused() -> None:
    result, _ = await _client_hears(lambda client, server: (_hello(Role.CLIENT, client, server, key=SERVER),))
    assert isinstance(result, RemoteProtocolError)
    assert result.code == "hello-mismatch"


async def test_a_hello_by_another_key_is_refused() -> None:
    result, _ = await _client_hears(lambda client, server: (_hello(Role.SERVER, client, server, key=OTHER),))
    assert isinstance(result, RemoteProtocolError)
    assert result.code == "hello-mismatch"


async def test_a_hello_that_is_not_current_is_refused() -> None:
    for now in (NOW - 6 * 60_000, NOW + MAX_CLOCK_SKEW_MS + 1):
        result, _ = await _client_hears(
            lambda client, server, now=now: (_hello(Role.SERVER, client, server, key=SERVER, now=now),)  # type: ignore[misc]
        )
        assert isinstance(result, RemoteProtocolError)
        assert result.code == "clock-differs"


async def test_a_hello_that_is_no_statement_is_refused() -> None:
    result, _ = await _client_hears(lambda _client, _server: (Hello(b"IB"),))
    assert isinstance(result, RemoteProtocolError)
    assert result.code == "hello-mismatch"


async def test_another_node_than_the_one_that_was_asked_for_is_refused() -> None:
    result, word = await _client_hears(lambda _client, _server: (), node=node_urn(bytes(OTHER.verify_key)))
    assert isinstance(result, LinkError)
    assert (result.code, word.code) == ("wrong-key", "wrong-key")  # type: ignore[attr-defined]


async def test_ends_without_a_common_version_part() -> None:
    result, word = await _client_hears(lambda _client, _server: (), versions=(2, 3))
    assert isinstance(result, RemoteProtocolError)
    assert (result.code, word.code) == ("version-unsupported", "version-unsupported")  # type: ignore[attr-defined]


async def test_a_server_refuses_a_hello_for_another_link_too() -> None:
    async with meeting(_server, Role.SERVER) as (peer, outcome):
        own, start = await _greet(peer)
        other_nonce = Start(own.versions, own.node, b"m" * 16)
        await peer.say(_hello(Role.CLIENT, other_nonce, start, key=CLIENT))
        word = await peer.hear()
    assert isinstance(outcome[0], RemoteProtocolError)
    assert isinstance(word, Bye)
    assert word.code == outcome[0].code == "hello-mismatch"


async def test_a_start_that_names_no_node_is_refused() -> None:
    async with meeting(_server, Role.SERVER) as (peer, outcome):
        await peer.say(Start((1,), "urn:byway:topic:open:homes", NONCE))
        word = await peer.hear()
    assert isinstance(outcome[0], RemoteProtocolError)
    assert isinstance(word, Bye)
    assert word.code == "hello-mismatch"


@pytest.mark.parametrize("role", list(Role))
async def test_who_takes_longer_than_five_seconds_is_dropped(role: Role, autojump_clock: MockClock) -> None:
    opening = _client if role is Role.CLIENT else _server
    began = autojump_clock.current_time()
    async with meeting(opening, role) as (peer, outcome):
        for byte in (b"\x00", b"\x00", b"\x00", b"\x40"):  # a byte now and then does not help
            await trio.sleep(1)
            await peer.stream.send_all(byte)
        if role is Role.CLIENT:
            assert isinstance(await peer.hear(), Start)
        word = await peer.hear()
        assert autojump_clock.current_time() == pytest.approx(began + HELLO_TIMEOUT_S)
    assert isinstance(outcome[0], LinkError)
    assert isinstance(word, Bye)
    assert word.code == outcome[0].code == "hello-timeout"


async def test_frames_that_come_with_the_hello_are_received_first() -> None:
    async with meeting(_server, Role.SERVER) as (peer, outcome):
        own, start = await _greet(peer)
        early = Subscribe("s", "open:**", None, "all", "now", 1)
        hello = peer.connection.send(_hello(Role.CLIENT, own, start, key=CLIENT))
        await peer.stream.send_all(hello + peer.connection.send(early))
        await trio.testing.wait_all_tasks_blocked()
        link = outcome[0]
        assert isinstance(link, Link)
        assert await link.receive() == [early]


async def test_a_cancelled_opening_closes_the_stream() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    with trio.move_on_after(0) as scope:
        await _client(ours)
    assert scope.cancelled_caught
    assert await theirs.receive_some()
    assert await theirs.receive_some() == b""


async def test_a_fault_that_takes_long_to_tell_is_told_shortly() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    link = Link(ours, Role.CLIENT, key=CLIENT, now_ms=now_ms)
    await link.aclose("hello-mismatch", "because " * 1000)
    (word,) = Connection(Role.SERVER).receive(bytes(await theirs.receive_some()))
    assert isinstance(word, Bye)
    assert len(word.sentence) == MAX_SENTENCE
