"""A fault is counted when it happens, and not when it is set up."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
import trio
from trio.testing import MockClock

from byway.store.sqlite.store import SqliteStore
from tests.simulation.coverage import CANNOT_BE, DISK_ERROR, DISK_FULL, DUPLICATE, REORDER, Pair
from tests.simulation.plan import plan
from tests.simulation.run import simulate
from tests.simulation.states import IDLE, PAGING, VERIFYING, States
from tests.simulation.wires import Pipe
from tests.store.power_loss import Faults


def test_what_expires_in_a_world_is_swept_in_it() -> None:
    assert ("log", "expired", "expired") in simulate(0).trace


async def test_a_pipe_is_cut_only_by_what_is_sent_when_it_may_be(autojump_clock: MockClock) -> None:
    del autojump_clock
    cuts: list[int] = []
    pipe = Pipe("up", Random("cut"), lambda *_: None)  # noqa: S311 - a simulation
    due = False
    pipe.on_cut, pipe.may_be_cut, pipe.cut_after = lambda: cuts.append(len(pipe.sent)), lambda: due, 3
    await pipe.send(b"whole")
    assert not cuts
    due = True
    with pytest.raises(trio.BrokenResourceError):
        await pipe.send(b"broken")
    assert (cuts, bytes(pipe.sent)) == ([8], b"wholebro")


async def test_a_state_is_waited_for_until_there_is_somebody_to_strike(autojump_clock: MockClock) -> None:
    del autojump_clock
    states = States()
    assert await states.reach(IDLE, within_s=1)
    assert not await states.reach(IDLE, within_s=1, ready=lambda: False)
    assert trio.current_time() == pytest.approx(1, abs=0.01)
    assert not await states.reach(PAGING, within_s=1)


async def test_work_that_a_fault_waits_for_takes_longer(autojump_clock: MockClock) -> None:
    del autojump_clock
    states, random = States(), Random("work")  # noqa: S311 - a simulation
    await states.work(VERIFYING, random)
    assert trio.current_time() < 0.1
    with states.held(VERIFYING):
        await states.work(VERIFYING, random)
    assert trio.current_time() > 0.1


def _strikes(kind: str, seeds: int) -> tuple[int, Counter[Pair]]:
    """How many of these faults there were in so many seeds that have one, and what they met."""
    met: Counter[Pair] = Counter()
    chosen = [seed for seed in range(400) if kind in {each.kind for each in plan(seed).faults}][:seeds]
    for seed in chosen:
        met += Counter({pair: count for pair, count in simulate(seed).met.items() if pair[0] == kind})
    return sum(each.kind == kind for seed in chosen for each in plan(seed).faults), met


@pytest.mark.parametrize("kind", [DISK_ERROR, DISK_FULL])
def test_a_disk_that_does_not_fail_is_not_counted(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, met = _strikes(kind, 3)
    assert met
    assert not {state for _, state in met} & {state for one, state in CANNOT_BE if one == kind}
    monkeypatch.setattr(Faults, "__call__", lambda *_: None)
    monkeypatch.setattr(SqliteStore, "_lacks_space", lambda _: None)
    _, unmet = _strikes(kind, 3)
    assert not unmet


@pytest.mark.parametrize("kind", [DUPLICATE, REORDER])
def test_what_nodes_say_is_in_disorder_in_most_seeds_that_plan_it(kind: str) -> None:
    planned, met = _strikes(kind, 3)
    assert met.total() >= planned / 2
