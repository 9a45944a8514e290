"""A load process: publishes prepared casts to a peer, and waits until it has confirmed each.

    python -m benchmarks.peers.publishers PEER ADDRESS FILE COUNT TOPIC...

One connection for each topic; the casts are dealt out to them.  Gives the instants `began` and `ended`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.load import prepared
from benchmarks.peers.client import Client, client_of
from benchmarks.peers.load import WITHIN_S, give, ready


async def main(client: Client, address: str, casts: Sequence[bytes], topics: Sequence[str]) -> None:
    """Publish them all at once."""
    async with AsyncExitStack() as stack:
        parts = [client.messages(casts[number :: len(topics)], topic) for number, topic in enumerate(topics)]
        async with asyncio.timeout(WITHIN_S):
            publishers = [await stack.enter_async_context(client.publisher(address, topic)) for topic in topics]
        await ready()
        began = time.monotonic()
        async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
            for publish, part in zip(publishers, parts, strict=True):
                group.create_task(publish(part))
        await give(began=began, ended=time.monotonic())


if __name__ == "__main__":
    _, peer, where, file, count, *names = sys.argv
    read = [cast.data for cast in prepared.read(Path(file), 0, int(count))]
    asyncio.run(main(client_of(peer), where, read, names))
