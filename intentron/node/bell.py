"""Bells: how one task of a node tells others that there is something new to look at.

A bell says only that something changed.  Whoever hears it looks at the vault, which alone knows what is the case: a
ring too many is harmless, and one that was missed while looking is heard at the next wait.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import TypeVar

import trio

K = TypeVar("K", bound=Hashable)


class Bell:
    """Rings for all who wait at that moment."""

    def __init__(self) -> None:
        self._next = trio.Event()

    def ring(self) -> None:
        self._next.set()
        self._next = trio.Event()

    @property
    def next(self) -> trio.Event:
        """The ring that comes next: take it before looking, wait for it after."""
        return self._next


async def keep_each(
    wanted: Callable[[], Awaitable[Iterable[K]]], serve: Callable[[K], Awaitable[None]], bell: Bell
) -> None:
    """Run one task of `serve` for each thing that is wanted, as long as it is; look again whenever `bell` rings.

    A task that has ended is not started again before its thing was gone for a while.  Runs until cancelled.
    """
    scopes: dict[K, trio.CancelScope] = {}

    async def run(thing: K, scope: trio.CancelScope) -> None:
        with scope:
            await serve(thing)

    async with trio.open_nursery() as nursery:
        while True:
            ring = bell.next
            now = set(await wanted())
            for gone in scopes.keys() - now:
                scopes.pop(gone).cancel()
            for new in now - scopes.keys():
                scopes[new] = trio.CancelScope()
                nursery.start_soon(run, new, scopes[new])
            await ring.wait()
