"""A load process: several subscribers, each on a link of its own, that ack all they get.

    python -m benchmarks.load.subscribers NODE@ADDRESS NUMBER COUNT now|oldest checked|trusting

Each waits for COUNT casts, acks them and settles them with signed acknowledgements.  Those that want what comes `now`
subscribe before the process is ready; those that begin with the `oldest`, at the word to begin.  `checked` uses the
client library, which verifies every cast again; `trusting` takes the word of the router.  Gives `began`, and the
instants of the last delivery as `delivered` and of the last settlement as `ended`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

import trio

from benchmarks.load.behave import give, ready
from benchmarks.load.linked import connected, linked
from benchmarks.load.prepared import PATTERN
from benchmarks.load.trusting import Trusting
from byway.link.client import Client
from byway.link.link import Link
from byway.node_address import NodeAddress, parse_node_address
from byway.protocol.frames import From

SUB: Final = "bench"

Receive = Callable[[], Awaitable[float]]
Subscriber = Callable[[], Awaitable[Receive]]


async def checked(stack: AsyncExitStack, client: Client, count: int, from_: From) -> Receive:
    """Subscribe; what is returned receives, acks and settles `count` casts, and tells the instant of the last."""
    subscription = await stack.enter_async_context(client.subscribe(SUB, PATTERN, from_=from_))

    async def receive() -> float:
        for _ in range(count):
            subscription.ack(await subscription.receive())
        delivered = time.monotonic()
        await subscription.settled()
        return delivered

    return receive


async def trusting(link: Link, count: int, from_: From) -> Receive:
    """The same, without the client library."""
    subscriber = Trusting(link)
    await subscriber.subscribe(SUB, PATTERN, from_)
    return partial(subscriber.receive, count)


async def subscriber(stack: AsyncExitStack, at: NodeAddress, count: int, from_: From, how: str) -> Subscriber:
    """On a link that is open already."""
    if how == "checked":
        return partial(checked, stack, await connected(stack, at), count, from_)
    return partial(trusting, await linked(stack, at), count, from_)


async def main(at: NodeAddress, number: int, count: int, from_: From, how: str) -> None:
    delivered: list[float] = []

    async def run(receive: Receive) -> None:
        delivered.append(await receive())

    async with AsyncExitStack() as stack:
        subscribers = [await subscriber(stack, at, count, from_, how) for _ in range(number)]
        if from_ == "now":
            receiving = [await subscribe() for subscribe in subscribers]
            await ready()
            began = time.monotonic()
        else:
            await ready()
            began = time.monotonic()
            receiving = [await subscribe() for subscribe in subscribers]
        async with trio.open_nursery() as nursery:
            for receive in receiving:
                nursery.start_soon(run, receive)
        await give(began=began, delivered=max(delivered), ended=time.monotonic())


if __name__ == "__main__":
    _, where, number, count, from_, how = sys.argv
    begin: From = "oldest" if from_ == "oldest" else "now"
    trio.run(main, parse_node_address(where), int(number), int(count), begin, how)
