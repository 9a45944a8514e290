"""Strikes at a machine: its process, its power, its disk and its clock."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import apsw
import trio

from byway.router.allowance import Allowance, AllowanceLimits
from tests.simulation import coverage as fault
from tests.simulation.ground import WAITS_S, Ground, Strike
from tests.simulation.machine import Machine
from tests.simulation.plan import Plan, Planned
from tests.simulation.states import AWAITING, COMMITTING, PAGING, RECOVERING, SWEEPING, WORK_S
from tests.store.power_loss import Faults, healthy

FEW_PER_S: Final = 2.0
TRIES: Final = 4
NOTICES: Final = {RECOVERING: 0.0, COMMITTING: 0.5}  # of all nodes, by state
TRY_S: Final = 0.5
OPERATIONS: Final = (("write",), ("sync",), ("write", "sync", "truncate", "delete"), ("read",))
ASKED: Final = {PAGING: (("read",),), SWEEPING: OPERATIONS[:3]}  # of the disk, in states that ask little of it


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

    async def _power(self, machine: Machine, planned: Planned) -> None:
        if not machine.is_on:
            return
        if self._random.random() < (0.5 if planned.state in (RECOVERING, COMMITTING) else 0.85):
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

    async def _disk_error(self, machine: Machine, planned: Planned) -> None:
        if not machine.is_on:
            return
        operations = self._random.choice(ASKED.get(planned.state, OPERATIONS))
        faults = Faults(self._number(planned), operations, stays=self._random.random() < 0.5)
        await self._fails(machine, planned, faults)
        with trio.move_on_after(WAITS_S):
            await machine.calls.failed.wait()
            await self._ground.last()
        if machine.is_on:
            async with machine.ended(machine.kill):
                await self._ground.stay_down()

    async def _disk_full(self, machine: Machine, planned: Planned) -> None:
        if not machine.is_on:
            return
        if self._random.random() < NOTICES.get(planned.state, 0.2):  # it notices in time
            machine.calls.on_full = partial(self._ground.meets_once, planned, machine)
            machine.lack_space(on=True)
            await self._ground.last()
            machine.lack_space(on=False)
            machine.calls.on_full = lambda: None
            return
        disk = machine.disk
        faults = Faults(self._number(planned), ("write",), stays=True, error=apsw.FullError)
        await self._fails(machine, planned, faults)
        await self._ground.last()
        if machine.disk is disk:
            disk.before = healthy

    def _number(self, planned: Planned) -> int:
        """Which of the operations fails: the first, where a state has few."""
        return 1 if planned.state in ASKED else self._random.randrange(1, 4)

    async def _fails(self, machine: Machine, planned: Planned, faults: Faults) -> None:
        """Have the disk fail once it is used in this state; if it is not in time, in any."""
        disk, struck, any_state = machine.disk, trio.Event(), False

        def before(operation: str, name: str) -> None:
            if not (any_state or struck.is_set() or planned.state in machine.states.now):
                return
            try:
                faults(operation, name)
            except apsw.Error:
                if not struck.is_set():
                    self._ground.meets(planned.kind, machine)
                    struck.set()
                raise

        disk.before = before
        linked = self._ground.linked(machine) if planned.state == AWAITING else []
        keeps = self._random.choice(linked) if linked else None
        if keeps:
            keeps.slow_s = TRY_S
        for _ in range(TRIES):
            if planned.state == PAGING:
                await self._ground.reach(machine, planned.state)
                machine.forget_pages()
            elif planned.state != RECOVERING:
                self._ground.provoke(machine, planned.state)
                self._ground.provoke(machine, COMMITTING, but=keeps)
            with trio.move_on_after(TRY_S):
                await struck.wait()
                break
        any_state = True
        if keeps:
            keeps.slow_s = 0.0

    async def _clock(self, ahead_ms: int, machine: Machine, planned: Planned) -> None:
        self._ground.meets(planned.kind, machine)
        machine.clock_ahead_ms += ahead_ms
        await self._ground.last()
        machine.clock_ahead_ms -= ahead_ms

    async def _busy(self, machine: Machine, planned: Planned) -> None:
        """It takes a few statements in a second, and asks for stamps beside the others."""
        if not machine.is_on or RECOVERING in machine.states.now:
            return
        struck = trio.Event()

        def strikes() -> None:
            self._ground.meets_once(planned, machine)
            if planned.state in machine.states.now:
                struck.set()

        entrance = machine.router._intake._entrance
        before, entrance._allowance = entrance._allowance, _UsedUp(strikes)
        machine.submits_wait_for = planned.state
        for _ in range(TRIES):
            self._ground.hand_in_again(machine)
            self._ground.provoke(machine, planned.state)
            with trio.move_on_after(TRY_S):
                await struck.wait()
                break
        machine.submits_wait_for = None
        await self._ground.last()
        entrance._allowance = before


class _UsedUp(Allowance):
    """Who comes from anywhere has used up what it had; `strikes` is told of each that has to wait."""

    def __init__(self, strikes: Callable[[], None]) -> None:
        super().__init__(AllowanceLimits(prefix_statements_per_s=FEW_PER_S))
        self._strikes = strikes
        self._known: set[str] = set()

    def charge(self, peer: bytes, prefix: str, statements: int, now: float) -> float:
        if prefix not in self._known:
            self._known.add(prefix)
            self._prefixes.spend(prefix, now, 2 * FEW_PER_S)
        wait = super().charge(peer, prefix, statements, now)
        if wait:
            self._strikes()
        return wait
