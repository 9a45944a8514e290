"""Great-circle distance on the sphere of the protocol."""

from __future__ import annotations

from math import pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.protocol.distance import EARTH_RADIUS_M, distance_m
from byway.protocol.facets import MAX_LATITUDE, MAX_LONGITUDE
from byway.protocol.limits import MAX_METRES

points = st.tuples(st.integers(-MAX_LATITUDE, MAX_LATITUDE), st.integers(-MAX_LONGITUDE, MAX_LONGITUDE))
Point = tuple[int, int]


@given(points, points)
def test_distance_is_symmetric_and_never_more_than_the_limit(here: Point, there: Point) -> None:
    distance = distance_m(*here, *there)
    assert 0 <= distance <= MAX_METRES
    assert distance == pytest.approx(distance_m(*there, *here), abs=1e-3)


@given(points)
def test_a_place_is_no_distance_from_itself(here: Point) -> None:
    assert distance_m(*here, *here) == 0


@given(points)
def test_the_antipode_is_half_the_circumference_away(here: Point) -> None:
    latitude, longitude = here
    opposite = longitude - MAX_LONGITUDE if longitude > 0 else longitude + MAX_LONGITUDE
    assert distance_m(latitude, longitude, -latitude, opposite) == pytest.approx(pi * EARTH_RADIUS_M, abs=1)


@pytest.mark.parametrize(
    ("here", "there", "metres"),
    [
        ((0, 0), (1_000_000, 0), 111_195.08),
        ((0, 0), (0, 1_000_000), 111_195.08),
        ((60_000_000, 0), (60_000_000, 1_000_000), 55_597.0),
        ((0, 179_999_999), (0, -179_999_999), 0.222),
        ((90_000_000, 0), (90_000_000, 180_000_000), 0.0),
        ((42_360_082, -71_058_880), (40_712_776, -74_005_974), 306_108.0),
    ],
)
def test_known_distances(here: Point, there: Point, metres: float) -> None:
    assert distance_m(*here, *there) == pytest.approx(metres, rel=1e-4, abs=0.01)
