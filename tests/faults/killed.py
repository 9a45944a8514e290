"""A router that is killed, at any moment and at named points; and one that is only stopped for a while."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

import trio

from byway.protocol.limits import ACK_TIMEOUT_S, PING_AFTER_S, PONG_WITHIN_S
from tests.crash.market import Market
from tests.crash.parties import seeded
from tests.crash.router_process import SIGKILLED, RouterProcess
from tests.faults.kill_points import AT, POINTS, RARE, WHEN
from tests.faults.stage import Stage

LOAD: Final = (0, 100)  # receipts from ready to the kill, as far as they come within LOAD_WITHIN_S
LOAD_WITHIN_S: Final = 1.0
MOMENT_S: Final = (0.0, 0.05)  # and that little later
HASTE: Final = 0.2  # so often it is not waited for ready
HASTE_S: Final = (0.0, 1.5)
REACHED_WITHIN_S: Final = 20.0
PAUSES_S: Final = (0.2, 1.0, 3.0, 12.0)
SERVES_AGAIN_WITHIN_S: Final = 10.0
AFTER_ACKS_S: Final = ACK_TIMEOUT_S + 5
AFTER_LINKS_S: Final = PING_AFTER_S + PONG_WITHIN_S + 5


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
                status = await router.kill()
            expect_killed(stage, status, number)
        await router.start()


def expect_killed(stage: Stage, status: int, number: int) -> None:
    """Count a kill.  A router that had ended before of itself, with another status, is none, and is a finding."""
    stage.expect(status == SIGKILLED, f"the router had ended with {status} before kill {number}")
    stage.count("kills", int(status == SIGKILLED))


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
        stage.count("kills at named points", int(status == SIGKILLED))


async def stopped_for_a_while(stage: Stage) -> None:
    """SIGSTOP under load and SIGCONT later: for some moments, and beside that, other routers, for longer than what is
    not acked is waited for, and for longer than a silent link is kept."""
    async with trio.open_nursery() as nursery:
        for pauses in ([AFTER_ACKS_S], [AFTER_LINKS_S], [stage.chance.choice(PAUSES_S) for _ in range(stage.times)]):
            nursery.start_soon(
                _pause, stage, stage.place(f"router-{max(pauses)}"), seeded(stage.chance.random()), pauses
            )


async def _pause(stage: Stage, place: Path, chance: Random, pauses: Sequence[float]) -> None:
    async with RouterProcess(place) as router:
        await router.start()
        async with stage.market(router) as market:
            for number, pause in enumerate(pauses):
                await market.load(chance.randint(*LOAD), LOAD_WITHIN_S)
                lost = market.tallying.began_again
                await market.pause(router, pause, f"pause {number}, {pause} s")
                if pause == AFTER_LINKS_S:
                    stage.expect(market.tallying.began_again > lost, f"nobody gave up a link in {pause} s")
                stage.count("pauses")
            stage.expect(await market.load(1, SERVES_AGAIN_WITHIN_S) > 0, "nobody was served after a pause")
