"""Room for subscriptions, which outlive their links and whose keys are free: in all, and for each address prefix.

What a prefix begins is counted without keeping who came from where: it has a bucket, which is full again after the time
in which subscriptions that nobody came back to are dropped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from byway.bucket import Buckets
from byway.errors import Refused
from byway.protocol.limits import IDLE_SUBSCRIPTION_MS, MINUTE_MS

FULL: Final = "this node keeps as many subscriptions as it takes on"
SHARE_USED_UP: Final = "the network that this link comes from has begun more subscriptions than its share"


@dataclass(frozen=True, slots=True)
class SubscriptionLimits:
    """How many a node keeps, and how many of them one address prefix may begin at once, or in 30 days."""

    most: int = 1_000_000
    prefix: int = 250_000


class SubscriptionRoom:
    """Who may begin another subscription.  Plain state; `now` is the time of the event loop, in seconds."""

    def __init__(self, limits: SubscriptionLimits) -> None:
        self._most = limits.most
        self._prefixes = Buckets(rate=limits.prefix / (IDLE_SUBSCRIPTION_MS / 1000), burst=limits.prefix)

    def take(self, held: int, prefix: str, now: float) -> None:
        """Take one from the share of a prefix.  `held` is how many there are.  Raises `Refused` (`busy`)."""
        if held >= self._most:
            raise Refused("busy", FULL, MINUTE_MS)
        if wait_s := self._prefixes.wait(prefix, now):
            raise Refused("busy", SHARE_USED_UP, math.ceil(wait_s * 1000))
        self._prefixes.spend(prefix, now, 1)
