"""Now and then: drops the subscriptions that nobody came back to, and notes which ones are in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
import trio

from byway.errors import StoreError
from byway.protocol.limits import DAY_MS, IDLE_SUBSCRIPTION_MS
from byway.router.subscriptions import Name, Subscriptions
from byway.router.writer import Writer
from byway.store.store import SubscriptionRow

log = structlog.get_logger()

LOOK_EVERY_S: Final = 3600.0  # not sooner after a start either, so that whoever is there can come back
NOTE_EVERY_MS: Final = DAY_MS
KEYS: Final = 64  # looked at in one go: a node with a million subscriptions has others to serve


class IdleSweep:
    """Looks at all subscriptions of one router, once an hour."""

    def __init__(self, subscriptions: Subscriptions, writer: Writer, *, now_ms: Callable[[], int]) -> None:
        self._subscriptions = subscriptions
        self._writer = writer
        self._now_ms = now_ms
        self._dropped = 0

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await trio.sleep(LOOK_EVERY_S)
            before, now = self._dropped, self._now_ms()
            for rows in self._subscriptions.pieces(KEYS):
                async with trio.open_nursery() as nursery:  # what is due at the same time is committed together
                    for row in rows:
                        if self._is_due(row, now):
                            nursery.start_soon(self._settle, (row.key, row.sub), now)
            if self._dropped > before:
                log.info("subscriptions_dropped", code="idle", count=self._dropped - before)

    def _is_due(self, row: SubscriptionRow, now: int) -> bool:
        in_use = self._subscriptions.linked((row.key, row.sub)) is not None
        return row.seen + NOTE_EVERY_MS + (0 if in_use else IDLE_SUBSCRIPTION_MS) <= now

    async def _settle(self, name: Name, now: int) -> None:
        row = self._subscriptions.row(name)
        if row is None or not self._is_due(row, now):
            return
        try:
            if self._subscriptions.linked(name):
                row = row._replace(seen=now)
                self._subscriptions.put(row)
                await self._writer.put(row, new=False)
            else:
                self._subscriptions.drop(name)
                await self._writer.drop(name)
                self._dropped += 1
        except StoreError as error:
            if self._subscriptions.row(name) is None:
                self._subscriptions.put(row)
            self._writer.fail(error)
