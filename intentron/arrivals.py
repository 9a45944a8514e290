"""Arrivals: what comes to a program of the client library, each in effect once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Self, TypeVar

import structlog

from byway.errors import StatementError
from byway.link.subscription import Delivery, Subscription
from byway.protocol.statement import Statement
from intentron.effects import Effects

log = structlog.get_logger()

T = TypeVar("T")


class Arrivals(Generic[T]):
    """What arrives, one by one and read; each is handled, and acked, when the next one is asked for or by `ack`.

    What was handled is not shown again.  What was shown, and the block was left before it was handled, comes again.
    Iterating raises `LinkError` when the link is lost: open it again, and it goes on after what was handled.  What
    cannot be read is refused, and not shown.
    """

    def __init__(
        self, subscription: Subscription, read: Callable[[Statement], T], effects: Effects, scope: bytes
    ) -> None:
        self._subscription = subscription
        self._read = read
        self._effects = effects
        self._scope = scope
        self._shown: Delivery | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        await self.ack()
        while True:
            delivery = await self._subscription.receive()
            try:
                read = self._read(delivery.statement)
            except StatementError as error:
                log.warning("arrival_refused", sequence=delivery.sequence, code=error.code, reason=str(error))
                self._subscription.refuse(delivery, error.code)
                continue
            if await self._effects.begin(self._scope, delivery.statement):
                self._shown = delivery
                return read
            self._subscription.ack(delivery)

    async def ack(self) -> None:
        """What was shown last is handled, if that was not said yet.

        When this returns it is not shown again; with a file, also after a restart.  Raises `StoreError`.
        """
        if self._shown is not None:
            await self._effects.finish(self._scope, self._shown.statement)
            self._subscription.ack(self._shown)
            self._shown = None

    def abandon(self) -> None:
        """What was shown last, and is not handled, may be shown again."""
        if self._shown is not None:
            self._effects.abandon(self._scope, self._shown.statement)
            self._shown = None
