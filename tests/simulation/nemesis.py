"""Whoever wants to break the promises: waits until a machine is in a state, and does something to it there.

What it does in which seed is in `plan`; how it is done is in `strikes_at_machines`, `_links` and `_parties`.
"""

from __future__ import annotations

from collections import Counter
from functools import partial

import trio

from tests.checker.evidence import Witness
from tests.simulation import coverage as fault
from tests.simulation.coverage import Pair
from tests.simulation.ground import Ground
from tests.simulation.machine import Machine
from tests.simulation.plan import Plan, Planned
from tests.simulation.states import AWAITING, DELIVERING, PAGING, RECOVERING, SWEEPING
from tests.simulation.strikes_at_links import LinkStrikes
from tests.simulation.strikes_at_machines import MachineStrikes
from tests.simulation.strikes_at_parties import PartyStrikes
from tests.simulation.world import World

AT_SUBSCRIBERS = (
    fault.RIVAL,
    fault.SLOW,
    fault.EFFECT,
    fault.SUBSCRIBER,
    fault.PARTITION,
    fault.DUPLICATE,
    fault.REORDER,
)
AT_CARRIERS = (fault.CUT, fault.DELAY, fault.STALL, fault.HALF_OPEN, fault.REPLAY, fault.BUSY, fault.PUBLISHER)
AT_DISKS = (fault.DISK_ERROR, fault.DISK_FULL)
AT_LINKS = (fault.CUT, fault.DELAY, fault.STALL, fault.HALF_OPEN, fault.PARTITION)
WAIT_THEMSELVES = (fault.EFFECT, fault.SLOW, fault.REPLAY, fault.BUSY, fault.DUPLICATE, fault.REORDER)


class Nemesis:
    """Carries out a plan, tells its witness, and counts which state each fault met."""

    def __init__(self, world: World, planned: Plan, witness: Witness, met: Counter[Pair]) -> None:
        self._plan = planned
        self._witness = witness
        self._ground = ground = Ground(world, met)
        groups = (MachineStrikes(ground, planned), LinkStrikes(ground), PartyStrikes(ground))
        self._strikes = {kind: strike for group in groups for kind, strike in group.strikes.items()}

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
            if planned.kind == fault.PUBLISHER:
                self._ground.hand_in_again(machine)
            async with machine.restarting:
                await machine.kill()
                await self._ground.stay_down()
                await machine.start()
            await self._strikes[planned.kind](machine, planned)
        else:
            with machine.states.held(planned.state):
                if planned.kind not in WAIT_THEMSELVES:
                    ready = partial(self._is_ready, machine, planned.kind)
                    await self._ground.reach(machine, planned.state, ready, at_work=planned.kind == fault.PUBLISHER)
                await self._strikes[planned.kind](machine, planned)
        self._witness.note("fault-stop", fault=name)

    def _is_ready(self, machine: Machine, kind: str) -> bool:
        """Whether there is somebody to whom this can be done."""
        if kind in AT_LINKS:
            return bool(self._ground.world.network.open_to(machine.address))
        if kind == fault.PUBLISHER:
            return any(each.is_at_work_at(machine) for each in self._ground.world.publishers)
        if kind in (fault.RIVAL, fault.SUBSCRIBER):
            return any(self._ground.linked(machine))
        return True

    def _target(self, planned: Planned) -> Machine:
        """A machine that can be in this state, and have this done to it."""
        world, random = self._ground.world, self._ground.random
        if planned.kind in AT_SUBSCRIBERS:
            return random.choice(world.subscribers).at
        if planned.kind in AT_DISKS and planned.state == SWEEPING:  # only wishes are short enough to be swept
            return random.choice(world.routers)
        if planned.kind in AT_CARRIERS or planned.state in (DELIVERING, AWAITING, PAGING):
            return random.choice(world.carriers)
        return random.choice(world.machines)
