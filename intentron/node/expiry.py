"""Expiry: what is over is marked as over, whether or not anybody was there to see it, and forgotten in time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

import trio

from intentron.node.memory import About, Memory
from intentron.node.waits import Waits
from intentron.vault import AnswerState, CastState, Vault

EVERY_S: Final = 30.0


class Expiry:
    """Looks twice a minute."""

    def __init__(self, memory: Memory, now_ms: Callable[[], int], waits: Waits) -> None:
        self._memory = memory
        self._waits = waits
        self._now_ms = now_ms

    async def run(self) -> None:
        """Mark what has expired until cancelled."""
        while True:
            self._waits.keep(await self._memory.change(self._sweep, About.CASTS, About.ANSWERS))
            await trio.sleep(EVERY_S)

    def _sweep(self, vault: Vault) -> set[Hashable]:
        """End what is over, forget what has no more worth; returns what may still wait."""
        now = self._now_ms()
        vault.note_time(now)
        expire(vault, now)
        vault.forget(now)
        return {
            *(cast.id for cast in vault.casts.all(CastState.DRAFT)),
            *(answer.sealed_id for answer in vault.answers.all(AnswerState.SENDING)),
            *(subscription.sub for subscription in vault.subscriptions.all()),
        }


def expire(vault: Vault, now: int) -> None:
    """Mark what has expired at `now`, and tell the owner of each cast whether a router ever had it."""
    for cast in vault.casts.all(CastState.DRAFT, CastState.ACCEPTED):
        if cast.statement.expires <= now:
            vault.events.add("cast_expired", now=now, cast=cast.name, published=cast.receipt is not None)
    vault.expire(now)
