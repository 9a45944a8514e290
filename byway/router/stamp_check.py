"""Which stamps are worth something here, and how many bits each prefix is asked for (wire-protocol section 8.8).

Where a prefix hands in more than its share, only those who come from it are asked; where verdicts are waited for too
long, everybody is.  A stamp is checked before the signature beside it: that takes one hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from byway.bucket import FEW, Buckets
from byway.protocol.stamp import Stamp, bits_of
from byway.protocol.statement import statement_id
from byway.router.difficulty import LEEWAY_BITS, Difficulty

Item = tuple[bytes, Stamp | None]

MOST_WAITING: Final = 4096  # statements in line for a verdict: about a third of a second for two cores
REMEMBERED: Final = 32_768  # stamps, and up to twice as many: about five megabytes


class StampCheck:
    """What is asked for by stamps and what they buy.  Plain state; `now` is the time of the event loop, in seconds.

    `statements_per_s` is what stamps may buy for one prefix, beside what it may hand in without; twice as many may come
    at once.
    """

    def __init__(self, node: bytes, *, statements_per_s: float) -> None:
        self._node = node
        self._buckets = Buckets(rate=statements_per_s, burst=2 * statements_per_s)
        self._everywhere = Difficulty()
        self._prefixes: dict[str, Difficulty] = {}
        self._forget_at = FEW
        self._spent: set[tuple[bytes, bytes]] = set()
        self._spent_before: set[tuple[bytes, bytes]] = set()

    def bits(self, prefix: str, now: float) -> int:
        """How many bits those who come from `prefix` are asked for; 0: none."""
        here = self._prefixes.get(prefix)
        return max(self._everywhere.bits(now), here.bits(now) if here else 0)

    def refused(self, prefix: str, now: float) -> None:
        """More than its share is handed in from `prefix`, or by a key in it: whoever comes from there is asked."""
        self._prefixes.setdefault(prefix, Difficulty()).press(now)
        if len(self._prefixes) >= self._forget_at:
            self._prefixes = {name: asked for name, asked in self._prefixes.items() if asked.bits(now)}
            self._forget_at = max(FEW, 2 * len(self._prefixes))

    def waiting(self, statements: int, now: float) -> None:
        """So many statements wait for their verdict: where they are too many, everybody is asked."""
        if statements > MOST_WAITING:
            self._everywhere.press(now)

    def paid(self, items: Sequence[Item], prefix: str, now: float) -> frozenset[int]:
        """The positions of those whose stamp is worth enough; their share is charged, and the stamp is spent."""
        asked = self.bits(prefix, now)
        if not asked:
            return frozenset()
        return frozenset(
            position
            for position, (data, stamp) in enumerate(items)
            if stamp is not None and self._pays(stamp, statement_id(data), asked, prefix, now)
        )

    def _pays(self, stamp: Stamp, beside: bytes, asked: int, prefix: str, now: float) -> bool:
        if bits_of(stamp, self._node, beside) < asked - LEEWAY_BITS:
            return False
        if self._buckets.wait(prefix, now):
            self.refused(prefix, now)
            return False
        spent = (beside, stamp.value)
        if spent in self._spent or spent in self._spent_before:
            return False
        self._spent.add(spent)
        if len(self._spent) >= REMEMBERED:
            self._spent_before, self._spent = self._spent, set()
        self._buckets.spend(prefix, now, 1)
        return True
