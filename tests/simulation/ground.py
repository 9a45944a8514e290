"""What every strike of the nemesis needs: the world, its chance, and the count of which state each fault met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

import trio

from tests.simulation.coverage import Pair
from tests.simulation.machine import Machine
from tests.simulation.plan import Planned
from tests.simulation.states import COMMITTED, COMMITTING, PAGING, RECOVERING, VERIFYING
from tests.simulation.subscribers import Subscriber
from tests.simulation.world import World

WAITS_S: Final = 1.5  # for a state; then it strikes whatever is
DOWN_S: Final = (0.05, 1.0)
LASTS_S: Final = (0.1, 1.5)

PROVOKES_AFTER_S: Final = 0.3

Strike = Callable[[Machine, Planned], Awaitable[None]]


class Ground:
    """Shared by the nemesis and all its strikes."""

    def __init__(self, world: World, met: Counter[Pair]) -> None:
        self.world = world
        self.random = Random(f"{world.seed} nemesis")  # noqa: S311 - a simulation
        self._met = met
        self._once: set[tuple[Planned, bool]] = set()

    def meets(self, kind: str, machine: Machine) -> None:
        """This happens to the machine now, in whatever states it is."""
        if not machine.lives:
            return
        self.world.note(f"{kind} at {machine.name}, {sorted(machine.states.now)}")
        for state in machine.states.now:
            self._met[kind, state] += 1

    def meets_once(self, planned: Planned, machine: Machine) -> None:
        """As `meets`, of what happens many times: only the first of each fault counts, and the first as planned."""
        as_planned = planned.state in machine.states.now
        if (planned, as_planned) not in self._once and (planned, True) not in self._once:
            self._once.add((planned, as_planned))
            self.meets(planned.kind, machine)

    async def last(self) -> None:
        await trio.sleep(self.random.uniform(*LASTS_S))

    async def stay_down(self) -> None:
        await trio.sleep(self.random.uniform(*DOWN_S))

    async def reach(
        self,
        machine: Machine,
        state: str,
        ready: Callable[[], object] = lambda: True,
        *,
        but: Subscriber | None = None,
        at_work: bool = False,
    ) -> bool:
        """Wait for a state, in which `ready` is so too; if it does not come on its own, have it come about.

        Work of this kind takes long in the meantime.  `but` is not made to come again for that; with
        `at_work`, somebody hands in meanwhile.
        """

        def is_ready() -> bool:
            return machine.lives and bool(ready())

        if state == RECOVERING:
            return await machine.states.reach(state, within_s=0.0, ready=is_ready)
        until = trio.current_time() + WAITS_S
        while (left := until - trio.current_time()) > 0:
            if await machine.states.reach(state, within_s=min(left, PROVOKES_AFTER_S), ready=is_ready):
                return True
            self.provoke(machine, state, but=but)
            if at_work:
                self.hand_in_again(machine)
        return False

    def provoke(self, machine: Machine, state: str, *, but: Subscriber | None = None) -> None:
        """Have somebody ask for what a machine does in a state."""
        there = [each for each in self.world.subscribers if each.at is machine and each.lives and each is not but]
        if state in (PAGING, COMMITTING, COMMITTED) and there:
            self.random.choice(there).crash(0.01)
        if state == VERIFYING:
            self.hand_in_again(machine)

    def hand_in_again(self, machine: Machine) -> None:
        """Somebody hands in what this machine was handed before."""
        if there := [each for each in self.world.publishers if each.has_used(machine)]:
            self.random.choice(there).hand_in_again(machine)

    def hand_in_new(self, machine: Machine) -> None:
        """Somebody hands in what nobody has handed in before, if this machine takes wishes."""
        if machine in self.world.routers:
            self.world.hand_in_new(machine)

    def linked(self, machine: Machine) -> list[Subscriber]:
        """The subscribers that have a link to it."""
        clients = {each.client for each in self.world.network.open_to(machine.address)}
        return [each for each in self.world.subscribers if each.at is machine and each.lives and each.name in clients]

    def subscriber_of(self, machine: Machine) -> Subscriber:
        return self.random.choice([each for each in self.world.subscribers if each.at is machine])
