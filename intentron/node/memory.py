"""The vault as the tasks of a node use it: one call at a time, beside the event loop, and told to whom it concerns.

Every change is one transaction, durable before anything of it goes out, so that a node that is killed at any moment
goes on where it was.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeVar

import trio

from intentron.node.bell import Bell
from intentron.vault import Event, Vault

T = TypeVar("T")


class About(enum.Enum):
    """What a change is about, and so who looks again."""

    CASTS = enum.auto()
    OUTBOX = enum.auto()
    ANSWERS = enum.auto()
    SUBSCRIPTIONS = enum.auto()
    STOCK = enum.auto()  # rules too


class Memory:
    """The vault of one person, for many tasks.

    Both calls raise what `call` raises, and `StoreError`.  Cancelling waits until the call has ended: nobody is left
    in doubt about a change.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._one_at_a_time = trio.CapacityLimiter(1)
        self._bells = {about: Bell() for about in About}
        self._events = Bell()

    def bell(self, about: About) -> Bell:
        """Rings after each change of that sort."""
        return self._bells[about]

    async def look(self, call: Callable[[Vault], T]) -> T:
        """What `call` finds in the vault."""
        return await trio.to_thread.run_sync(call, self._vault, limiter=self._one_at_a_time)

    async def change(self, call: Callable[[Vault], T], *about: About) -> T:
        """Make the change, whole or, if it raises, not at all; then tell those whom it concerns."""
        result = await trio.to_thread.run_sync(self._transact, call, limiter=self._one_at_a_time)
        for kind in about:
            self._bells[kind].ring()
        self._events.ring()
        return result

    async def events(self, after: int, wait_s: float) -> list[Event]:
        """Facts numbered above `after`; if there are none yet, whatever comes within `wait_s` seconds."""
        with trio.move_on_after(wait_s):
            while True:
                ring = self._events.next
                if found := await self.look(lambda vault: vault.events.after(after)):
                    return found
                await ring.wait()
        return await self.look(lambda vault: vault.events.after(after))

    def _transact(self, call: Callable[[Vault], T]) -> T:
        with self._vault.transaction():
            return call(self._vault)
