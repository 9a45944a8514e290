"""What every strike of the nemesis needs: the world, its chance, and the count of which state each fault met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final

import trio

from tests.simulation.coverage import Pair
from tests.simulation.machine import Machine
from tests.simulation.plan import Planned
from tests.simulation.states import PAGING
from tests.simulation.subscribers import Subscriber
from tests.simulation.world import World

WAITS_S: Final = 1.5  # for a state; then it strikes whatever is
DOWN_S: Final = (0.05, 1.0)
LASTS_S: Final = (0.1, 1.5)

Strike = Callable[[Machine, Planned], Awaitable[None]]


class Ground:
    """Shared by the nemesis and all its strikes."""

    def __init__(self, world: World, met: Counter[Pair]) -> None:
        self.world = world
        self.random = Random(f"{world.seed} nemesis")  # noqa: S311 - a simulation
        self._met = met

    def meets(self, kind: str, machine: Machine) -> None:
        """This happens to the machine now, in whatever states it is."""
        self.world.note(f"{kind} at {machine.name}, {sorted(machine.states.now)}")
        for state in machine.states.now:
            self._met[kind, state] += 1

    async def last(self) -> None:
        await trio.sleep(self.random.uniform(*LASTS_S))

    async def stay_down(self) -> None:
        await trio.sleep(self.random.uniform(*DOWN_S))

    async def provoke(self, machine: Machine, state: str, subscribers: Sequence[Subscriber]) -> None:
        """Have a state come about that may not come about on its own in time."""
        those = [each for each in subscribers if each.at is machine]
        if state == PAGING and those and not await machine.states.reach(PAGING, within_s=0.3):
            self.random.choice(those).crash(0.01)

    def subscriber_of(self, machine: Machine) -> Subscriber:
        return self.random.choice([each for each in self.world.subscribers if each.at is machine])
