"""A router that is killed, at any moment and at named points; and one that is only stopped for a while."""

from __future__ import annotations

from typing import Final

import trio

from tests.crash.market import Market
from tests.crash.router_process import RouterProcess
from tests.faults.kill_points import AT, POINTS, RARE, WHEN
from tests.faults.stage import Stage

LOAD: Final = (0, 100)  # receipts from ready to the kill, as far as they come within LOAD_WITHIN_S
LOAD_WITHIN_S: Final = 1.0
MOMENT_S: Final = (0.0, 0.05)  # and that little later
HASTE: Final = 0.2  # so often it is not waited for ready
HASTE_S: Final = (0.0, 1.5)
REACHED_WITHIN_S: Final = 20.0
SIGKILLED: Final = -9


async def killed_at_any_moment(stage: Stage) -> None:
    """SIGKILL under load, or while it starts; then the next process."""
    chance = stage.chance
    async with RouterProcess(stage.folder) as router, stage.market(router) as market:
        for number in range(stage.times):
            with market.fault(f"kill {number}"):
                await router.begin()
                if chance.random() < HASTE:
                    await trio.sleep(chance.uniform(*HASTE_S))
                else:
                    await router.ready()
                    await market.load(chance.randint(*LOAD), LOAD_WITHIN_S)
                    await trio.sleep(chance.uniform(*MOMENT_S))
                await router.kill()
            stage.count("kills")
        await router.start()


async def killed_at_named_points(stage: Stage) -> None:
    """Each point in turn, reached for the first to the fifth time; a point that is never reached is a finding."""
    async with RouterProcess(stage.folder, module="tests.faults.kill_points") as router, stage.market(router) as market:
        await reach_points(stage, router, market)
        router.module, router.environment = "byway", {}
        await router.start()


async def reach_points(stage: Stage, router: RouterProcess, market: Market) -> None:
    """Have the router killed at `stage.times` points."""
    order = [*POINTS]
    stage.chance.shuffle(order)
    for number in range(stage.times):
        point = order[number % len(order)]
        when = 1 if point.split()[-1] in RARE else stage.chance.randint(1, 5)
        router.environment = {AT: point, WHEN: str(when)}
        with market.fault(f"{number}: {point}, {when}"):
            await router.begin()
            status = await router.ended(REACHED_WITHIN_S)
        stage.expect(status == SIGKILLED, f"the process did not die of it: {point}, {when}")
        if status is None:
            await router.kill()
        stage.count("kills at named points")


async def stopped_for_a_while(stage: Stage) -> None:
    """SIGSTOP under load and SIGCONT later, beyond the time after which what is not acked is sent again."""
    chance = stage.chance
    async with RouterProcess(stage.folder) as router:
        await router.start()
        async with stage.market(router) as market:
            for number in range(stage.times):
                await market.load(chance.randint(*LOAD), LOAD_WITHIN_S)
                with market.fault(f"pause {number}"):
                    router.pause()
                    await trio.sleep(chance.choice([0.2, 1.0, 3.0, 12.0 if number else 0.5]))
                    router.go_on()
                stage.count("pauses")
