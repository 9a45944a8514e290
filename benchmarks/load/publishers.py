"""A load process: hands prepared casts in over standing links, and waits for a receipt for each.

    python -m benchmarks.load.publishers NODE@ADDRESS FILE FIRST COUNT LINKS BATCH IN_FLIGHT

On each link IN_FLIGHT Submits of BATCH casts wait for their answers at one time.
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


async def publish(client: Client, casts: Sequence[Statement], batch: int, in_flight: int) -> int:
    """Hand the casts in, `in_flight` batches at one time; returns how many were accepted."""
    accepted = 0
    batches = iter([casts[start : start + batch] for start in range(0, len(casts), batch)])

    async def submit_in_turn() -> None:
        nonlocal accepted
        for each in batches:
            answers = await client.submit(each)
            accepted += sum(isinstance(answer, Receipt) for answer in answers)

    async with trio.open_nursery() as nursery:
        for _ in range(in_flight):
            nursery.start_soon(submit_in_turn)
    return accepted


async def main(at: NodeAddress, casts: Sequence[Statement], links: int, batch: int, in_flight: int) -> None:
    """The casts are dealt out to the links."""
    accepted = 0
    share = -(-len(casts) // links)

    async def run(client: Client, part: Sequence[Statement]) -> None:
        nonlocal accepted
        more = await publish(client, part, batch, in_flight)
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
    first, count, links, batch, in_flight = map(int, numbers)
    casts = prepared.read(Path(file), first, count)
    trio.run(main, parse_node_address(where), casts, links, batch, in_flight)
