"""What it costs a router to hand one cast to many subscribers, each of which acks it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import trio

from benchmarks.figures import Figure
from benchmarks.router_process import RouterProcess
from benchmarks.workload import PATTERN, casts, connected, verification_s

SUBSCRIBERS: Final = (1, 8, 64)
DELIVERIES: Final = 16_384
BATCH: Final = 64
WITHIN_S: Final = 120


def measure(router: RouterProcess) -> list[Figure]:
    """Router CPU per delivered and acknowledged cast, accept included, for each number of subscribers."""
    return [figure for number in SUBSCRIBERS for figure in trio.run(_measure, router, number)]


async def _measure(router: RouterProcess, subscribers: int) -> list[Figure]:
    statements = casts(DELIVERIES // subscribers)
    one_s = verification_s(statements[0])
    subscribed = 0
    everybody = trio.Event()

    async def subscribe(done: Callable[[], None]) -> None:
        nonlocal subscribed
        async with (
            connected(router) as client,
            client.subscribe("bench", PATTERN, None, from_="now") as subscription,
        ):
            subscribed += 1
            if subscribed == subscribers:
                everybody.set()
            for _ in statements:
                subscription.ack(await subscription.receive())
            await subscription.settled()
            done()

    finished = 0

    def one_done() -> None:
        nonlocal finished
        finished += 1

    with trio.fail_after(WITHIN_S):
        async with trio.open_nursery() as nursery:
            for _ in range(subscribers):
                nursery.start_soon(subscribe, one_done)
            await everybody.wait()
            cpu_s, started = router.cpu_s(), time.perf_counter()
            async with connected(router) as client:
                for start in range(0, len(statements), BATCH):
                    await client.submit(statements[start : start + BATCH])
    cpu_s, elapsed = router.cpu_s() - cpu_s, time.perf_counter() - started
    one_s = (one_s + verification_s(statements[0])) / 2
    delivered = finished * len(statements)
    return [
        Figure(f"fanout{subscribers}_cpu_us", cpu_s / delivered * 1e6, "microseconds of router CPU a delivery"),
        Figure(f"fanout{subscribers}_cpu_ratio", cpu_s / delivered / one_s, "libsodium verifications"),
        Figure(f"fanout{subscribers}_per_s", delivered / elapsed, "deliveries a second, load on the same cores"),
    ]
