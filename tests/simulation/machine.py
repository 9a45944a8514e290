"""One node of an operator: disk, clock, store, router and sessions are real, as far as they are no hardware.

`kill` is the end of its process, `lose_power` that of the whole computer: then what was not flushed may be gone.  An
operator who sees that the store has failed starts the node again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Final, cast

import apsw
import trio
from nacl.signing import SigningKey

from authorities.addressing.authority import AddressingPolicy
from byway.clock import SteadyClock, Uptime
from byway.errors import StoreError
from byway.link.link import Link
from byway.node_address import NodeAddress
from byway.protocol.urn import node_urn
from byway.router.policy import Policy
from byway.router.router import Router
from byway.router.store_thread import StoreThread
from byway.store.high_water import HIGH_WATER_FILE
from byway.store.sqlite.store import STORE_FILE, SqliteStore, open_store
from byway.store.store import Store
from tests.simulation.disorder import Disorder, UnrulyLink
from tests.simulation.network import Network
from tests.simulation.parts import Parts, WatchedLink
from tests.simulation.states import RECOVERING, WORK_S, States
from tests.simulation.store_calls import StoreCalls
from tests.simulation.wires import Connection
from tests.store.power_loss import Disk, Image
from tests.strategies.randomness import Seeded

MakePolicy = Callable[[bytes, Callable[[], int]], Policy]

TRY_AGAIN_S: Final = 0.3
MORE_THAN_THERE_IS: Final = 1 << 62  # bytes


class Machine:
    """Made once in a world; it lives as often as it is started."""

    def __init__(
        self,
        name: str,
        folder: Path,
        network: Network,
        *,
        seed: str,
        wall_ms: Callable[[], int],
        make_policy: MakePolicy,
        parts: Parts,
        note: Callable[..., None],
    ) -> None:
        self.name = name
        self.random = Random(f"{seed} {name}")  # noqa: S311 - a simulation
        self.states = States()
        self.restarting = trio.Lock()  # who holds it may end its life
        self.clock_ahead_ms = 0  # of the wall clock of this machine
        self.disk = Disk()
        self.disorder: Disorder | None = None  # of what its links say
        self.submits_wait_for: str | None = None  # a state: before it, no Submit arrives
        self.calls = StoreCalls(name, self.states, self.random, note)
        self.folder = folder / name
        self.folder.mkdir()
        self._bytes = Seeded(f"{seed} {name}")
        self.key = SigningKey(self._bytes(32))
        self.place = NodeAddress(node_urn(bytes(self.key.verify_key)), f"{name}.test:7400")
        self._network = network
        self._wall_ms = wall_ms
        self._make_policy = make_policy
        self._parts = parts
        self._note = note
        self._on = trio.Event()
        self._life = trio.CancelScope()
        self._dead = trio.Event()
        self._clock: SteadyClock | None = None
        self._sqlite: SqliteStore | None = None
        self._reserve_bytes = 0  # of its disk, which has as much as that of this computer
        self._older_mark: bytes | None = None
        self._boots = 1  # of the computer, which the end of a process leaves running
        self._lost: list[Connection] = []  # whose clients do not know it yet
        self._on.set()

    @property
    def is_on(self) -> bool:
        return self._on.is_set()

    @property
    def lives(self) -> bool:
        return self.is_on and not self._dead.is_set()

    @property
    def node(self) -> str:
        return self.place.node

    @property
    def address(self) -> str:
        return self.place.address

    @property
    def held(self) -> int:
        """How many bytes its router keeps in memory for subscribers."""
        return self.router._memory.used

    def now_ms(self) -> int:
        assert self._clock is not None
        return self._clock()

    async def keep(self) -> None:
        """Live, whenever the machine is on."""
        while True:
            while not self._on.is_set():
                await self._on.wait()
            self._dead = trio.Event()
            try:
                await self._live()
            except StoreError as error:
                self._note(f"{self.name} does not start: {error.code}")
                await trio.sleep(TRY_AGAIN_S)
            finally:
                self._dead.set()

    def lack_space(self, *, on: bool) -> None:
        """Its disk has less room than it has to keep for what is promised; or enough again."""
        self._reserve_bytes = MORE_THAN_THERE_IS if on else 0
        if self._sqlite is not None:
            self._sqlite._reserve_bytes = self._reserve_bytes  # a disk fills up while a store is open

    def forget_pages(self) -> None:
        """What its store has read of the disk is in memory no more: the next call reads again."""
        if self._sqlite is not None and self.lives:
            self._sqlite._database._connection.pragma("shrink_memory")

    async def kill(self) -> None:
        """End the process.  What it wrote is there, flushed or not."""
        self._end(self.disk.after_death())
        for connection in self._network.open_to(self.address):
            connection.reset()
        await self._dead.wait()

    async def lose_power(self) -> None:
        """End the computer.  Nobody is told until it is back."""
        self._cut_power()
        await self._dead.wait()

    def lose_power_at(self, operation: int, then: Callable[[], None]) -> trio.Event:
        """End the computer at the disk operation with this number from now; the event says that it has happened."""
        disk, left, gone = self.disk, operation, trio.Event()

        def count(_what: str, _name: str) -> None:
            nonlocal left
            left -= 1
            if not left:
                then()
                self._cut_power()
                gone.set()
            if left <= 0:
                raise apsw.IOError("the power is gone")

        disk.before = count
        return gone

    @asynccontextmanager
    async def ended(self, end: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
        """Have it dead while the block runs, and not started by anybody else."""
        async with self.restarting:
            await end()
            yield
            await self.start()

    async def start(self) -> None:
        """Turn it on, and wait until it begins to look at its store."""
        await self._dead.wait()
        while self._lost:
            self._lost.pop().reset(lost=True)
        self._on.set()
        await self.states.reach(RECOVERING, within_s=1.0)

    def leave_store(self) -> Path | None:
        """The file of its store, once it is dead; None if there is none yet."""
        for path, image in self.disk.images.items():
            (self.folder / Path(path).name).write_bytes(image.current)
        store = self.folder / STORE_FILE
        return store if store.stat().st_size else None

    def _end(self, disk: Disk) -> None:
        if self._on.is_set():
            self._on = trio.Event()
        self.disk.before = _no_power
        self.disk = disk
        self._life.cancel()
        self.calls.end()
        self.states.clear()

    def _cut_power(self) -> None:
        self._note(f"{self.name} has lost its power")
        self._boots += 1
        disk = Disk()
        for name, image in self.disk.images.items():
            found = disk.images[name] = Image()
            found.current[:] = found.durable[:] = image.after_cut(self.random)
        self._end(disk)
        if self._older_mark is not None and self.random.random() < 0.5:
            (self.folder / HIGH_WATER_FILE).write_bytes(self._older_mark)
        self._lost = self._network.open_to(self.address)
        for connection in self._lost:
            connection.stall(on=True)

    async def _live(self) -> None:
        self.calls.failed = trio.Event()
        with trio.CancelScope() as self._life, self.states.being(RECOVERING):
            await trio.sleep(self.random.uniform(*WORK_S))
            with suppress(FileNotFoundError):
                self._older_mark = (self.folder / HIGH_WATER_FILE).read_bytes()
            disk = self.disk
            sqlite = self._sqlite = open_store(
                self.folder,
                node_key=bytes(self.key.verify_key),
                random=self._bytes,
                uptime=self._uptime,
                reserve_bytes=self._reserve_bytes,
                vfs=disk.name,
            )
            try:
                await self._run(self._parts.store(self, sqlite))
            finally:
                with suppress(StoreError):
                    sqlite.close()

    async def _run(self, store: Store) -> None:
        mark = store.high_water
        clock = self._clock = SteadyClock(
            self._wall,
            _steady_ms,
            high_water=mark.clock_ms if mark else None,
            away=self._uptime().since(mark.uptime) if mark else None,
            on_jump=lambda jump: self._note(f"{self.name} clock {jump.believed}"),
        )
        policy = self._make_policy(bytes(self.key.verify_key), clock)
        router = Router(
            store=store,
            recovered=store.recover(clock()),
            key=self.key,
            policy=policy,
            verifier=self._parts.verifier(self),
            now_ms=clock,
            thread=StoreThread(self.calls.run),
        )
        self.router = router
        resolver = policy if isinstance(policy, AddressingPolicy) else None

        async def serve(link: Link) -> None:
            watched = self._parts.link(self, cast("Link", UnrulyLink(link, self)))
            try:
                await self._parts.session(self, router, watched, resolver).run()
            finally:
                cast("WatchedLink", watched).ended()

        async with trio.open_nursery() as nursery:
            await trio.sleep(self.random.uniform(*WORK_S))
            await nursery.start(router.run)
            await nursery.start(
                partial(
                    self._network.serve_links,
                    serve,
                    key=self.key,
                    addresses=[self.address],
                    now_ms=clock,
                    random=self._bytes,
                )
            )
            self.states.leave(RECOVERING)

    def _wall(self) -> int:
        return self._wall_ms() + self.clock_ahead_ms

    def _uptime(self) -> Uptime:
        return Uptime(self._boots.to_bytes(16, "big"), _steady_ms())


def _steady_ms() -> int:
    return int(trio.current_time() * 1000)


def _no_power(operation: str, name: str) -> None:
    del operation, name
    raise apsw.IOError("the process has ended")
