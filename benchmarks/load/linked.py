"""Links to the router under test, each with a key of its own, for as long as a stack is there."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack

from nacl.signing import SigningKey

from byway.clock import now_ms
from byway.link.client import Client, connect
from byway.link.dialer import open_link
from byway.link.link import Link
from byway.node_address import NodeAddress


async def linked(stack: AsyncExitStack, at: NodeAddress) -> Link:
    """Raises `LinkError`."""
    link = open_link(at.address, node=at.node, key=SigningKey.generate(), now_ms=now_ms, random=os.urandom)
    return await stack.enter_async_context(link)


async def connected(stack: AsyncExitStack, at: NodeAddress) -> Client:
    """Raises `LinkError`."""
    return await stack.enter_async_context(connect(await linked(stack, at)))
