"""A whole byway in one process: a router, both authorities, and whoever wants to use them.

Real routers, sessions, stores on disk, links and statements; only the network is in memory and the clock is trio's.
Store calls run at once and not in threads, because a clock that jumps does not wait for a thread.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from nacl.signing import SigningKey
from trio.testing import MockClock

from authorities.addressing.authority import AddressingPolicy
from authorities.messaging.authority import MessagingPolicy
from byway.link.client import connect as connect_client
from byway.link.link import Link
from byway.link.memory import MemoryNetwork
from byway.node_address import NodeAddress
from byway.protocol.limits import DAY_MS
from byway.protocol.record import Record
from byway.protocol.statement import Statement, parse_statement
from byway.protocol.urn import node_urn, to_base32
from byway.registration import node_record
from byway.router.policy import Policy, RouterPolicy
from byway.router.router import Router
from byway.router.session import Resolver, Session
from byway.router.verifier import InlineVerifier
from byway.store.sqlite.store import open_store
from intentron.client import Byway, connect
from tests.strategies.randomness import Seeded

START_MS = 1_800_000_000_000

MakePolicy = Callable[[bytes, Callable[[], int]], Policy]


class Machine:
    """One node of an operator.  `kill` leaves nothing but its disk, `start` goes on from there."""

    def __init__(self, world: World, name: str, make_policy: MakePolicy, *, resolves: bool = False) -> None:
        self.key = SigningKey(world.random(32))
        self.place = NodeAddress(node_urn(bytes(self.key.verify_key)), f"{name}.test:7400")
        self.peers: list[bytes] = []  # whose links came in, in order
        self._world = world
        self._folder = world.folder / name
        self._folder.mkdir()
        self._make_policy = make_policy
        self._resolves = resolves
        self._life: trio.CancelScope | None = None
        self._dead = trio.Event()

    @property
    def node(self) -> str:
        return self.place.node

    async def start(self) -> None:
        self._dead = trio.Event()
        await self._world.nursery.start(self._run)

    async def kill(self) -> None:
        if self._life is not None:
            self._life.cancel()
            await self._dead.wait()

    def statements(self) -> list[Statement]:
        """All that is on its disk; the machine has to be killed first."""
        store = open_store(
            self._folder, node_key=bytes(self.key.verify_key), random=self._world.random, reserve_bytes=1024
        )
        try:
            recovered = store.recover(self._world.now_ms())
            return [parse_statement(data) for _, data in store.read(range(1, recovered.next_sequence))]
        finally:
            store.close()

    async def _run(self, *, task_status: trio.TaskStatus[None]) -> None:
        world, key = self._world, bytes(self.key.verify_key)
        policy = self._make_policy(key, world.now_ms)
        store = open_store(self._folder, node_key=key, random=world.random, reserve_bytes=1024)
        try:
            router = Router(
                store=store,
                recovered=store.recover(world.now_ms()),
                key=self.key,
                policy=policy,
                verifier=InlineVerifier(),
                now_ms=world.now_ms,
            )

            async def serve(link: Link) -> None:
                self.peers.append(link.peer)
                resolver: Resolver | None = policy if isinstance(policy, AddressingPolicy) else None
                await Session(router, link, now_ms=world.now_ms, resolver=resolver).run()

            with trio.CancelScope() as self._life:
                async with trio.open_nursery() as nursery:
                    await nursery.start(router.run)
                    await nursery.start(
                        partial(
                            world.network.serve_links,
                            serve,
                            key=self.key,
                            addresses=[self.place.address],
                            now_ms=world.now_ms,
                            random=world.random,
                        )
                    )
                    task_status.started()
        finally:
            store.close()
            self._dead.set()


class WallClock:
    """Stands in for the module `time` where the wall clock is read."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms

    def time_ns(self) -> int:
        return self._now_ms() * 1_000_000


class World:
    """The machines, the network between them, the time, and every address that anybody has dialled."""

    def __init__(self, folder: Path, nursery: trio.Nursery) -> None:
        self.folder = folder
        self.nursery = nursery
        self.random = Seeded(folder.name)
        self.network = MemoryNetwork()
        self.dialled: list[tuple[str, bytes]] = []  # address, and the key of the link
        self._began = trio.current_time()
        self._skipped_ms = 0
        self.router = Machine(self, "router", lambda key, _: RouterPolicy(key))
        self.messaging = Machine(self, "messaging", MessagingPolicy)
        self.addressing = Machine(self, "addressing", AddressingPolicy)

    def now_ms(self) -> int:
        return START_MS + self._skipped_ms + int((trio.current_time() - self._began) * 1000)

    def skip(self, milliseconds: int) -> None:
        """Let the wall clocks of all go forward at once; what waits for a while goes on waiting."""
        self._skipped_ms += milliseconds

    @asynccontextmanager
    async def open_link(self, address: str, **who: Any) -> AsyncGenerator[Link]:
        self.dialled.append((address, bytes(who["key"].verify_key)))
        async with self.network.open_link(address, **who) as link:
            yield link

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator[Byway]:
        """The client library, with nothing but the addressing authority in its settings."""
        async with connect(
            authorities=[self.addressing.place], now_ms=self.now_ms, random=self.random, open_link=self.open_link
        ) as byway:
            yield byway

    def topic(self, *segments: str) -> str:
        """A topic that the addressing authority answers for."""
        return ":".join(("urn:byway:topic", to_base32(bytes(self.addressing.key.verify_key)), *segments))

    async def register(self, topic: str) -> None:
        """Have the addressing authority say that our router and our messaging authority serve this topic."""
        now = self.now_ms()
        fields = {
            "name": topic,
            "serial": now,
            "ttl": 300,
            "homes": [self.router.node],
            "messaging": self.messaging.node,
        }
        await self._hand_in(
            Record.from_wire(fields).sign(self.addressing.key, created=now, expires=now + 30 * DAY_MS),
            *(
                node_record(machine.key, role=role, addresses=[machine.place.address], now_ms=now)
                for role, machine in (("router", self.router), ("messaging", self.messaging))
            ),
        )

    async def _hand_in(self, *records: Statement) -> None:
        place = self.addressing.place
        key = SigningKey(self.random(32))
        async with (
            self.network.open_link(
                place.address, node=place.node, key=key, now_ms=self.now_ms, random=self.random
            ) as link,
            connect_client(link) as client,
        ):
            for answer in await client.submit(records):
                if isinstance(answer, Exception):
                    raise answer


@asynccontextmanager
async def byway_in_a_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[World]:
    """A byway whose machines run; they are killed at the end."""

    async def run_at_once(call: Callable[..., Any], *args: Any, **_: object) -> Any:
        await trio.lowlevel.checkpoint()
        return call(*args)

    assert isinstance(trio.lowlevel.current_clock(), MockClock), "a scenario would take real time"
    monkeypatch.setattr(trio.to_thread, "run_sync", run_at_once)
    async with trio.open_nursery() as nursery:
        world = World(folder, nursery)
        monkeypatch.setattr("byway.clock.time", WallClock(world.now_ms))  # for parts that were given no clock
        for machine in (world.addressing, world.router, world.messaging):
            await machine.start()
        yield world
        for machine in (world.addressing, world.router, world.messaging):
            await machine.kill()
        nursery.cancel_scope.cancel()
