"""Links on which nothing happens, by the thousand, and then some on which something does."""

from __future__ import annotations

from typing import Any, Final

import trio

from tests.crash.router_process import RouterProcess
from tests.faults.crowd import ACTIVE_EVERY_S
from tests.faults.crowds import ATTACKERS_NICED, LATENCY_MOST, PROCESSES, allow_open_files, crowd, resident_kb
from tests.faults.heartbeat import STALL_MOST_MS, heartbeat
from tests.faults.peers import open_files
from tests.faults.stage import Stage

MANY: Final[dict[str, Any]] = {
    "handshakes_per_s_per_prefix": 2000.0,
    "max_handshakes_per_prefix": 64,
    "max_links": 20_000,
}
SPARE_FILES: Final = 2000
STAY: Final = 0.99  # a busy machine answers a ping too late now and then; who is cut off comes again
LINK_KB: Final = 48  # of the router's memory, for each idle one
ACTIVE: Final = 1000
ACTIVE_S: Final = 4.0
ACTIVE_LEAST_PER_S: Final = 0.5 * ACTIVE / ACTIVE_EVERY_S


async def many_idle_links(stage: Stage) -> None:
    """`stage.times` links that say nothing; what each costs beyond the first half, and whether others are served."""
    half = stage.times // 2
    allow_open_files(stage.times + SPARE_FILES)
    async with RouterProcess(stage.folder, **MANY) as router:
        await router.start()
        quiet_ms = await _stalled_ms(router)
        async with crowd(router, "idle", half // PROCESSES) as there:
            memory = resident_kb(router.pid)
            async with crowd(router, "idle", half // PROCESSES, first=50) as more:
                each = (resident_kb(router.pid) - memory) / half
                got_in = there.there + more.there
                stage.expect(got_in >= stage.times, f"only {got_in} of {stage.times} links got in")
                links = open_files(router.pid)
                stage.expect(links >= STAY * stage.times, f"only {links} of {stage.times} links are still there")
                stage.outcome.counts |= {"idle links": got_in, "kB for an idle link": round(each)}
                idle_ms = await _stalled_ms(router)
                async with stage.market(router, stop=False) as market:
                    market.measured("kB of memory for an idle link", round(each, 1), LINK_KB)
                    with market.fault("idle links"):
                        stage.expect(await market.load(20, 10.0) >= 20, "nobody else was served beside them")
                await _some_are_active(stage, router, quiet_ms, idle_ms)  # who publish to whoever is there: not before


async def _some_are_active(stage: Stage, router: RouterProcess, quiet_ms: float, idle_ms: float) -> None:
    """A thousand more, who hand something in: they get their answers, and the router does not stall."""
    async with crowd(router, "active", ACTIVE // PROCESSES, first=80) as active:
        stage.expect(active.there >= ACTIVE, f"only {active.there} of {ACTIVE} more got in")
        busy_ms = await _stalled_ms(router)
    per_s = active.per_s["accepted"]
    stage.expect(per_s >= ACTIVE_LEAST_PER_S, f"only {per_s:.0f} casts a second of {ACTIVE} active links came in")
    most_ms = max(STALL_MOST_MS, LATENCY_MOST * quiet_ms)
    for beside, longest_ms in (("idle", idle_ms), ("active", busy_ms)):
        stalled = f"nobody was answered for {longest_ms:.0f} ms beside {beside} links, and for {quiet_ms:.0f} without"
        stage.expect(longest_ms <= most_ms, stalled)
        stage.count(f"ms without an answer, beside {beside} links", round(longest_ms))
    stage.count(ATTACKERS_NICED, active.niced)
    stage.outcome.counts |= {"active links": active.there, "casts of theirs a second": round(per_s)}


async def _stalled_ms(router: RouterProcess) -> float:
    """For how long the router answered nobody, at the longest."""
    async with heartbeat(router.at, source="127.2.7.1") as beat:
        await trio.sleep(ACTIVE_S)
    return beat.longest_ms
