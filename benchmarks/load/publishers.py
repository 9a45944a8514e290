"""A load process: hands prepared casts in over standing links, and waits for a receipt for each.

    python -m benchmarks.load.publishers NODE@ADDRESS FILE FIRST COUNT LINKS BATCH

Gives `accepted`, and the instants `began` and `ended`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import trio

from benchmarks.load import prepared
from benchmarks.load.behave import give, ready
from benchmarks.load.linked import connected
from byway.link.client import Client
from byway.node_address import NodeAddress, parse_node_address
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement


async def publish(client: Client, casts: Sequence[Statement], batch: int) -> int:
    """Hand the casts in, one batch after the other; returns how many were accepted."""
    accepted = 0
    for start in range(0, len(casts), batch):
        answers = await client.submit(casts[start : start + batch])
        accepted += sum(isinstance(answer, Receipt) for answer in answers)
    return accepted


async def main(at: NodeAddress, casts: Sequence[Statement], links: int, batch: int) -> None:
    """The casts are dealt out to the links."""
    accepted = 0
    share = -(-len(casts) // links)

    async def run(client: Client, part: Sequence[Statement]) -> None:
        nonlocal accepted
        more = await publish(client, part, batch)
        accepted += more

    async with AsyncExitStack() as stack:
        clients = [await connected(stack, at) for _ in range(links)]
        await ready()
        began = time.monotonic()
        async with trio.open_nursery() as nursery:
            for number, client in enumerate(clients):
                nursery.start_soon(run, client, casts[number * share : (number + 1) * share])
        await give(accepted=accepted, began=began, ended=time.monotonic())


if __name__ == "__main__":
    _, where, file, *numbers = sys.argv
    first, count, links, batch = map(int, numbers)
    trio.run(main, parse_node_address(where), prepared.read(Path(file), first, count), links, batch)
