"""A queue in which nobody can push others back: not by many items, and not by many links.

Address prefixes take turns, one item each; so do the links of one prefix.  What one link put comes out in
the order in which it was put.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Items of many links.  Putting and taking one costs the same however many links there are."""

    def __init__(self) -> None:
        self._turns: deque[str] = deque()
        self._prefixes: dict[str, _Links[Item]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def put(self, prefix: str, link: Hashable, items: Iterable[Item]) -> None:
        """Append what `link` of `prefix` brings."""
        links = self._prefixes.get(prefix)
        if links is None:
            links = _Links()
        self._size += links.put(link, items)
        if links and prefix not in self._prefixes:
            self._prefixes[prefix] = links
            self._turns.append(prefix)

    def take(self, at_most: int) -> list[Item]:
        """The next items, as many as there are up to `at_most`."""
        taken: list[Item] = []
        while self._turns and len(taken) < at_most:
            links = self._prefixes[self._turns[0]]
            taken.append(links.take())
            if links:
                self._turns.rotate(-1)
            else:
                del self._prefixes[self._turns.popleft()]
        self._size -= len(taken)
        return taken


class _Links(Generic[Item]):
    """The links of one prefix, and what waits of each; false when nothing does."""

    __slots__ = ("_queues", "_turns")

    def __init__(self) -> None:
        self._turns: deque[Hashable] = deque()
        self._queues: dict[Hashable, deque[Item]] = {}

    def __bool__(self) -> bool:
        return bool(self._turns)

    def put(self, link: Hashable, items: Iterable[Item]) -> int:
        queue = self._queues.get(link)
        if queue is None:
            queue = deque()
        before = len(queue)
        queue.extend(items)
        if queue and link not in self._queues:
            self._queues[link] = queue
            self._turns.append(link)
        return len(queue) - before

    def take(self) -> Item:
        queue = self._queues[self._turns[0]]
        item = queue.popleft()
        if queue:
            self._turns.rotate(-1)
        else:
            del self._queues[self._turns.popleft()]
        return item
