"""What casts on one market ask for: no two alike, so that what one of them left in a cache is of no use to the next."""

from __future__ import annotations

import random
from typing import Final

from byway.protocol.facets import Facet, Money, Place, Text, TextSet

KINDS: Final = [f"kind{number}" for number in range(20)]
TAGS: Final = [f"tag{number}" for number in range(12)]
CENTRE: Final = (42_300_000, -71_100_000)  # in millionths of a degree
AROUND: Final = 3_000_000
MOST: Final = 100_000_000  # cents

_TAGS_ASKED: Final = 2


def wish(chance: random.Random) -> dict[str, Facet]:
    """The facets of a cast to which every price is low enough: everything else is by chance."""
    north, east = place(chance)
    return {
        "price": Money("USD", None, MOST),
        "kind": Text(chance.choice(KINDS)),
        "tags": TextSet.of(chance.sample(TAGS, _TAGS_ASKED)),
        "where": Place(north, east, 1_000),
    }


def place(chance: random.Random) -> tuple[int, int]:
    """Latitude and longitude of a place on the market."""
    return CENTRE[0] + chance.randrange(-AROUND, AROUND), CENTRE[1] + chance.randrange(-AROUND, AROUND)
