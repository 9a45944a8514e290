"""Strikes at a machine: its process, its power, its disk and its clock."""

from __future__ import annotations

from functools import partial
from typing import Final

import apsw
import trio

from byway.router.allowance import Allowance, AllowanceLimits
from tests.simulation import coverage as fault
from tests.simulation.ground import Ground, Strike
from tests.simulation.machine import Machine
from tests.simulation.parts import WORK_S
from tests.simulation.plan import Plan, Planned
from tests.simulation.states import RECOVERING
from tests.store.power_loss import Faults, healthy

FEW_PER_S: Final = 2.0


class MachineStrikes:
    """`strikes` has one for each kind of fault."""

    def __init__(self, ground: Ground, planned: Plan) -> None:
        self._ground = ground
        self._random = ground.random
        self.strikes: dict[str, Strike] = {
            fault.KILL: self._kill,
            fault.POWER: self._power,
            fault.DISK_ERROR: self._disk_error,
            fault.DISK_FULL: self._disk_full,
            fault.NUDGE: partial(self._clock, planned.nudge_ms),
            fault.JUMP: partial(self._clock, planned.jump_ms),
            fault.BUSY: self._busy,
        }

    async def _kill(self, machine: Machine, _: Planned) -> None:
        if self._random.random() < 0.5:
            await trio.sleep(self._random.uniform(0, 2 * WORK_S[1]))
        if not machine.is_on:  # somebody else has ended it
            return
        self._ground.meets(fault.KILL, machine)
        async with machine.ended(machine.kill):
            await self._ground.stay_down()

    async def _power(self, machine: Machine, _: Planned) -> None:
        if not machine.is_on:
            return
        if self._random.random() < 0.5:
            self._ground.meets(fault.POWER, machine)
            async with machine.ended(machine.lose_power):
                await self._ground.stay_down()
            return
        async with machine.ended(partial(self._power_fails_at_disk, machine)):
            await self._ground.stay_down()

    async def _power_fails_at_disk(self, machine: Machine) -> None:
        gone = machine.lose_power_at(self._random.randrange(1, 12), lambda: self._ground.meets(fault.POWER, machine))
        with trio.move_on_after(2.0):
            await gone.wait()
            return
        self._ground.meets(fault.POWER, machine)
        await machine.lose_power()

    async def _disk_error(self, machine: Machine, _: Planned) -> None:
        if not machine.is_on:
            return
        self._ground.meets(fault.DISK_ERROR, machine)
        operations = self._random.choice((("write",), ("sync",), ("write", "sync", "truncate", "delete"), ("read",)))
        stays = self._random.random() < 0.5
        machine.disk.before = Faults(self._random.randrange(1, 4), operations, stays=stays)
        with trio.move_on_after(1.0):
            await machine.calls.failed.wait()
            await self._ground.last()
        if machine.is_on:
            async with machine.ended(machine.kill):
                await self._ground.stay_down()

    async def _disk_full(self, machine: Machine, _: Planned) -> None:
        if not machine.is_on:
            return
        self._ground.meets(fault.DISK_FULL, machine)
        if self._random.random() < 0.5:  # it notices in time
            machine.lack_space(on=True)
            await self._ground.last()
            machine.lack_space(on=False)
            return
        disk = machine.disk
        disk.before = Faults(self._random.randrange(1, 4), ("write",), stays=True, error=apsw.FullError)
        await self._ground.last()
        if machine.disk is disk:
            disk.before = healthy

    async def _clock(self, ahead_ms: int, machine: Machine, planned: Planned) -> None:
        self._ground.meets(planned.kind, machine)
        machine.clock_ahead_ms += ahead_ms
        await self._ground.last()
        machine.clock_ahead_ms -= ahead_ms

    async def _busy(self, machine: Machine, _: Planned) -> None:
        """It takes a few statements in a second, and asks for stamps beside the others."""
        if not machine.is_on or RECOVERING in machine.states.now:
            return
        self._ground.meets(fault.BUSY, machine)
        entrance = machine.router._intake._entrance
        before, entrance._allowance = entrance._allowance, Allowance(AllowanceLimits(prefix_statements_per_s=FEW_PER_S))
        await self._ground.last()
        entrance._allowance = before
