"""What it costs to find the filters on one topic that a cast does not make false, and to keep them up to date."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from benchmarks.figure import Figure
from benchmarks.limits import VERIFICATION
from benchmarks.measurements.sizes_text import short
from benchmarks.measurements.turns import in_turns
from benchmarks.measurements.wishes import KINDS, MOST, TAGS, place, wish
from byway.protocol.facets import Facet, Money, Text
from byway.protocol.filter import And, Compare, Filter, Has, In, Near
from byway.protocol.topic import Topic, TopicPattern
from byway.router.index import SubscriptionIndex

CASTS: Final = 48  # that are looked for by turns
CHANGES: Final = 200
EVALUATED: Final = 1000
TOPIC: Final = Topic("open", ("homes", "boston"))
PATTERN: Final = TopicPattern("open", ("homes", "**"))
FILTERS_A_HIT: Final = 100  # each cast finds one filter of so many

_TRIED: Final = 20 * CASTS

Wish = dict[str, Facet]


@dataclass(frozen=True, slots=True)
class FilterSizes:
    """Rounds, and numbers of filters on one topic."""

    rounds: int
    sizes: tuple[int, ...]


def measure(sizes: FilterSizes) -> list[Figure]:
    """By number of filters: a find, the same as evaluations of one filter, and a change."""
    return [figure for size in sizes.sizes for figure in _measure(size, sizes.rounds)]


def _measure(size: int, rounds: int) -> list[Figure]:
    chance = random.Random(size)  # noqa: S311 - the same filters and casts in every run
    least = [chance.randrange(100_000, MOST) for _ in range(size)]
    filters = [_filter(chance, price) for price in least]
    index: SubscriptionIndex[int] = SubscriptionIndex()
    for number, filter_ in enumerate(filters):
        index.add(number, PATTERN, filter_)
    hits = size // FILTERS_A_HIT
    casts = _casts(chance, index, least, hits)
    changed = chance.sample(range(size), CHANGES)

    def change() -> None:
        for number in changed:
            index.remove(number)
            index.add(number, PATTERN, filters[number])

    finds, changes, evaluations, verifications = in_turns(
        [
            lambda: [index.find(TOPIC, cast) for cast in casts],
            change,
            lambda: [filter_.evaluate(cast) for filter_, cast in zip(filters[:EVALUATED], cycle(casts), strict=False)],
        ],
        rounds,
    )
    name = f"filters_{short(size)}"
    finds = [cost / CASTS for cost in finds]
    one_by_one = [cost / min(EVALUATED, size) for cost in evaluations]
    return [
        Figure.of(
            f"{name}_ms",
            [cost * 1e3 for cost in finds],
            f"ms of CPU a cast, {size:,} filters on its topic, {hits:,} hits",
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


def _filter(chance: random.Random, least: int) -> Filter:
    """A seller's: a price, and either kinds and a tag or a place to be near to."""
    price = Compare(">=", "price", Money("USD", least, least))
    if chance.random() < 0.9:  # noqa: PLR2004 - one seller in ten asks for a place
        return And((price, In("kind", tuple(map(Text, chance.sample(KINDS, 3)))), Has("tags", chance.choice(TAGS))))
    north, east = place(chance)
    return And((price, Near("where", north, east, chance.choice([5_000, 10_000, 30_000]))))


def _casts(chance: random.Random, index: SubscriptionIndex[int], least: Sequence[int], hits: int) -> list[Wish]:
    """Casts by chance, each of which finds `hits` filters, because its price ends at that of the last of these.

    Raises `RuntimeError` if there are too few such casts.
    """
    casts: list[Wish] = []
    for _ in range(_TRIED):
        cast = wish(chance)
        found = sorted(least[number] for number in index.find(TOPIC, cast))
        if len(found) < hits:
            continue
        cast["price"] = Money("USD", None, found[hits - 1])
        if len(index.find(TOPIC, cast)) == hits:
            casts.append(cast)
        if len(casts) == CASTS:
            return casts
    raise RuntimeError(f"only {len(casts)} casts found {hits} filters")
