"""Inputs of which golden vectors say nothing: files of people, requests of programs, rows of a store."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any, Final

from byway.key_file import COMMENT
from byway.protocol import canonical
from byway.protocol.facets import Facet, Money, Text
from byway.protocol.merkle import Frontier, leaf
from byway.protocol.urn import to_base32
from byway.store.high_water import SLOT_BYTES
from byway.store.leaves import Leaves
from byway.store.store import Entry
from intentron.stock.item import StockItem
from tests.fuzz.api_targets import MODELS
from tests.fuzz.store_targets import FORMS, MARK

TOPICS: Final = (
    "open:homes:boston", " urn:byway:topic:open:homes ", "condos", "food:eggs", "open:Homes boston", "codnos:x", "open",
    "URN:BYWAY:TOPIC:open:homes", "open:caf\u00e9:**", "open:caf%c3%a9:*", "homes", "", f"{'a' * 52}:food:**", ":",
    "\x1b[2J",
)  # fmt: skip
PRICES: Final = (
    "4.50 USD", "700,000.00 USD", "-0.05 EUR", "1.500 KWD", "800000 JPY", "0.5 JPY", "1..2 USD", "10 LBR", "1e9 USD",
    "92233720368547758.07 USD", "92233720368547758.08 USD", "9" * 40 + " CLF", " USD",
)  # fmt: skip
WISHES: Final = (
    """\
topic = "open:homes:boston"
offers = 5
terms = ["urn:byway:terms:myterms:sd-base"]
hours = 24
sentence = "two bedrooms by June"
[facets]
beds = "2.."
baths = 1.5
price = "..800000 USD"
move_in = 2027-06-01
zip = ["02127", "02116"]
parking = true
[demand]
"@type" = "Demand"
name = "two-bed condo"
itemOffered = { "@type" = "Apartment", numberOfRooms = 2 }
""",
    '{"topic": "condos", "facets": {"beds": 2, "price": "..800000 USD"}, "demand": {"area": [1, {"b": null}]}}',
    "facets.a.b.c = 1\ndemand = { a = 0x10, b = inf, c = [1979-05-27T07:32:00Z, 07:32:00] }\n",
    "[facets]\nbeds = [\n1,\n2,\n]\nbeds = 3\n",
)
QUERIES: Final = (
    "after=12&wait_s=2.5",
    "cast=C-7K2M",
    "after=-1",
    "after=9223372036854775808",
    "wait_s=nan",
    "x=%00;y",
)
_SHEET: Final = {"list": "homes", "map": "homes", "csv": "id,town\n1,caf\udce9\n", "source": "homes.csv", "only": "A"}


def key_files() -> Iterator[bytes]:
    text = to_base32(bytes(range(32)))
    yield from (
        f"{COMMENT}\n{text}\n".encode(),
        f"\r\n  {text}  ".encode(),
        text[:-1].encode(),
        f"{text}\n{text}".encode(),
    )


def requests() -> Iterator[bytes]:
    wish: dict[str, Any] = {
        "topic": "open:homes:boston",
        "facets": {"beds": "2..", "baths": 1.5, "zip": ["02127"], "pool": True, "rooms": 3},
        "demand": {"@type": "Demand", "name": "a home", "itemOffered": [{"numberOfRooms": 2}, None, "x"]},
        "offers": 5,
        "terms": ["urn:byway:terms:myterms:sd-base"],
        "hours": 24,
        "sentence": "two bedrooms",
    }
    price = {"amount": "4.50", "currency": "USD", "per": "dozen"}
    bodies: list[tuple[int, dict[str, Any]]] = [
        (0, wish),
        (0, wish | {"facets": {"a": 2**70}, "dry_run": True}),
        (0, {"topic": "open:homes", "demand": {"price": 1.5}}),
        (1, {"reason": "price"}),
        (2, {"pattern": "open:homes:**", "filter": "beds >= 2", "name": "homes", "router": None}),
        (3, {"price": "4.50 USD", "title": "Eggs", "description": "fresh", "hours": 2, "terms": None}),
        (4, {"name": "eggs", "stock": "farm", "pattern": "open:food:**", "within_m": 40_000, "price": price}),
        (4, {"name": "a/b", "stock": "s", "pattern": "p", "message": "{name}: {nothing}", "lifetime_hours": 0}),
        (
            4,
            {
                "name": "a",
                "stock": "s",
                "pattern": "p",
                "price": {"amount": 1.5, "currency": "JPY"},
                "message": "{price}",
            },
        ),
    ]
    assert max(model for model, _ in bodies) == len(MODELS) - 1
    yield from (bytes([model]) + json.dumps(body).encode() for model, body in bodies)


def sheets() -> Iterator[bytes]:
    for changes in ({}, {"csv": "\ud800"}, {"source": "\udc80"}, {"lists": 1}, {"\ud800": 1}):
        yield json.dumps(_SHEET | changes).encode()
    yield json.dumps(_SHEET).encode("utf-16")


def items() -> Iterator[bytes]:
    facets: dict[str, Facet] = {"price": Money("USD", 450, 450), "town": Text("port")}
    wire = StockItem("1", "Eggs", facets, seller="Oak", price_label="asked").wire()
    yield canonical.encode(wire)
    yield canonical.encode(wire | {"facets": {"price": ["money", "USD", 2, 1]}})
    yield canonical.encode({name: value for name, value in wire.items() if name != "seller"})


def leaves() -> Iterator[bytes]:
    entries = [Entry(b"", bytes([at]) * 32, 1 + at, f"urn:byway:topic:open:{at % 2}", 1 << at) for at in range(5)]
    yield from (Leaves.of(entries[:count]).to_bytes() for count in range(6))
    whole = Leaves.of(entries)
    yield whole._replace(places=(9, 0, 0, 0, 0)).to_bytes()
    yield whole._replace(ids=whole.ids[:-1]).to_bytes()


def frontiers() -> Iterator[bytes]:
    grown = Frontier()
    yield grown.to_bytes()
    for number in range(6):
        grown.append(leaf(number, bytes(32)))
        yield grown.to_bytes()
    yield grown.to_bytes()[:-1]


def facts() -> Iterator[bytes]:
    own: dict[str, Any] = {"node": b"n" * 32, "chain": bytes(16)}
    for changes in (
        {},
        {"begins": (1 << 40).to_bytes(8, "big"), "previous": b""},
        {"begins": "2"},
        {"previous": b"p" * 32},
    ):
        yield canonical.encode(own | changes)
    yield canonical.encode({"node": None, "chain": 1})
    yield canonical.encode({})


def high_waters() -> Iterator[bytes]:
    for magic, form in FORMS.items():
        packed = form.pack(magic, 2, *MARK[:-1], *(MARK.uptime if magic == b"byway h2" else ()))
        slot = packed + zlib.crc32(packed).to_bytes(4, "big")
        yield slot
        yield slot.ljust(SLOT_BYTES, b"\0") + slot
        yield slot[:-1]
