"""A load process: links that are open and do nothing.

    python -m benchmarks.load.idle_links NODE@ADDRESS NUMBER

At the word to begin it opens NUMBER links, gives `links`.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack

import trio

from benchmarks.load.behave import give, ready
from benchmarks.load.linked import linked
from byway.node_address import NodeAddress, parse_node_address


async def main(at: NodeAddress, number: int) -> None:
    await ready()
    async with AsyncExitStack() as stack:
        for _ in range(number):
            await linked(stack, at)
        await give(links=number)


if __name__ == "__main__":
    _, where, number = sys.argv
    trio.run(main, parse_node_address(where), int(number))
