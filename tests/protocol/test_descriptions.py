"""Facets in words, as people read them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from byway.protocol.descriptions import describe
from byway.protocol.facets import Facet, parse_facet
from byway.protocol.limits import MAX_INSTANT_MS, MIN_DAY
from tests.strategies.facets import facets


@pytest.mark.parametrize(
    ("wire", "words"),
    [
        (["text", "condo"], "condo"),
        (["text", "a\x1b[2J\u202e"], r"a\x1b[2J\u202e"),
        (["boolean", True], "yes"),
        (["boolean", False], "no"),
        (["set", ["cheese", "eggs"]], "cheese, eggs"),
        (["place", 42_280_000, -83_740_000, 500], "within 500 m of 42.28, -83.74"),
        (["place", 0, -1, 0], "at 0, -0.000001"),
        (["place", 1_000_000, 0, 20_000], "within 20,000 m of 1, 0"),
        (["integer", 2, 3], "2 to 3"),
        (["integer", 2, 2], "2"),
        (["integer", None, 2027], "up to 2027"),
        (["decimal", [25, -1], None], "from 2.5"),
        (["date", None, 20_970], "up to 2027-06-01"),
        (["date", MIN_DAY, 0], "0001-01-01 to 1970-01-01"),
        (["instant", 0, 1], "1970-01-01T00:00:00Z to 1970-01-01T00:00:00.001Z"),
        (["instant", None, MAX_INSTANT_MS], "up to 9999-12-31T23:59:59.999Z"),
        (["money", "USD", None, 80_000_000], "up to 800,000.00 USD"),
        (["money", "USD", -5, -5], "-0.05 USD"),
        (["money", "JPY", 1_000, None], "from 1,000 JPY"),
        (["money", "KWD", 1_500, 1_500], "1.500 KWD"),
        (["quantity", "LBR", [1, 1], [125, -1]], "10 to 12.5 lb"),
        (["quantity", "C62", [2, 0], [2, 0]], "2"),
        (["quantity", "XYZ", [15, -1], None], "from 1.5 XYZ"),
    ],
)
def test_a_facet_reads_like_this(wire: list[Any], words: str) -> None:
    assert describe(parse_facet(wire)) == words


@given(facets())
def test_every_facet_can_be_described_without_steering_a_terminal(facet: Facet) -> None:
    assert describe(facet).isprintable()
