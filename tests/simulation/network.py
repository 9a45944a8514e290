"""Who listens where, who reaches whom, and all connections there are.

The opening and the rules of a link are the real ones; there is no TLS, as in `byway.link.memory`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError
from byway.link.door import Door, DoorLimits
from byway.link.host import Host, Serve
from byway.link.link import Link, kept_alive
from byway.link.opening import Clock, open_as_client
from byway.link.opening import Random as RandomBytes
from byway.protocol.limits import HELLO_TIMEOUT_S
from byway.protocol.urn import parse_urn
from tests.simulation.wires import QUICK_S, Connection, End, Note

REFUSED_AFTER_S: Final = 0.01
NO_ANSWER_AFTER_S: Final = 1.0
REPLAYER: Final = "replay"
PREFIXES: Final = 3  # of all clients: some share one, and with it what one may have of a node


@dataclass(frozen=True, slots=True)
class _Place:
    host: Host
    key: bytes
    links: trio.Nursery


class Network:
    """Addresses, who listens there, and all connections that there are."""

    def __init__(self, random: Random, note: Note) -> None:
        self.connections: list[Connection] = []
        self.sessions: list[bytes] = []  # all that a client has said on a link that is over
        self.slow: set[str] = set()  # addresses
        self.apart: set[tuple[str, str]] = set()  # client and address that do not reach each other
        self._random = random
        self._note = note
        self._places: dict[str, _Place] = {}
        self._number = 0
        self._prefixes: dict[str, str] = {}  # by client

    async def serve_links(
        self,
        serve: Serve,
        *,
        key: SigningKey,
        addresses: Sequence[str],
        now_ms: Clock,
        random: RandomBytes,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """As `byway.link.memory.MemoryNetwork.serve_links`, until it is cancelled."""
        host = Host(serve, key=key, now_ms=now_ms, random=random, door=Door(DoorLimits()))
        async with trio.open_nursery() as links:
            place = _Place(host, bytes(key.verify_key), links)
            self._places |= dict.fromkeys(addresses, place)
            try:
                task_status.started()
                await trio.sleep_forever()
            finally:
                for address in addresses:
                    del self._places[address]

    def open_to(self, address: str) -> list[Connection]:
        """The connections to a node that are not over."""
        self.connections = [each for each in self.connections if not each.over]
        return [each for each in self.connections if each.address == address]

    async def dial(self, client: str, address: str) -> tuple[trio.abc.Stream, bytes]:
        """The client's end of a new connection, and the key of the node.  Raises `LinkError`."""
        await trio.sleep(self._random.uniform(*QUICK_S))
        if (client, address) in self.apart:
            await trio.sleep(NO_ANSWER_AFTER_S)
            raise LinkError(f"{address} does not answer", code="unreachable")
        place = self._places.get(address)
        if place is None:
            await trio.sleep(REFUSED_AFTER_S)
            raise LinkError(f"nobody listens at {address}", code="unreachable")
        self._number += 1
        connection = Connection(self._number, client, address, self._random, self._note)
        connection.make_slow(on=address in self.slow)
        self.connections.append(connection)
        theirs = End(connection.down, connection.up)
        prefix = self._prefix_of(client)

        async def secure() -> trio.abc.Stream:
            await trio.lowlevel.checkpoint()
            return theirs

        async def welcome() -> None:
            try:
                await place.host.welcome(secure, prefix, lambda: None)
            finally:
                connection.over = True
                if client != REPLAYER and connection.up.sent:
                    self.sessions.append(bytes(connection.up.sent))

        place.links.start_soon(welcome)
        return End(connection.up, connection.down), place.key

    def _prefix_of(self, client: str) -> str:
        """The network that a client always comes from."""
        if client not in self._prefixes:
            self._prefixes[client] = f"10.0.{self._random.randrange(PREFIXES)}.0/24"
        return self._prefixes[client]

    async def replay(self, address: str, said: bytes, when: Callable[[], Awaitable[object]]) -> None:
        """Say on a new connection, after `when`, what somebody has said on an earlier one, and hear it out."""
        with suppress(LinkError, trio.BrokenResourceError):
            stream, _ = await self.dial(REPLAYER, address)
            async with stream:
                await when()
                await stream.send_all(said)
                while await stream.receive_some():
                    pass

    @asynccontextmanager
    async def open_link(
        self, client: str, address: str, *, node: str, key: SigningKey, now_ms: Clock, random: RandomBytes
    ) -> AsyncGenerator[Link]:
        """As `byway.link.dialer.open_link`."""
        stream, server_key = await self.dial(client, address)
        if server_key != parse_urn(node, "node").key:
            raise LinkError("somebody else listens there", code="wrong-key")
        link = await open_as_client(
            stream,
            node=node,
            key=key,
            server_key=server_key,
            now_ms=now_ms,
            random=random,
            deadline=trio.current_time() + HELLO_TIMEOUT_S,
        )
        async with kept_alive(link):
            yield link
