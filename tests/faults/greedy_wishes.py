"""Subscriptions of somebody who wants to be in the way: some that nothing meets, and some that everything meets."""

from __future__ import annotations

from random import Random
from typing import Final

from byway.protocol.frames import Subscribe

PLACES: Final = 30  # in a filter that is much work
EVERYTHING: Final = ("open:**", "open:*:**", "open:homes:**", "open:homes:*:**")  # of what an honest publisher says


def unmet(number: int, chance: Random, *, heavy: bool) -> Subscribe:
    """One of many, to a pattern of some kind, with a filter that no cast of an honest publisher meets."""
    pattern = ("open:homes:boston", "open:homes:*", "open:**", "open:*:**")[number % 4]
    known, many = "beds", 100 + chance.randrange(1_000_000)
    wanted: list[object] = [">=", known, ["integer", many, many]]
    if heavy:
        known = "where"
        places = [(chance.randrange(1_000_000), chance.randrange(1_000_000)) for _ in range(PLACES)]
        wanted = ["or", *(["near", known, *place, 20_000] for place in places)]
    return Subscribe(f"{number}", pattern, ["and", ["known", known], wanted], "all", "now", 0)


def met(number: int) -> Subscribe:
    """One of many, to a pattern that every cast of an honest publisher matches; it lets next to nothing come."""
    return Subscribe(f"{number}", EVERYTHING[number % len(EVERYTHING)], None, "all", "now", 0)
