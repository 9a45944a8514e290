"""What waits for a verdict: two lines, so that whoever brought a stamp waits behind none who did not."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from byway.fair_queue import FairQueue

Item = TypeVar("Item")


class VerdictQueue(Generic[Item]):
    """Two fair queues: half of what is taken comes from each, or all of it where the other is empty."""

    def __init__(self) -> None:
        self._stamped: FairQueue[Item] = FairQueue()
        self._others: FairQueue[Item] = FairQueue()

    def __len__(self) -> int:
        return len(self._stamped) + len(self._others)

    def put(self, prefix: str, link: Hashable, items: Iterable[Item], *, stamped: bool) -> None:
        """Append what `link` of `prefix` brings."""
        (self._stamped if stamped else self._others).put(prefix, link, items)

    def take(self, at_most: int) -> list[Item]:
        """The next items, as many as there are up to `at_most`; of an odd number the stamped ones have one more."""
        taken = self._stamped.take(-(-at_most // 2))
        taken += self._others.take(at_most - len(taken))
        return taken + self._stamped.take(at_most - len(taken))
