"""The power is cut under a real router, at a random operation of its disk."""

from __future__ import annotations

from typing import Final

from tests.crash.market import Market
from tests.crash.router_process import SIGKILLED, RouterProcess
from tests.faults.power_cut_router import CUT
from tests.faults.stage import Stage

OPERATIONS: Final = (1, 300)
CUT_WITHIN_S: Final = 15.0


async def power_cut_under_load(stage: Stage) -> None:
    """What was receipted is there after the cut, and the high-water file raises no false alarm."""
    async with (
        RouterProcess(stage.folder, module="tests.faults.power_cut_router") as router,
        stage.market(router) as market,
    ):
        await cut_the_power(stage, router, market)
        await router.start()
        stage.expect("read-only" not in router.facts, "a store that lost nothing was taken for rolled back")


async def cut_the_power(stage: Stage, router: RouterProcess, market: Market) -> None:
    """`stage.times` cuts.  Each ends the process with SIGKILL; a process that ends otherwise is a finding."""
    for number in range(stage.times):
        operation = stage.chance.randint(*OPERATIONS)
        router.environment = {CUT: f"{operation} {number}"}
        with market.fault(f"power cut {number}"):
            await router.begin()
            status = await router.ended(CUT_WITHIN_S)
        if status is None:
            await router.kill()
        what = "did not get so far" if status is None else f"ended with {status} before"
        stage.expect(status == SIGKILLED, f"power cut {number} at operation {operation}: the router {what}")
        stage.count("power cuts under a router", int(status == SIGKILLED))
    router.environment = {}
