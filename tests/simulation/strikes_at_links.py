"""Strikes at links: what is said on them is late, cut, held up, not heard, or said again."""

from __future__ import annotations

from typing import Final

import trio

from byway.protocol.limits import PING_AFTER_S, PONG_WITHIN_S
from tests.simulation import coverage as fault
from tests.simulation.disorder import Disorder
from tests.simulation.ground import LASTS_S, Ground, Strike
from tests.simulation.machine import Machine
from tests.simulation.plan import Planned
from tests.simulation.states import IDLE, PAGING

REPLAYS_S: Final = 4.0
DISORDER_S: Final = 0.5
DISORDERS: Final = 4
NOTICED_AFTER_S: Final = PING_AFTER_S + PONG_WITHIN_S + 1


class LinkStrikes:
    """`strikes` has one for each kind of fault."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._world = ground.world
        self._random = ground.random
        self.strikes: dict[str, Strike] = {
            fault.CUT: self._cut,
            fault.DELAY: self._delay,
            fault.STALL: self._stall,
            fault.HALF_OPEN: self._half_open,
            fault.PARTITION: self._partition,
            fault.REPLAY: self._replay,
            fault.DUPLICATE: self._disorder,
            fault.REORDER: self._disorder,
        }

    async def _cut(self, machine: Machine, planned: Planned) -> None:
        """Between two frames, or at any byte of one."""
        if not (found := self._world.network.open_to(machine.address)):
            return
        connection = self._random.choice(found)
        if self._random.random() < 0.5:
            self._ground.meets(fault.CUT, machine)
            connection.reset()
            return
        pipe, is_cut = self._random.choice((connection.up, connection.down)), trio.Event()

        def on_cut() -> None:
            self._ground.meets(fault.CUT, machine)
            is_cut.set()
            connection.reset()

        pipe.on_cut, pipe.may_be_cut = on_cut, lambda: planned.state in machine.states.now
        pipe.cut_after = self._random.choice((0, 1, 3, self._random.randrange(300), self._random.randrange(3000)))
        with trio.move_on_after(self._random.uniform(*LASTS_S)):
            await is_cut.wait()
            return
        pipe.cut_after = None
        network = self._world.network
        if await self._ground.reach(machine, planned.state, lambda: network.open_to(machine.address)):
            self._ground.meets(fault.CUT, machine)
            self._random.choice(network.open_to(machine.address)).reset()

    async def _delay(self, machine: Machine, _: Planned) -> None:
        network = self._world.network
        if network.open_to(machine.address):
            self._ground.meets(fault.DELAY, machine)
        network.slow.add(machine.address)
        for on in (True, False):
            for connection in network.open_to(machine.address):
                connection.make_slow(on=on)
            if on:
                await self._ground.last()
                network.slow.discard(machine.address)

    async def _stall(self, machine: Machine, _: Planned) -> None:
        if found := self._world.network.open_to(machine.address):
            self._ground.meets(fault.STALL, machine)
            connection = self._random.choice(found)
            pipe = self._random.choice((connection.up, connection.down))
            pipe.stall(on=True)
            await self._ground.last()
            pipe.stall(on=False)

    async def _half_open(self, machine: Machine, _: Planned) -> None:
        """Nobody is told: both ends have to find out by themselves."""
        if found := self._world.network.open_to(machine.address):
            self._ground.meets(fault.HALF_OPEN, machine)
            self._random.choice(found).stall(on=True)
            await trio.sleep(NOTICED_AFTER_S)

    async def _partition(self, machine: Machine, _: Planned) -> None:
        network, random = self._world.network, self._random
        if not (found := network.open_to(machine.address)):
            return
        client = random.choice(found).client
        self._ground.meets(fault.PARTITION, machine)
        network.apart.add((client, machine.address))
        cut_off = [each for each in network.open_to(machine.address) if each.client == client]
        for connection in cut_off:
            connection.stall(on=True)
        await self._ground.last()
        network.apart.discard((client, machine.address))
        for connection in cut_off:
            if random.random() < 0.5:
                connection.reset()
            else:
                connection.stall(on=False)

    async def _replay(self, machine: Machine, planned: Planned) -> None:
        """What was said to this node, or to another one."""

        async def when() -> None:
            await self._ground.reach(machine, planned.state)
            self._ground.meets(fault.REPLAY, machine)

        network = self._world.network
        await self._ground.reach(machine, IDLE, lambda: network.sessions)
        if network.sessions:
            with trio.move_on_after(REPLAYS_S):
                await network.replay(machine.address, self._random.choice(network.sessions), when)

    async def _disorder(self, machine: Machine, planned: Planned) -> None:
        """Until it has happened in this state, everything that the node says is in disorder."""
        happened = trio.Event()

        def strikes() -> None:
            self._ground.meets_once(planned, machine)
            if planned.state in machine.states.now:
                happened.set()

        mine = machine.disorder = Disorder(planned.kind, planned.state, self._random, strikes)
        for _ in range(DISORDERS):
            for _ in range(2):  # so that there are answers to bring out of order
                self._ground.hand_in_again(machine)
            with trio.move_on_after(DISORDER_S):
                await happened.wait()
                break
            self._ground.provoke(machine, planned.state)
            if planned.state != IDLE:
                self._ground.provoke(machine, PAGING)
        if machine.disorder is mine:
            machine.disorder = None
