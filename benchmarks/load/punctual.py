"""A load process: people who publish at instants that are fixed beforehand.

    python -m benchmarks.load.punctual NODE@ADDRESS FILE FIRST COUNT PER_S

Casts are handed in one at a time over standing links.  A router that is late with one does not slow the next ones down,
and how long each took is to be counted from the instant at which it was due.  Gives these as `due`, in the order of the
file, and as `woke` the instants at which the process had really been woken to publish each.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import trio

from benchmarks.load import prepared
from benchmarks.load.behave import give, ready
from benchmarks.load.linked import connected
from byway.node_address import NodeAddress, parse_node_address
from byway.protocol.statement import Statement

LINKS: Final = 16
LEAD_S: Final = 0.05
COARSE_S: Final = 0.002  # an event loop asks the system for whole milliseconds


async def main(at: NodeAddress, casts: Sequence[Statement], per_s: float) -> None:
    async with AsyncExitStack() as stack:
        clients = [await connected(stack, at) for _ in range(LINKS)]
        await ready()
        begin = time.monotonic() + LEAD_S
        coarse_s = min(COARSE_S, 1 / per_s / 4)  # the loop must have its turns between two casts
        due = [begin + number / per_s for number in range(len(casts))]
        woke = []
        async with trio.open_nursery() as nursery:
            for number, (cast, instant) in enumerate(zip(casts, due, strict=True)):
                await trio.sleep(max(0.0, instant - coarse_s - time.monotonic()))
                woke.append(_wait_out(instant))
                nursery.start_soon(clients[number % LINKS].submit, [cast])
        await give(due=due, woke=woke)


def _wait_out(instant: float) -> float:
    """Sleep until then in one piece, and give the time."""
    time.sleep(max(0.0, instant - time.monotonic()))
    return time.monotonic()


if __name__ == "__main__":
    _, where, file, *numbers = sys.argv
    first, count, per_s = map(int, numbers)
    trio.run(main, parse_node_address(where), prepared.read(Path(file), first, count), per_s)
