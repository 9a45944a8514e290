"""A load process: subscriptions that are open on links, and get nothing.

    python -m benchmarks.load.idle_subscriptions NODE@ADDRESS LINKS NUMBER

It opens LINKS links; at the word to begin each subscribes NUMBER times, to topics of which nobody publishes anything,
with the filter of a seller.  Gives `subscriptions`.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import Final

import trio

from benchmarks.load.behave import give, ready
from benchmarks.load.linked import linked
from byway.link.link import Link
from byway.node_address import NodeAddress, parse_node_address
from byway.protocol.filter_text import parse_filter_text
from byway.protocol.frames import Subscribe, Subscribed
from byway.protocol.limits import SUBMIT_CREDIT

FILTER: Final = parse_filter_text('price >= money("300000.00", "USD") && beds >= 2').wire()
AT_ONCE: Final = 50


def pattern(seller: int, number: int) -> str:
    """What nobody else subscribes to."""
    return f"open:homes:city-{seller}-{number}"


async def main(at: NodeAddress, links: int, number: int) -> None:
    async with AsyncExitStack() as stack:
        opened = [await linked(stack, at) for _ in range(links)]
        await ready()
        async with trio.open_nursery() as nursery:
            for seller, link in enumerate(opened):
                nursery.start_soon(_subscribe, link, seller, number)
        await give(subscriptions=links * number)


async def _subscribe(link: Link, seller: int, number: int) -> None:
    for first in range(0, number, AT_ONCE):
        asked = [
            Subscribe(f"sub-{each}", pattern(seller, each), FILTER, "all", "now", SUBMIT_CREDIT)
            for each in range(first, min(first + AT_ONCE, number))
        ]
        await link.send_many(asked)
        left = len(asked)
        while left:
            left -= sum(isinstance(frame, Subscribed) for frame in await link.receive())


if __name__ == "__main__":
    _, where, *numbers = sys.argv
    links, number = map(int, numbers)
    trio.run(main, parse_node_address(where), links, number)
