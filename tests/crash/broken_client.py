"""A client library with a bug, to prove that the checker would see it."""

from __future__ import annotations

from collections import deque
from typing import Any, Self

import pytest

from byway.link.subscription import Delivery, Subscription


class Twice:
    """A subscription that hands on each of its deliveries twice."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._again: deque[Delivery] = deque()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subscription, name)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery:
        if self._again:
            return self._again.popleft()
        delivery = await self._subscription.receive()
        self._again.append(delivery)
        return delivery


def hand_on_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on whoever iterates over a subscription gets each delivery twice."""

    def twice(subscription: Subscription) -> Twice:
        return Twice(subscription)

    monkeypatch.setattr(Subscription, "__aiter__", twice)
