"""The wall clock of a running router jumps: nothing is lost by it, and nothing is handed on that has expired."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio

from tests.crash.router_process import RouterProcess
from tests.faults.stage import NotPossible, Stage

REMARK: Final = "`time.sleep` of `thread_turns` is `select` here: libfaketime does not stand sleeps of a microsecond"
LIBRARY: Final = "faketime/libfaketime.so.1"
JUMPS_S: Final = (3_700, -3_700, 400 * 86_400, -400 * 86_400, 7_200)
STAYS_S: Final = 2.0
LOOKS: Final = 100
LOOK_EVERY_S: Final = 0.1
SKEW_MS: Final = 3_000  # a node that starts beside a wrong clock knows how long it was off


async def the_clock_jumps(stage: Stage) -> None:
    """An hour and 400 days, forth and back, while the router runs and while it does not."""
    preload = _library()
    stage.outcome.remarks.append(REMARK)
    offset = stage.folder / "offset"
    offset.write_text("+0")
    async with RouterProcess(stage.folder, module="tests.faults.jumping_router") as router:
        router.environment = {
            "LD_PRELOAD": str(preload),
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        await router.start()
        async with stage.market(router, skew_ms=SKEW_MS) as market:
            for number in range(stage.times):
                jump = JUMPS_S[number % len(JUMPS_S)]
                await market.load(20, 4.0)
                with market.fault(f"{number}: the clock jumps by {jump} s"):
                    async with _told(stage, router, "clock_jumped", f"a jump by {jump} s"):
                        offset.write_text(f"{jump:+d}")
                    await trio.sleep(STAYS_S)
                    if number % 2:
                        await router.kill()
                        await router.start()
                    await market.load(20, 4.0)
                    async with _told(stage, router, "clock_believed", f"the end of a jump by {jump} s"):
                        offset.write_text("+0")


@asynccontextmanager
async def _told(stage: Stage, router: RouterProcess, event: str, what: str) -> AsyncGenerator[None]:
    """What happens inside is told in the log, soon after."""
    before = router.errors().count(event)
    yield
    for _ in range(LOOKS):
        if router.errors().count(event) > before:
            break
        await trio.sleep(LOOK_EVERY_S)
    stage.expect(router.errors().count(event) > before, f"{what} was not told")


def _library() -> Path:
    for folder in (Path("/usr/lib"), Path("/usr/local/lib"), *Path("/usr/lib").glob("*-linux-gnu*")):
        if (folder / LIBRARY).exists():
            return folder / LIBRARY
    raise NotPossible("there is no libfaketime: apt-get install faketime")
