"""Whoever wants to break the promises: waits until a machine is in a state, and does something to it there.

What it does in which seed is in `plan`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from random import Random
from typing import Final

import apsw
import trio

from byway.protocol.limits import PING_AFTER_S, PONG_WITHIN_S
from tests.checker.evidence import Witness
from tests.simulation import coverage as fault
from tests.simulation.coverage import Pair
from tests.simulation.machine import Machine
from tests.simulation.parties import Subscriber
from tests.simulation.parts import WORK_S
from tests.simulation.plan import Plan, Planned
from tests.simulation.states import AWAITING, DELIVERING, PAGING, RECOVERING
from tests.simulation.world import World
from tests.store.power_loss import Faults, healthy

WAITS_S: Final = 1.5  # for its state; then it strikes whatever is
ACK_ON_ITS_WAY_S: Final = 0.02
NOTICED_AFTER_S: Final = PING_AFTER_S + PONG_WITHIN_S + 1
DOWN_S: Final = (0.05, 1.0)
LASTS_S: Final = (0.1, 1.5)

Strike = Callable[[Machine, Planned], Awaitable[None]]


class Nemesis:
    """Carries out a plan, tells its witness, and counts which state each fault met."""

    def __init__(self, world: World, planned: Plan, witness: Witness, met: Counter[Pair]) -> None:
        self._world = world
        self._plan = planned
        self._witness = witness
        self._met = met
        self._random = Random(f"{world.seed} nemesis")  # noqa: S311 - a simulation
        self._strikes: dict[str, Strike] = {
            fault.KILL: self._kill,
            fault.POWER: self._power,
            fault.DISK_ERROR: self._disk_error,
            fault.DISK_FULL: self._disk_full,
            fault.CUT: self._cut,
            fault.DELAY: self._delay,
            fault.STALL: self._stall,
            fault.HALF_OPEN: self._half_open,
            fault.PARTITION: self._partition,
            fault.REPLAY: self._replay,
            fault.RIVAL: self._rival,
            fault.NUDGE: partial(self._clock, self._plan.nudge_ms),
            fault.JUMP: partial(self._clock, self._plan.jump_ms),
            fault.SLOW: self._slow,
            fault.EFFECT: self._effect,
            fault.SUBSCRIBER: self._subscriber,
            fault.PUBLISHER: self._publisher,
        }

    async def run(self) -> None:
        """All faults of the plan; each is over when this returns."""
        async with trio.open_nursery() as nursery:
            for number, planned in enumerate(self._plan.faults):
                nursery.start_soon(self._carry_out, number, planned)

    async def _carry_out(self, number: int, planned: Planned) -> None:
        await trio.sleep(planned.begins_s)
        machine = self._target(planned)
        name = f"{number} {planned.kind} while {planned.state}, at {machine.name}"
        self._witness.note("fault-start", fault=name)
        if planned.state == RECOVERING:
            async with machine.restarting:
                await machine.kill()
                await trio.sleep(self._random.uniform(*DOWN_S))
                await machine.start()
        elif planned.kind != fault.EFFECT:
            await self._provoke(machine, planned.state, self._world.subscribers)
            await machine.states.reach(planned.state, within_s=WAITS_S)
        await self._strikes[planned.kind](machine, planned)
        self._witness.note("fault-stop", fault=name)

    async def _provoke(self, machine: Machine, state: str, subscribers: Sequence[Subscriber]) -> None:
        """Have a state come about that may not come about on its own in time."""
        those = [each for each in subscribers if each.at is machine]
        if state == PAGING and those and not await machine.states.reach(PAGING, within_s=0.3):
            self._random.choice(those).crash(0.01)

    def _target(self, planned: Planned) -> Machine:
        """A machine that can be in this state, and have this done to it."""
        world, random = self._world, self._random
        if planned.kind in (fault.RIVAL, fault.SLOW, fault.EFFECT, fault.SUBSCRIBER, fault.PARTITION):
            return random.choice(world.subscribers).at
        if planned.state in (DELIVERING, AWAITING, PAGING):
            return random.choice(world.carriers)
        return random.choice(world.machines)

    def _meets(self, kind: str, machine: Machine) -> None:
        self._world.note(f"{kind} at {machine.name}, {sorted(machine.states.now)}")
        for state in machine.states.now:
            self._met[kind, state] += 1

    async def _last(self) -> None:
        await trio.sleep(self._random.uniform(*LASTS_S))

    # machines

    async def _kill(self, machine: Machine, _: Planned) -> None:
        if self._random.random() < 0.5:
            await trio.sleep(self._random.uniform(0, 2 * WORK_S[1]))
        if not machine.is_on:  # somebody else has ended it
            return
        self._meets(fault.KILL, machine)
        async with machine.ended(machine.kill):
            await trio.sleep(self._random.uniform(*DOWN_S))

    async def _power(self, machine: Machine, _: Planned) -> None:
        if not machine.is_on:
            return
        if self._random.random() < 0.5:
            self._meets(fault.POWER, machine)
            async with machine.ended(machine.lose_power):
                await trio.sleep(self._random.uniform(*DOWN_S))
            return
        async with machine.ended(partial(self._power_fails_at_disk, machine)):
            await trio.sleep(self._random.uniform(*DOWN_S))

    async def _power_fails_at_disk(self, machine: Machine) -> None:
        gone = machine.lose_power_at(self._random.randrange(1, 12), lambda: self._meets(fault.POWER, machine))
        with trio.move_on_after(2.0):
            await gone.wait()
            return
        self._meets(fault.POWER, machine)
        await machine.lose_power()

    async def _disk_error(self, machine: Machine, _: Planned) -> None:
        if not machine.is_on:
            return
        self._meets(fault.DISK_ERROR, machine)
        operations = self._random.choice((("write",), ("sync",), ("write", "sync", "truncate", "delete"), ("read",)))
        stays = self._random.random() < 0.5
        machine.disk.before = Faults(self._random.randrange(1, 4), operations, stays=stays)
        with trio.move_on_after(1.0):
            await machine.failed.wait()
            await self._last()
        if machine.is_on:
            async with machine.ended(machine.kill):
                await trio.sleep(self._random.uniform(*DOWN_S))

    async def _disk_full(self, machine: Machine, _: Planned) -> None:
        if not machine.is_on:
            return
        self._meets(fault.DISK_FULL, machine)
        disk = machine.disk
        disk.before = Faults(self._random.randrange(1, 4), ("write",), stays=True, error=apsw.FullError)
        await self._last()
        if machine.disk is disk:
            disk.before = healthy

    async def _clock(self, ahead_ms: int, machine: Machine, planned: Planned) -> None:
        self._meets(planned.kind, machine)
        machine.clock_ahead_ms += ahead_ms
        await self._last()
        machine.clock_ahead_ms -= ahead_ms

    # links

    async def _cut(self, machine: Machine, _: Planned) -> None:
        if found := self._world.network.open_to(machine.address):
            self._meets(fault.CUT, machine)
            connection = self._random.choice(found)
            pipe = self._random.choice((connection.up, connection.down))
            pipe.cut_after = self._random.choice((0, 1, 3, self._random.randrange(300), self._random.randrange(3000)))
            await self._last()
            connection.reset()

    async def _delay(self, machine: Machine, _: Planned) -> None:
        self._meets(fault.DELAY, machine)
        network = self._world.network
        network.slow.add(machine.address)
        for on in (True, False):
            for connection in network.open_to(machine.address):
                connection.make_slow(on=on)
            if on:
                await self._last()
                network.slow.discard(machine.address)

    async def _stall(self, machine: Machine, _: Planned) -> None:
        if found := self._world.network.open_to(machine.address):
            self._meets(fault.STALL, machine)
            connection = self._random.choice(found)
            pipe = self._random.choice((connection.up, connection.down))
            pipe.stall(on=True)
            await self._last()
            pipe.stall(on=False)

    async def _half_open(self, machine: Machine, _: Planned) -> None:
        """Nobody is told: both ends have to find out by themselves."""
        if found := self._world.network.open_to(machine.address):
            self._meets(fault.HALF_OPEN, machine)
            self._random.choice(found).stall(on=True)
            await trio.sleep(NOTICED_AFTER_S)

    async def _partition(self, machine: Machine, _: Planned) -> None:
        network, random = self._world.network, self._random
        parties = [each.name for each in self._world.subscribers if each.at is machine]
        client = random.choice([*parties, *(each.name for each in self._world.publishers)])
        self._meets(fault.PARTITION, machine)
        network.apart.add((client, machine.address))
        cut_off = [each for each in network.open_to(machine.address) if each.client == client]
        for connection in cut_off:
            connection.stall(on=True)
        await self._last()
        network.apart.discard((client, machine.address))
        for connection in cut_off:
            if random.random() < 0.5:
                connection.reset()
            else:
                connection.stall(on=False)

    async def _replay(self, machine: Machine, _: Planned) -> None:
        """What was said to this node, or to another one."""
        if said := self._world.network.sessions:
            self._meets(fault.REPLAY, machine)
            with trio.move_on_after(2.0):
                await self._world.network.replay(machine.address, self._random.choice(said))

    # parties

    async def _rival(self, machine: Machine, planned: Planned) -> None:
        """In half of the cases an ack is on its way when the second link is opened, and comes late."""
        subscriber = self._subscriber_of(machine)
        if planned.state != RECOVERING and self._random.random() < 0.5:
            await self._after_an_effect(subscriber)
            await machine.states.reach(planned.state, within_s=ACK_ON_ITS_WAY_S)
        first = [each for each in self._world.network.open_to(machine.address) if each.client == subscriber.name]
        for connection in first:
            connection.up.slow = True
        self._meets(fault.RIVAL, machine)
        subscriber.slow_s = self._random.choice((0.0, 0.3))
        await subscriber.rival()
        subscriber.slow_s = 0.0
        for connection in first:
            connection.up.slow = False

    async def _after_an_effect(self, subscriber: Subscriber) -> None:
        """Wait until the subscriber is about to ack, with a link that is slow from then on."""
        happened = trio.Event()

        async def between() -> None:
            for connection in self._world.network.open_to(subscriber.at.address):
                connection.up.slow = connection.up.slow or connection.client == subscriber.name
            happened.set()
            await trio.lowlevel.checkpoint()

        subscriber.between = between
        with trio.move_on_after(WAITS_S):
            await happened.wait()
        subscriber.between = None

    async def _slow(self, machine: Machine, _: Planned) -> None:
        subscriber = self._subscriber_of(machine)
        self._meets(fault.SLOW, machine)
        subscriber.slow_s = self._random.uniform(0.3, 1.5)
        await trio.sleep(2 * LASTS_S[1])
        subscriber.slow_s = 0.0

    async def _effect(self, machine: Machine, planned: Planned) -> None:
        subscriber, done = self._subscriber_of(machine), trio.Event()

        async def between() -> None:
            done.set()
            others = [each for each in self._world.subscribers if each is not subscriber]
            await self._provoke(machine, planned.state, others)
            await machine.states.reach(planned.state, within_s=1.0)
            self._meets(fault.EFFECT, machine)
            subscriber.crash(self._random.uniform(*DOWN_S))
            await trio.lowlevel.checkpoint()

        subscriber.between = between
        with trio.move_on_after(WAITS_S):
            await done.wait()
            await trio.sleep(DOWN_S[1])
        subscriber.between = None

    async def _subscriber(self, machine: Machine, _: Planned) -> None:
        self._meets(fault.SUBSCRIBER, machine)
        away = self._random.uniform(0.05, 2.5)
        self._subscriber_of(machine).crash(away)
        await trio.sleep(away)

    async def _publisher(self, machine: Machine, _: Planned) -> None:
        self._meets(fault.PUBLISHER, machine)
        publisher, away = self._random.choice(self._world.publishers), self._random.uniform(*DOWN_S)
        publisher.again = self._random.random() < 0.5
        publisher.crash(away)
        await trio.sleep(away)

    def _subscriber_of(self, machine: Machine) -> Subscriber:
        return self._random.choice([each for each in self._world.subscribers if each.at is machine])
