"""A client's link that says things twice, at once or after what came later, as a network that repeats frames would.

An Ack, a Credit and an Unsubscribe may be said again without harm (wire-protocol section 8.5); a Submit is, by
publishers, and a Subscribe begins another epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Final

from byway.link.link import Link
from byway.protocol.frames import Ack, Credit, Frame, Unsubscribe

AT_ONCE: Final = 0.2
LATER: Final = 0.2  # after what is sent next
MORE: Final = (1, 5000)  # bytes: the client library itself gives no further credit


class RepeatingLink:
    """Everything is the link's, except that what may be said twice sometimes is."""

    def __init__(self, link: Link, random: Random) -> None:
        self._link = link
        self._random = random
        self._later: list[Frame] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    async def send(self, frame: Frame) -> None:
        await self.send_many([frame])

    async def send_many(self, frames: Sequence[Frame]) -> None:
        again, self._later = self._later, []
        said: list[Frame] = []
        for frame in frames:
            said += self._repeated(frame) if isinstance(frame, Ack | Unsubscribe) else [frame]
            if isinstance(frame, Ack) and self._random.random() < AT_ONCE:
                said += self._repeated(Credit(frame.sub, self._random.randint(*MORE)))
        await self._link.send_many([*said, *again])

    def _repeated(self, frame: Frame) -> list[Frame]:
        """What is said of it now."""
        chance = self._random.random()
        if chance < LATER:
            self._later.append(frame)
        return [frame, frame] if LATER <= chance < LATER + AT_ONCE else [frame]
