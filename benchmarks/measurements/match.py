"""What it costs to find the subscriptions that a cast is for, among few and among many, at equal hits."""

from __future__ import annotations

import gc
import random
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from typing import Final

from benchmarks.figure import Figure
from benchmarks.limits import VERIFICATION
from benchmarks.measurements.sizes_text import short
from benchmarks.measurements.turns import in_turns
from benchmarks.measurements.wishes import wish
from byway.protocol.facets import Facet
from byway.protocol.topic import Topic, TopicPattern
from byway.router.index import SubscriptionIndex

CASTS: Final = 8192  # however many are subscribed, so that reading them costs the same; to other topics if there are
ASKED: Final = 300  # casts that are measured together; the next ones are others
WISHES: Final = 48
HITS: Final = 5  # three patterns of its own, and two `**` that stand above it
MEASURED_BYTES: Final = 50_000  # subscriptions; tracing the memory of more takes minutes


Cast = tuple[Topic, dict[str, Facet]]


@dataclass(frozen=True, slots=True)
class MatchSizes:
    """Rounds, and numbers of subscriptions, the fewest first."""

    rounds: int
    sizes: tuple[int, ...]


def measure(sizes: MatchSizes) -> list[Figure]:
    """Cost of one find by number of subscriptions, and memory of one."""
    indexes = [_index(size) for size in sizes.sizes]
    functions = []
    for index, size in zip(indexes, sizes.sizes, strict=True):
        casts = _casts(size)
        found = {len(index.find(topic, facets)) for topic, facets in casts}
        if found != {HITS}:
            raise RuntimeError(f"casts found {found} subscriptions")
        functions.append(partial(_find, index, cycle(casts)))
    *finds, verifications = in_turns(functions, sizes.rounds)
    figures = []
    few = finds[0]
    for size, find in zip(sizes.sizes, finds, strict=True):
        ratios = [cost / ASKED / verification for cost, verification in zip(find, verifications, strict=True)]
        figures.append(
            Figure.of(
                f"match_{short(size)}_us",
                [cost / ASKED * 1e6 for cost in find],
                f"µs of CPU a cast, {size:,} subscriptions, {HITS} hits",
                limit=VERIFICATION,
                in_limits=ratios,
            )
        )
    for size, find in zip(sizes.sizes[1:], finds[1:], strict=True):
        ratios = [many / one for many, one in zip(find, few, strict=True)]
        name = f"match_{short(size)}_vs_{short(sizes.sizes[0])}"
        figures.append(Figure.of(name, ratios, "times the cost among the fewest, at equal hits"))
    return [
        *figures,
        Figure.of(
            "match_index_b", [_bytes_each(min(MEASURED_BYTES, sizes.sizes[-1]))], "B a subscription, in the index alone"
        ),
    ]


def _casts(size: int) -> list[Cast]:
    """Casts to cities from all over the index, in no order."""
    chance = random.Random(size)  # noqa: S311 - the same casts in every run
    wishes = cycle([wish(chance) for _ in range(WISHES)])
    cities = cycle(chance.sample(range(size // 3), min(CASTS, size // 3)))
    return [
        (Topic("open", ("homes", f"city{city}")), facets)
        for city, facets in islice(zip(cities, wishes, strict=False), CASTS)
    ]


def _find(index: SubscriptionIndex[int], casts: Iterator[Cast]) -> None:
    """Find what the next casts are for."""
    for topic, facets in islice(casts, ASKED):
        index.find(topic, facets)


def _index(size: int) -> SubscriptionIndex[int]:
    """A third exact patterns, a third with a `*`, a third with a final `**`."""
    index: SubscriptionIndex[int] = SubscriptionIndex()
    for number in range(size):
        city = f"city{number // 3}"
        parts = (("homes", city), ("*", city), ("homes", city, "**"))[number % 3]
        index.add(number, TopicPattern("open", parts), None)
    index.add(size, TopicPattern("open", ("homes", "**")), None)
    index.add(size + 1, TopicPattern("open", ("**",)), None)
    return index


def _bytes_each(subscriptions: int) -> float:
    gc.collect()
    tracemalloc.start()
    index = _index(subscriptions)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / len(index)
