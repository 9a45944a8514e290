"""A disk that fails under a real router: it stops promising at once, and loses nothing that it promised."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import product
from typing import Final

import trio

from tests.crash.market import Market
from tests.crash.router_process import RouterProcess
from tests.faults.answers import Answers
from tests.faults.failing_router import FAIL, FAILED
from tests.faults.stage import NotPossible, Stage, comes_true, needed

NTH: Final = {"sync": 30, "write": 40, "read": 60, "open": 2, "truncate": 1, "delete": 1}  # the last of a kind to fail
WAYS_TO_FAIL: Final = tuple(product(NTH, ("once", "stays")))  # each of a kind and a way in turn
AT_THE_END: Final = "delete"  # of the log, once everything is in the database
MADE_UP_FOR: Final = frozenset([AT_THE_END])  # the next start finds what was left, and goes on with it
FAILS_WITHIN_S: Final = 30.0
NOTICED_WITHIN_S: Final = 5.0
STOPS_WITHIN_S: Final = 1.0
WATCHED_S: Final = 1.0  # from then on
TOLD_WITHIN_S: Final = 10.0  # it may have failed before anybody could ask
SERVES_WITHIN_S: Final = 20.0
STORE_FAILED: Final = "store_failed"
FIRST_ERROR: Final = re.compile(rb"(\d+\.\d+) [^\n]*\bEIO\b")
NS: Final = 1_000_000_000


async def an_operation_fails(stage: Stage) -> None:
    """The n-th operation of a kind, at a start, under load or at the end: each kind fails once, and from then on."""
    async with (
        RouterProcess(stage.folder, module="tests.faults.failing_router") as router,
        stage.market(router) as market,
    ):
        for number in range(stage.times):
            operation, how = WAYS_TO_FAIL[number % len(WAYS_TO_FAIL)]
            what = f"{operation} {stage.chance.randint(1, NTH[operation])} {how}"
            router.environment = {FAIL: what}
            with market.fault(f"{number}: {what}"):
                await _fail(stage, router, market, what)
        router.module, router.environment = "byway", {}
        await router.start()
        stage.expect(await market.load(20, SERVES_WITHIN_S) > 0, "nobody was served when the disk was sound again")


async def _fail(stage: Stage, router: RouterProcess, market: Market, what: str) -> None:
    """Have it happen; then the process ends with an error, or it goes on and promises nothing."""
    before, answers = len(router.errors()), Answers(market.evidence)
    await router.begin()
    if what.startswith(AT_THE_END):
        await router.ready()
        await market.load(20, 3.0)
        status: int | None = await router.stop()
    else:
        status = await _ended_or_said(router, before, FAILED, FAILS_WITHIN_S)
        if status is None:
            status = await _ended_or_said(router, before, STORE_FAILED, NOTICED_WITHIN_S)
    said = router.errors()[before:]
    failed = re.search(f"{FAILED} (\\d+)", said)
    stage.expect(failed is not None, f"nothing failed: {what}")
    if failed and STORE_FAILED in said:
        await stops_promising(stage, market, answers, int(failed[1]))
        stage.count("stopped promising")
    elif what.split(maxsplit=1)[0] in MADE_UP_FOR:
        stage.count("made up for")
    else:
        told = status not in (None, 0) and "[store-" in said
        stage.expect(told, f"nothing was said of it, and the exit status was {status}: {what}: {said[-500:]}")
        stage.count("did not start")
    if status is None:
        await router.kill()


async def a_flush_fails_in_the_system(stage: Stage) -> None:
    """`strace` makes every fdatasync of a running router fail."""
    strace = needed("strace", "strace")
    async with RouterProcess(stage.folder) as router, stage.market(router) as market:
        for number in range(stage.times):
            await router.start()
            await market.load(20, 3.0)
            before, answers = len(router.errors()), Answers(market.evidence)
            with market.fault(f"flush {number}"):
                async with _injected(strace, router.pid) as traced:
                    await _ended_or_said(router, before, STORE_FAILED, NOTICED_WITHIN_S)
                    stage.expect(STORE_FAILED in router.errors()[before:], "a failed flush was not noticed")
                    failed = FIRST_ERROR.search(traced)
                    stage.expect(failed is not None, "no flush failed")
                    if failed:
                        await stops_promising(stage, market, answers, int(float(failed[1]) * NS))
                        stage.count("stopped promising")
                await router.kill()
        await router.start()
        stage.expect(await market.load(20, SERVES_WITHIN_S) > 0, "nobody was served when the disk was sound again")


async def stops_promising(stage: Stage, market: Market, answers: Answers, failed_ns: int) -> None:
    """From a second after the failure on, by the wall clock, nobody gets a receipt, and who asks is told why."""
    await trio.sleep(max(0.0, STOPS_WITHIN_S + WATCHED_S - (time.time_ns() - failed_ns) / NS))
    told = await comes_true(lambda: answers.refusals()["store-failed"] > 0, TOLD_WITHIN_S)
    stage.expect(told, "nobody was told that the store has failed")
    last_ms = max(((at - failed_ns) * 1000 // NS for at in answers.receipts()), default=0)
    market.measured("ms from the failure of the disk to the last receipt", max(last_ms, 0), 1000 * STOPS_WITHIN_S)


async def _ended_or_said(router: RouterProcess, before: int, what: str, within_s: float) -> int | None:
    """Wait until the router ends, whose status this is, or says this; or until it has had the time to."""
    with trio.move_on_after(within_s):
        while what not in router.errors()[before:]:
            if (status := await router.ended(0.1)) is not None:
                return status
    return None


@asynccontextmanager
async def _injected(strace: str, pid: int) -> AsyncGenerator[bytearray]:
    """Every flush of the process fails inside; gives what strace says of it, line by line with the time."""
    what = ["-ttt", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"]
    tracer = await trio.lowlevel.open_process([strace, "-f", "-p", str(pid), *what], stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    said = bytearray()
    with trio.fail_after(10):
        while b"attached" not in said:
            piece = await tracer.stderr.receive_some()
            said += piece
            if not piece:
                why = said.decode().strip()[-200:]
                raise NotPossible(f"strace may not trace another process ({why}): sysctl -w kernel.yama.ptrace_scope=0")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_read_all, tracer.stderr, said)
        try:
            yield said
        finally:
            tracer.terminate()
            with trio.CancelScope(shield=True):
                await tracer.wait()
            nursery.cancel_scope.cancel()


async def _read_all(stream: trio.abc.ReceiveStream, into: bytearray) -> None:
    while piece := await stream.receive_some():
        into += piece
