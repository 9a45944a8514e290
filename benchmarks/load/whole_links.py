"""A load process: for each prepared cast a link of its own, as people publish.

    python -m benchmarks.load.whole_links NODE@ADDRESS FILE FIRST COUNT AT_ONCE

A link is dialled, says hello, hands one cast in, waits for its receipt, and is closed.  Gives `accepted`, `began` and
`ended`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import trio

from benchmarks.load import prepared
from benchmarks.load.behave import give, ready
from benchmarks.load.linked import connected
from byway.node_address import NodeAddress, parse_node_address
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement


async def main(at: NodeAddress, casts: Sequence[Statement], at_once: int) -> None:
    """At most `at_once` links are open at one time."""
    accepted = 0

    async def run(left: Iterator[Statement]) -> None:
        nonlocal accepted
        for cast in left:
            async with AsyncExitStack() as stack:
                client = await connected(stack, at)
                (answer,) = await client.submit([cast])
            accepted += isinstance(answer, Receipt)

    await ready()
    began = time.monotonic()
    left = iter(casts)
    async with trio.open_nursery() as nursery:
        for _ in range(at_once):
            nursery.start_soon(run, left)
    await give(accepted=accepted, began=began, ended=time.monotonic())


if __name__ == "__main__":
    _, where, file, *numbers = sys.argv
    first, count, at_once = map(int, numbers)
    trio.run(main, parse_node_address(where), prepared.read(Path(file), first, count), at_once)
