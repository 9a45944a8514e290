"""What it costs to find the filters on one topic that a cast does not make false, and to keep them up to date."""

from __future__ import annotations

import random
from typing import Final

from benchmarks.figures import Figure
from benchmarks.match import least_s
from byway.protocol.facets import Facet, Money, Place, Text, TextSet
from byway.protocol.filter import And, Compare, Filter, Has, In, Near
from byway.protocol.topic import Topic, TopicPattern
from byway.router.index import SubscriptionIndex

SIZES: Final = (1_000, 10_000, 100_000)
CHANGES: Final = 200
KINDS: Final = [f"kind{number}" for number in range(20)]
TAGS: Final = [f"tag{number}" for number in range(12)]
TOPIC: Final = Topic("open", ("homes", "boston"))
PATTERN: Final = TopicPattern("open", ("homes", "**"))
CAST: Final[dict[str, Facet]] = {
    "price": Money("USD", None, 30_000_000),
    "kind": Text("kind3"),
    "tags": TextSet.of(["tag1", "tag2"]),
    "where": Place(42_300_000, -71_100_000, 1_000),
}
MOST_HITS: Final = 1_000


def measure() -> list[Figure]:
    """By number of filters: a find as milliseconds and as evaluations of one filter, and a change."""
    return [figure for size in SIZES for figure in _measure(size)]


def _measure(size: int) -> list[Figure]:
    chance = random.Random(size)  # noqa: S311 - the same filters in every run
    filters = [_filter(chance) for _ in range(size)]
    index: SubscriptionIndex[int] = SubscriptionIndex()
    for number, filter_ in enumerate(filters):
        index.add(number, PATTERN, filter_)
    hits = len(index.find(TOPIC, CAST))
    if not 0 < hits <= MOST_HITS:
        raise RuntimeError(f"a cast found {hits} filters")
    changed = chance.sample(range(size), CHANGES)

    def change() -> None:
        for number in changed:
            index.remove(number)
            index.add(number, PATTERN, filters[number])

    find_s, change_s, evaluate_s = least_s(
        [
            lambda: index.find(TOPIC, CAST),
            change,
            lambda: [filter_.evaluate(CAST) for filter_ in filters[:1000]],
        ]
    )
    name = f"filters_{size // 1000}k"
    return [
        Figure(f"{name}_ms", find_s * 1e3, f"milliseconds a cast, {hits} hits", 2 if size == max(SIZES) else None),
        Figure(f"{name}_evaluations", find_s / evaluate_s * 1000, f"evaluations of one filter, instead of {size:,}"),
        Figure(f"{name}_change_us", change_s / CHANGES * 1e6, "microseconds to remove one filter and add one"),
    ]


def _filter(chance: random.Random) -> Filter:
    """A seller's: a price, and either kinds and a tag or a place to be near to."""
    least = chance.randrange(100_000, 100_000_000)
    price = Compare(">=", "price", Money("USD", least, least))
    if chance.random() < 0.9:  # noqa: PLR2004 - one seller in ten asks for a place
        return And((price, In("kind", tuple(map(Text, chance.sample(KINDS, 3)))), Has("tags", chance.choice(TAGS))))
    north, east = chance.randrange(-3_000_000, 3_000_000), chance.randrange(-3_000_000, 3_000_000)
    return And((price, Near("where", 42_300_000 + north, -71_100_000 + east, chance.choice([5_000, 10_000, 30_000]))))
