"""Links without a network: the same opening and the same rules, over streams in memory.

For many nodes in one process on one clock, as in simulations and tests.  There is no TLS; the server's key
stands in for the one that a certificate would show.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import trio
import trio.testing
from nacl.signing import SigningKey

from byway.errors import LinkError
from byway.link.door import Door, DoorLimits
from byway.link.host import Host, Serve
from byway.link.link import Link, kept_alive
from byway.link.opening import Clock, Random, open_as_client
from byway.protocol.address import parse_listen_address
from byway.protocol.limits import HELLO_TIMEOUT_S
from byway.protocol.urn import node_urn, parse_urn

NEARBY: Final = "127.0.0.0/24"  # where all of them come from


@dataclass(frozen=True, slots=True)
class _Place:
    host: Host
    key: bytes
    links: trio.Nursery


class MemoryNetwork:
    """Addresses, and who listens there.  `serve_links` and `open_link` are used as those over TCP are."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._free_port = 50_000

    async def serve_links(
        self,
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
        """As `byway.link.listener.serve_links`."""
        host = Host(serve, key=key, now_ms=now_ms, random=random, door=Door(limits))
        names = [self._name(address) for address in addresses]
        async with trio.open_nursery() as links:
            self._places |= dict.fromkeys(names, _Place(host, bytes(key.verify_key), links))
            try:
                task_status.started(names)
                await (trio.Event() if stop is None else stop).wait()
            finally:
                for name in names:
                    del self._places[name]
            await host.stop()

    @asynccontextmanager
    async def open_link(
        self, address: str, *, node: str, key: SigningKey, now_ms: Clock, random: Random
    ) -> AsyncGenerator[Link]:
        """As `byway.link.dialer.open_link`."""
        place = self._places.get(address)
        if place is None:
            raise LinkError(f"{address} cannot be reached: nobody listens there", code="unreachable")
        if place.key != parse_urn(node, "node").key:
            raise LinkError(f"{node_urn(place.key)} listens at {address}, not {node}", code="wrong-key")
        ours, theirs = trio.testing.memory_stream_pair()

        async def secure() -> trio.abc.Stream:
            return theirs

        place.links.start_soon(place.host.welcome, secure, NEARBY, _nothing)
        link = await open_as_client(
            ours,
            node=node,
            key=key,
            server_key=place.key,
            now_ms=now_ms,
            random=random,
            deadline=trio.current_time() + HELLO_TIMEOUT_S,
        )
        async with kept_alive(link):
            yield link

    def _name(self, address: str) -> str:
        host, port = parse_listen_address(address)
        if port:
            return address
        self._free_port += 1
        return f"{host}:{self._free_port}"


def _nothing() -> None:
    """Nobody waits for a handshake here."""
