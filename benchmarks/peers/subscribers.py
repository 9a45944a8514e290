"""A load process: subscribers of a peer, each on a connection of its own, that ack all they get.

    python -m benchmarks.peers.subscribers PEER ADDRESS TOPIC NAME NUMBER COUNT checked|trusting

NUMBER subscribers wait for COUNT messages each.  `checked` verifies the signature of each cast before it is acked.
Gives the instant of the last message as `delivered`.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack

from benchmarks.peers.client import Client, client_of
from benchmarks.peers.load import WITHIN_S, Countdown, give, ready
from byway.protocol.statement import is_signed


async def main(client: Client, address: str, topic: str, names: list[str], arrivals: Countdown) -> None:
    """Subscribe, and wait until all has come."""
    async with AsyncExitStack() as stack:
        subscribers = [client.subscriber(address, topic, name, arrivals.take) for name in names]
        async with asyncio.timeout(WITHIN_S):
            settling = [await stack.enter_async_context(subscriber) for subscriber in subscribers]
        await ready()
        async with asyncio.timeout(WITHIN_S):
            await arrivals.wait()
            await asyncio.gather(*[settle() for settle in settling])
        await give(delivered=arrivals.last)


if __name__ == "__main__":
    _, peer, where, topic, name, number, count, how = sys.argv
    names = [f"{name}-{index}" for index in range(int(number))]
    arrivals = Countdown(int(number) * int(count), is_signed if how == "checked" else None)
    asyncio.run(main(client_of(peer), where, topic, names, arrivals))
