"""Strikes at links: what is said on them is late, cut, held up, not heard, or said again."""

from __future__ import annotations

from typing import Final

import trio

from byway.protocol.limits import PING_AFTER_S, PONG_WITHIN_S
from tests.simulation import coverage as fault
from tests.simulation.ground import Ground, Strike
from tests.simulation.machine import Machine
from tests.simulation.plan import Planned

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
        }

    async def _cut(self, machine: Machine, _: Planned) -> None:
        if found := self._world.network.open_to(machine.address):
            self._ground.meets(fault.CUT, machine)
            connection = self._random.choice(found)
            pipe = self._random.choice((connection.up, connection.down))
            pipe.cut_after = self._random.choice((0, 1, 3, self._random.randrange(300), self._random.randrange(3000)))
            await self._ground.last()
            connection.reset()

    async def _delay(self, machine: Machine, _: Planned) -> None:
        self._ground.meets(fault.DELAY, machine)
        network = self._world.network
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
        parties = [each.name for each in self._world.subscribers if each.at is machine]
        client = random.choice([*parties, *(each.name for each in self._world.publishers)])
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

    async def _replay(self, machine: Machine, _: Planned) -> None:
        """What was said to this node, or to another one."""
        if said := self._world.network.sessions:
            self._ground.meets(fault.REPLAY, machine)
            with trio.move_on_after(2.0):
                await self._world.network.replay(machine.address, self._random.choice(said))
