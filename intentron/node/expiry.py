"""Expiry: what is over is marked as over, whether or not anybody was there to see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

from intentron.node.memory import About, Memory
from intentron.vault import CastState, Vault

EVERY_S: Final = 30.0


class Expiry:
    """Looks twice a minute."""

    def __init__(self, memory: Memory, now_ms: Callable[[], int]) -> None:
        self._memory = memory
        self._now_ms = now_ms

    async def run(self) -> None:
        """Mark what has expired until cancelled."""
        while True:
            await self._memory.change(self._expire, About.CASTS, About.ANSWERS)
            await trio.sleep(EVERY_S)

    def _expire(self, vault: Vault) -> None:
        now = self._now_ms()
        for cast in vault.casts.all(CastState.DRAFT, CastState.ACCEPTED):
            if cast.statement.expires <= now:
                vault.events.add("cast_expired", now=now, cast=cast.name)
        vault.expire(now)
        vault.events.forget()
