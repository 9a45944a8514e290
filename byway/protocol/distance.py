"""Great-circle distance (wire-protocol section 5.2)."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import Final

EARTH_RADIUS_M: Final = 6_371_008.8  # the mean radius of the WGS 84 ellipsoid
MICRO_DEGREES: Final = 1_000_000


def distance_m(latitude: int, longitude: int, other_latitude: int, other_longitude: int) -> float:
    """Metres between two points in micro-degrees, on a sphere, by the haversine formula."""
    here, there = radians(latitude / MICRO_DEGREES), radians(other_latitude / MICRO_DEGREES)
    east = radians((other_longitude - longitude) / MICRO_DEGREES)
    haversine = sin((there - here) / 2) ** 2 + cos(here) * cos(there) * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(min(1.0, haversine)))  # rounding can pass 1 at the antipode
