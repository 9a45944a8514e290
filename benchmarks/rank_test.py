"""Whether rounds differ by more than chance: the exact rank test of Mann and Whitney.

It asks only which of two rounds is the greater, so that it does not matter how far off a bad one is, and it is exact
for as few rounds as there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def chance(lower: Sequence[float], higher: Sequence[float]) -> float:
    """How probable it is that rounds of one and the same figure stand at least as far apart, in this order, as these.

    Two rounds that are equal count half, which is rounded so that less is found.
    """
    against = sum((low > high) + (low == high) / 2 for low in lower for high in higher)
    orders = _orders(len(lower), len(higher))
    return sum(orders[: math.ceil(against) + 1]) / sum(orders)


def _orders(lower: int, higher: int) -> list[int]:
    """In how many orders of so many rounds 0, 1, 2... pairs stand the wrong way round.

    These are the coefficients of the product of (1 - q^(higher + i)) / (1 - q^i) for i from 1 to `lower`.
    """
    pairs = lower * higher
    orders = [1] + [0] * pairs
    for i in range(1, lower + 1):
        for power in range(pairs, higher + i - 1, -1):
            orders[power] -= orders[power - higher - i]
        for power in range(i, pairs + 1):
            orders[power] += orders[power - i]
    return orders
