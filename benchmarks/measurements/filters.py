"""What it costs to find the filters on one topic that a cast does not make false, and to keep them up to date."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from benchmarks.figure import Figure
from benchmarks.limits import VERIFICATION
from benchmarks.measurements.sizes_text import short
from benchmarks.measurements.turns import in_turns
from byway.protocol.facets import Facet, Money, Place, Text, TextSet
from byway.protocol.filter import And, Compare, Filter, Has, In, Near
from byway.protocol.topic import Topic, TopicPattern
from byway.router.index import SubscriptionIndex

CHANGES: Final = 200
EVALUATED: Final = 1000
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


@dataclass(frozen=True, slots=True)
class FilterSizes:
    """Rounds, and numbers of filters on one topic."""

    rounds: int
    sizes: tuple[int, ...]


def measure(sizes: FilterSizes) -> list[Figure]:
    """By number of filters: a find, the same as evaluations of one filter, and a change."""
    return [figure for size in sizes.sizes for figure in _measure(size, sizes.rounds)]


def _measure(size: int, rounds: int) -> list[Figure]:
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

    finds, changes, evaluations, verifications = in_turns(
        [
            lambda: index.find(TOPIC, CAST),
            change,
            lambda: [filter_.evaluate(CAST) for filter_ in filters[:EVALUATED]],
        ],
        rounds,
    )
    name = f"filters_{short(size)}"
    one_by_one = [cost / min(EVALUATED, size) for cost in evaluations]
    return [
        Figure.of(
            f"{name}_ms",
            [cost * 1e3 for cost in finds],
            f"ms of CPU a cast, {size:,} filters on its topic, {hits} hits",
            limit=VERIFICATION,
            in_limits=[cost / verification for cost, verification in zip(finds, verifications, strict=True)],
        ),
        Figure.of(
            f"{name}_evaluations",
            [cost / one for cost, one in zip(finds, one_by_one, strict=True)],
            f"times the evaluation of one filter, instead of {size:,}",
        ),
        Figure.of(
            f"{name}_change_us",
            [cost / CHANGES * 1e6 for cost in changes],
            "µs of CPU to remove one filter and add one",
            limit=VERIFICATION,
            in_limits=[
                cost / CHANGES / verification for cost, verification in zip(changes, verifications, strict=True)
            ],
        ),
    ]


def _filter(chance: random.Random) -> Filter:
    """A seller's: a price, and either kinds and a tag or a place to be near to."""
    least = chance.randrange(100_000, 100_000_000)
    price = Compare(">=", "price", Money("USD", least, least))
    if chance.random() < 0.9:  # noqa: PLR2004 - one seller in ten asks for a place
        return And((price, In("kind", tuple(map(Text, chance.sample(KINDS, 3)))), Has("tags", chance.choice(TAGS))))
    north, east = chance.randrange(-3_000_000, 3_000_000), chance.randrange(-3_000_000, 3_000_000)
    return And((price, Near("where", 42_300_000 + north, -71_100_000 + east, chance.choice([5_000, 10_000, 30_000]))))
