"""A load process: a seller who notes when each cast has arrived.

    python -m benchmarks.load.seller NODE@ADDRESS COUNT

It uses the client library, which verifies each cast, and notes it when it is there to be used.  Gives `arrived`: the
instant of each, by its id in hexadecimal.
"""

from __future__ import annotations

import sys
import time
from contextlib import AsyncExitStack

import trio

from benchmarks.load import prepared
from benchmarks.load.behave import give, ready
from benchmarks.load.linked import connected
from byway.node_address import NodeAddress, parse_node_address


async def main(at: NodeAddress, count: int) -> None:
    arrived: dict[str, float] = {}
    async with AsyncExitStack() as stack:
        client = await connected(stack, at)
        subscription = await stack.enter_async_context(client.subscribe("seller", prepared.PATTERN, from_="now"))
        await ready()
        while len(arrived) < count:
            delivery = await subscription.receive()
            arrived[delivery.statement.id.hex()] = time.monotonic()
            subscription.ack(delivery)
        await give(arrived=arrived)


if __name__ == "__main__":
    _, where, count = sys.argv
    trio.run(main, parse_node_address(where), int(count))
