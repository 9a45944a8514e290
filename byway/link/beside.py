"""Services beside a block: a nursery for what only has to run while something else does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio


@asynccontextmanager
async def beside(*services: Callable[[], Awaitable[object]]) -> AsyncGenerator[trio.Nursery]:
    """Run `services` while the block runs, with whatever it starts in the nursery, and cancel them after it.

    An exception of the block leaves as it is: a nursery would wrap it in a group.
    """
    fault: Exception | None = None
    async with trio.open_nursery() as nursery:
        for service in services:
            nursery.start_soon(service)
        try:
            yield nursery
        except Exception as error:  # noqa: BLE001 - raised again below
            fault = error
        nursery.cancel_scope.cancel()
    if fault is not None:
        raise fault
