"""The two markets: who sells what there, and what the buyer asks for.  Both come out of a stock file, any stock file.

The sellers are chosen so that the story shows every reason for which a cast reaches a seller or does not.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from byway.errors import SetupError
from byway.protocol.distance import distance_m
from byway.protocol.facets import Facet, Place, Text
from intentron.facet_text import parse_facet_text
from intentron.stock.column_map import load_column_map, map_file
from intentron.stock.item import StockItem
from intentron.stock.matching import match
from intentron.stock.sheet import Sheet, load_sheet

BUDGET: Final = "..800000 USD"
ABOVE_BUDGET: Final = "1000000.00"
ANN_ARBOR: Final = (42_280_000, -83_740_000)
NEAR_M: Final = 60_000
FAR_M: Final = 150_000
MANY_ZIPS: Final = 8  # of one seller: enough for a neighbourhood, and a filter that can be read


@dataclass(frozen=True, slots=True)
class Seller:
    """One seller, which keeps the rows of the stock file that are its own."""

    own: str
    title: str
    filter: str
    rule: dict[str, Any]
    reason: str = ""  # why the cast does not reach it; empty: it does
    away: bool = False  # while the cast is published


@dataclass(frozen=True, slots=True)
class Market:
    """One market: its topic below the addressing authority, its stock, its sellers, and the wish."""

    name: str
    petname: str
    segments: str
    column_map: str
    stock: Path
    sheet: Sheet
    wish: dict[str, Any]
    sellers: tuple[Seller, ...]


def homes(stock: Path) -> Market:
    """Homes in Boston: matched by zip and price."""
    sheet = _usable(stock, "homes")
    wanted = _facets("beds=2", f"price={BUDGET}")
    by_seller = {name: items for name, items in sheet.by_seller().items() if name}
    ranked = sorted(by_seller, key=lambda name: (-len(_meeting(wanted, by_seller[name])), name))
    if len(ranked) < 4 or not _meeting(wanted, by_seller[ranked[1]]):  # noqa: PLR2004 - the four of the story
        raise _too_small(stock, "four neighbourhoods, two of them with 2-bed homes under 800,000 USD")
    first, second, *others = ranked
    zips = {name: _zips(_meeting(wanted, by_seller[name])) for name in (first, second)}
    asked = sorted({zips[first][0], zips[second][0]})
    elsewhere = next((name for name in others if not set(asked) & set(_zips(by_seller[name]))), None)
    dear = next((name for name in others if name != elsewhere), None)
    if elsewhere is None or dear is None:
        raise _too_small(stock, "a neighbourhood that shares no zip with the others")
    rule = {"price": {}, "message": "{name}: {price}, {price_label}"}
    return Market(
        name="homes in Boston",
        petname="homes",
        segments="homes:boston",
        column_map="homes",
        stock=stock,
        sheet=sheet,
        wish={
            "facets": {"beds": "2", "price": BUDGET, "zip": "{" + ", ".join(asked) + "}"},
            "demand": {"@type": "Demand", "name": "a home with two bedrooms"},
            "sentence": "2-bed condo near my sister Ruth, under 800k",
        },
        sellers=(
            Seller(first, f"homes in {first}", _zip_filter(zips[first]), rule),
            Seller(second, f"homes in {second}", _zip_filter(zips[second]), rule, away=True),
            Seller(
                elsewhere,
                f"homes in {elsewhere}",
                _zip_filter(_zips(by_seller[elsewhere])),
                rule,
                reason="its zips are not among those asked for",
            ),
            Seller(
                dear,
                f"dear homes in {dear}",
                f'price >= money("{ABOVE_BUDGET}", "USD")',
                rule,
                reason="it sells from 1,000,000 USD up, and the wish ends at 800,000",
            ),
        ),
    )


def food(stock: Path) -> Market:
    """Farm food in Michigan: matched by distance and product flags; the price is the seller's rule's."""
    sheet = _usable(stock, "farm-food")
    wanted = _facets("eggs=true", "vegetables=true")
    counties = {
        name: (_centre(items), items)
        for name, items in sheet.by_seller().items()
        if name and _centre(items) is not None
    }
    far_from = {name: distance_m(*ANN_ARBOR, *centre) for name, (centre, _) in counties.items() if centre}
    ranked = sorted(far_from, key=lambda name: far_from[name])
    near = [name for name in ranked if far_from[name] < NEAR_M * 3 // 4 and _meeting(wanted, counties[name][1])]
    if len(near) < 2 or far_from[ranked[-1]] < FAR_M:  # noqa: PLR2004 - the two of the story
        raise _too_small(stock, "two counties near Ann Arbor with eggs and vegetables, and one far away")
    rule = {
        "within_m": NEAR_M,
        "price": {"amount": "4.50", "currency": "USD", "per": "dozen eggs"},
        "message": "{name}: {price}, fetched at our stall",
    }

    def seller(name: str, *, reason: str = "") -> Seller:
        latitude, longitude = counties[name][0] or ANN_ARBOR
        near_us = f"near(place, {latitude / 1e6:.4f}, {longitude / 1e6:.4f}, {NEAR_M})"
        return Seller(name, f"farms in {name} county", f"{near_us} && eggs != false", rule, reason=reason)

    kilometres = round(far_from[ranked[-1]] / 1000)
    return Market(
        name="farm food in Michigan",
        petname="food",
        segments="food:michigan",
        column_map="farm-food",
        stock=stock,
        sheet=sheet,
        wish={
            "facets": {"place": "42.28,-83.74~500m", "eggs": "true", "vegetables": "true"},
            "demand": {"@type": "Demand", "name": "eggs and vegetables every week"},
            "sentence": "eggs for the four of us in Ann Arbor, and vegetables",
        },
        sellers=(
            seller(near[0]),
            seller(near[1]),
            seller(ranked[-1], reason=f"it is {kilometres} km away"),
        ),
    )


def _facets(*texts: str) -> dict[str, Facet]:
    return dict(parse_facet_text(text) for text in texts)


def _meeting(wanted: dict[str, Facet], items: Sequence[StockItem]) -> list[StockItem]:
    return [item for item in items if match(wanted, item.facets).verdict]


def _zips(items: Sequence[StockItem]) -> list[str]:
    """The zips of these items, the commonest first."""
    found = Counter(facet.text for item in items if isinstance(facet := item.facets.get("zip"), Text))
    return [zip_code for zip_code, _ in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))][:MANY_ZIPS]


def _zip_filter(zips: Sequence[str]) -> str:
    return " || ".join(f'"{zip_code}" in zip' for zip_code in zips)


def _centre(items: Sequence[StockItem]) -> tuple[int, int] | None:
    places = [facet for item in items if isinstance(facet := item.facets.get("place"), Place)]
    if not places:
        return None
    return round(fmean(place.latitude for place in places)), round(fmean(place.longitude for place in places))


def _usable(stock: Path, column_map: str) -> Sheet:
    """The sheet in the file.  Raises `SetupError` that says why, if nothing in it can be used."""
    sheet = load_sheet(stock, load_column_map(column_map))
    if sheet.items:
        return sheet
    raise SetupError(
        f"{stock} cannot be read as the column map {column_map} says: {sheet.problems[0]}",
        code="bad-sheet",
        next_step=f"see which columns it needs: less {shlex.quote(str(map_file(column_map)))}",
    )


def _too_small(stock: Path, needed: str) -> SetupError:
    return SetupError(
        f"{stock} is too small for the story: it needs {needed}",
        code="bad-sheet",
        next_step="make demo, without a file, takes the stock that comes with it",
    )
