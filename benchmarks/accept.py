"""What it costs a router to accept a cast: verified, flushed, receipted."""

from __future__ import annotations

import statistics
import time
from typing import Final

import trio

from benchmarks.figures import Figure
from benchmarks.router_process import RouterProcess
from benchmarks.workload import casts, connected, verification_s
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement

LINKS: Final = 4
BATCH: Final = 64
ROUNDS: Final = 6
PER_ROUND: Final = 2048
SINGLE_LINKS: Final = 64
SINGLES_PER_LINK: Final = 16


def measure(router: RouterProcess) -> list[Figure]:
    """Submits of 64 on standing links, then single casts on 64 links."""
    return trio.run(_measure, router)


async def _measure(router: RouterProcess) -> list[Figure]:
    batched = [await _round(router, LINKS, casts(PER_ROUND), BATCH) for _ in range(ROUNDS)]
    singles = [
        await _round(router, SINGLE_LINKS, casts(SINGLE_LINKS * SINGLES_PER_LINK), 1) for _ in range(ROUNDS // 2)
    ]
    return [
        Figure("accept_cpu_ratio", _median(batched, 0), "libsodium verifications", 1.6),
        Figure("accept_single_ratio", _median(singles, 0), "libsodium verifications", 4),
        Figure("accept_per_s", _median(batched, 1), "casts a second, load on the same cores"),
        Figure("verification_us", _median(batched + singles, 2) * 1e6, "microseconds of CPU"),
    ]


async def _round(
    router: RouterProcess, links: int, statements: list[Statement], batch: int
) -> tuple[float, float, float]:
    """CPU per cast as a ratio to one verification, casts a second, and seconds of one verification."""
    before_s = verification_s(statements[0])
    share = len(statements) // links
    ready = trio.Event()
    waiting = links
    accepted = 0

    async def publish(part: list[Statement]) -> None:
        nonlocal waiting, accepted
        async with connected(router) as client:
            waiting -= 1
            if not waiting:
                ready.set()
            await go.wait()
            for start in range(0, len(part), batch):
                answers = await client.submit(part[start : start + batch])
                accepted += sum(isinstance(answer, Receipt) for answer in answers)

    go = trio.Event()
    async with trio.open_nursery() as nursery:
        for index in range(links):
            nursery.start_soon(publish, statements[index * share : (index + 1) * share])
        await ready.wait()
        cpu_s, started = router.cpu_s(), time.perf_counter()
        go.set()
    cpu_s, elapsed = router.cpu_s() - cpu_s, time.perf_counter() - started
    if accepted != len(statements):
        raise SystemExit(f"only {accepted} of {len(statements)} casts were accepted")
    one_s = (before_s + verification_s(statements[0])) / 2
    return cpu_s / accepted / one_s, accepted / elapsed, one_s


def _median(rounds: list[tuple[float, float, float]], column: int) -> float:
    return statistics.median(one[column] for one in rounds)
