"""What it costs to find the subscriptions that a cast is for, among few and among many, at equal hits."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.figures import Figure
from byway.protocol.topic import Topic, TopicPattern
from byway.router.index import SubscriptionIndex

SIZES: Final = (1_000, 1_000_000)
CITIES: Final = 300  # topics that are asked for, by turns
ROUNDS: Final = 7
MEASURED_BYTES: Final = 50_000  # subscriptions; tracing the memory of more takes minutes


def measure() -> list[Figure]:
    """Cost of one find by number of subscriptions, and memory of one."""
    costs_us = {size: _find_us(size) for size in SIZES}
    few, many = (costs_us[size] for size in SIZES)
    return [
        Figure("match_1k_us", few, "microseconds a cast, 1,000 subscriptions"),
        Figure("match_1m_us", many, "microseconds a cast, 1,000,000 subscriptions", 10),
        Figure("match_1m_vs_1k", many / few, "times, at equal hits", 2),
        Figure("match_index_b", _bytes_each(), "bytes a subscription, in the index alone"),
    ]


def _find_us(size: int) -> float:
    index = _index(size)
    topics = [Topic("open", ("homes", f"city{number % (size // 3)}")) for number in range(CITIES)]
    hits = {len(index.find(topic, {})) for topic in topics}
    if hits != {5}:  # three patterns of its own, and two `**` that stand above it
        raise RuntimeError(f"a cast found {hits} subscriptions")
    return least_s([lambda: [index.find(topic, {}) for topic in topics]])[0] / len(topics) * 1e6


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


def _bytes_each() -> float:
    gc.collect()
    tracemalloc.start()
    index = _index(MEASURED_BYTES)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / len(index)


def least_s(functions: Sequence[Callable[[], object]]) -> list[float]:
    """CPU seconds of each, the least of several rounds that take turns."""
    least = [float("inf")] * len(functions)
    gc.collect()
    gc.freeze()
    for _ in range(ROUNDS):
        for position, function in enumerate(functions):
            started = time.thread_time()
            function()
            least[position] = min(least[position], time.thread_time() - started)
    gc.unfreeze()
    return least
