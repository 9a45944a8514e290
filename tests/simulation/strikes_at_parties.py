"""Strikes at publishers and subscribers: they crash, are slow, or are there twice."""

from __future__ import annotations

from typing import Final

import trio

from tests.simulation import coverage as fault
from tests.simulation.ground import DOWN_S, LASTS_S, WAITS_S, Ground, Strike
from tests.simulation.machine import Machine
from tests.simulation.plan import Planned
from tests.simulation.states import RECOVERING
from tests.simulation.subscribers import Subscriber

ACK_ON_ITS_WAY_S: Final = 0.02


class PartyStrikes:
    """`strikes` has one for each kind of fault."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._world = ground.world
        self._random = ground.random
        self.strikes: dict[str, Strike] = {
            fault.RIVAL: self._rival,
            fault.SLOW: self._slow,
            fault.EFFECT: self._effect,
            fault.SUBSCRIBER: self._subscriber,
            fault.PUBLISHER: self._publisher,
        }

    async def _rival(self, machine: Machine, planned: Planned) -> None:
        """In half of the cases an ack is on its way when the second link is opened, and comes late."""
        subscriber = self._ground.subscriber_of(machine)
        if planned.state != RECOVERING and self._random.random() < 0.5:
            await self._after_an_effect(subscriber)
            await machine.states.reach(planned.state, within_s=ACK_ON_ITS_WAY_S)
        first = [each for each in self._world.network.open_to(machine.address) if each.client == subscriber.name]
        for connection in first:
            connection.up.slow = True
        self._ground.meets(fault.RIVAL, machine)
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
        subscriber = self._ground.subscriber_of(machine)
        self._ground.meets(fault.SLOW, machine)
        subscriber.slow_s = self._random.uniform(0.3, 1.5)
        await trio.sleep(2 * LASTS_S[1])
        subscriber.slow_s = 0.0

    async def _effect(self, machine: Machine, planned: Planned) -> None:
        subscriber, done = self._ground.subscriber_of(machine), trio.Event()

        async def between() -> None:
            done.set()
            others = [each for each in self._world.subscribers if each is not subscriber]
            await self._ground.provoke(machine, planned.state, others)
            await machine.states.reach(planned.state, within_s=1.0)
            self._ground.meets(fault.EFFECT, machine)
            subscriber.crash(self._random.uniform(*DOWN_S))
            await trio.lowlevel.checkpoint()

        subscriber.between = between
        with trio.move_on_after(WAITS_S):
            await done.wait()
            await trio.sleep(DOWN_S[1])
        subscriber.between = None

    async def _subscriber(self, machine: Machine, _: Planned) -> None:
        self._ground.meets(fault.SUBSCRIBER, machine)
        away = self._random.uniform(0.05, 2.5)
        self._ground.subscriber_of(machine).crash(away)
        await trio.sleep(away)

    async def _publisher(self, machine: Machine, _: Planned) -> None:
        self._ground.meets(fault.PUBLISHER, machine)
        publisher, away = (
            self._random.choice(self._world.publishers),
            self._random.uniform(*DOWN_S),
        )
        publisher.again = self._random.random() < 0.5
        publisher.crash(away)
        await trio.sleep(away)
