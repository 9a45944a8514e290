"""Strikes at publishers and subscribers: they crash, are slow, or are there twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import trio

from byway.link.subscription import ACK_EVERY_S
from tests.simulation import coverage as fault
from tests.simulation.ground import DOWN_S, LASTS_S, WAITS_S, Ground, Strike
from tests.simulation.machine import Machine
from tests.simulation.plan import Planned
from tests.simulation.subscribers import Subscriber
from tests.simulation.wires import Connection

IN_HAND_WITHIN_S: Final = 4.0
ACK_HELD: Final = 0.7  # of all second links are opened while an ack is on its way
BEGUN_WITHIN_S: Final = 0.1
HELD_S: Final = 0.3  # so long a delivery is in hand beside a rival


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
        """In most cases an ack is on its way when the second link is opened, and comes late."""
        linked = self._ground.linked(machine)
        subscriber = self._random.choice(linked) if linked else self._ground.subscriber_of(machine)
        held: list[Connection] = []
        if self._random.random() < ACK_HELD:
            subscriber, held = await self._hold_an_ack(linked) or (subscriber, held)
            await self._ground.reach(machine, planned.state, but=subscriber)
        first = self._links_of(subscriber)
        for connection in first:
            connection.up.slow = True
        if first:
            self._ground.meets(fault.RIVAL, machine)
        subscriber.slow_s = HELD_S if held else self._random.choice((0.0, HELD_S))
        subscriber.in_hand = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._beside, subscriber, held)
            await subscriber.rival()
        subscriber.slow_s = 0.0
        for connection in first:
            connection.up.slow = False

    async def _hold_an_ack(self, subscribers: Sequence[Subscriber]) -> tuple[Subscriber, list[Connection]] | None:
        """The first of them to ack, and its links, on which the ack waits to be let go; None if none acks in time."""
        held: dict[Subscriber, list[Connection]] = {}
        is_held = trio.Event()

        async def hold_the_first(subscriber: Subscriber) -> None:
            await trio.lowlevel.checkpoint()
            if held:
                return
            held[subscriber] = self._links_of(subscriber)
            for connection in held[subscriber]:
                connection.up.stall(on=True)
            is_held.set()

        before_ack = {each: partial(hold_the_first, each) for each in subscribers if each.between is None}
        for subscriber, hold in before_ack.items():
            subscriber.between = hold
        with trio.move_on_after(WAITS_S):
            await is_held.wait()
            await trio.sleep(ACK_EVERY_S)  # by then the ack has been said
        for subscriber, hold in before_ack.items():
            if subscriber.between is hold:  # it did not ack, and no other strike waits for that
                subscriber.between = None
        return next(iter(held.items()), None)

    async def _beside(self, subscriber: Subscriber, held: Sequence[Connection]) -> None:
        """An ack that was held comes while the same is in hand again, in a later epoch; and somebody has a new wish."""
        with trio.move_on_after(WAITS_S if held else BEGUN_WITHIN_S):
            await subscriber.in_hand.wait()
        for connection in held:
            connection.up.stall(on=False)
        self._ground.hand_in_new(subscriber.at)
        await trio.sleep(HELD_S)

    def _links_of(self, subscriber: Subscriber) -> list[Connection]:
        connections = self._world.network.open_to(subscriber.at.address)
        return [connection for connection in connections if connection.client == subscriber.name]

    async def _slow(self, machine: Machine, planned: Planned) -> None:
        subscriber = self._ground.subscriber_of(machine)

        async def slow() -> None:
            self._ground.meets(fault.SLOW, machine)
            subscriber.slow_s = self._random.uniform(0.3, 1.5)
            await trio.sleep(subscriber.slow_s)

        if await self._in_hand(subscriber, planned, slow):
            await trio.sleep(2 * LASTS_S[1])
        subscriber.slow_s = 0.0

    async def _effect(self, machine: Machine, planned: Planned) -> None:
        subscriber = self._ground.subscriber_of(machine)

        async def crash() -> None:
            self._ground.meets(fault.EFFECT, machine)
            subscriber.crash(self._random.uniform(*DOWN_S))
            await trio.lowlevel.checkpoint()

        await self._in_hand(subscriber, planned, crash)

    async def _in_hand(self, subscriber: Subscriber, planned: Planned, then: Callable[[], Awaitable[None]]) -> bool:
        """What happens while a subscriber has something in hand, and its node is in a state; False if it has none."""
        done = trio.Event()

        async def between() -> None:
            done.set()
            await self._ground.reach(
                subscriber.at, planned.state, lambda: subscriber in self._linked(subscriber), but=subscriber
            )
            if subscriber in self._linked(subscriber):
                await then()

        subscriber.between = between
        with trio.move_on_after(IN_HAND_WITHIN_S):
            await done.wait()
            await trio.sleep(WAITS_S)
        subscriber.between = None
        return done.is_set()

    def _linked(self, subscriber: Subscriber) -> list[Subscriber]:
        return self._ground.linked(subscriber.at)

    async def _subscriber(self, machine: Machine, _: Planned) -> None:
        alive = [each for each in self._world.subscribers if each.at is machine and each.lives]
        if not alive:
            return
        self._ground.meets(fault.SUBSCRIBER, machine)
        away = self._random.uniform(0.05, 2.5)
        self._random.choice(alive).crash(away)
        await trio.sleep(away)

    async def _publisher(self, machine: Machine, _: Planned) -> None:
        """One that has something to hand in there, or waits for the answer."""
        if not (at_work := [each for each in self._world.publishers if each.is_at_work_at(machine)]):
            return
        self._ground.meets(fault.PUBLISHER, machine)
        publisher, away = self._random.choice(at_work), self._random.uniform(*DOWN_S)
        publisher.again = self._random.random() < 0.5
        publisher.crash(away)
        await trio.sleep(away)
