"""The kept corpus: a folder of small inputs for each target, and more of them, made from the golden vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from tests.fuzz import examples
from tests.fuzz.file_targets import EVERY_COLUMN
from tests.vectors.notation import load

FOLDER: Final = Path(__file__).parent / "corpus"
_MAPS: Final = Path(__file__).parents[2] / "intentron" / "stock" / "maps"

_SETTINGS: Final = """\
data = "here"
listen = ["127.0.0.1:7400", "[::1]:0"]
stop_deadline_s = 2.5
max_links = 10
terms = ["urn:byway:terms:myterms:sd-base"]
[petnames]
condos = "urn:byway:topic:open:homes:boston:condo"
"""
_SHEET: Final = """\
id,town,tags,pool,beds,baths,area,price,since,lat,lon,eggs
1,East  Town,Oak; ash,Y,2,1.5,1200,"800,000.50",2027-06-01,42.28,-83.74,Y
2,-,n/a,no,-,1,900,1,2027-02-30,91,0,N
1,Port,,,,,,,,,,-
"3 ""quoted""
line",x,y,perhaps,1,2,3,4,5,6,7,8
"""
_FACETS: Final = (
    "2", "2..", "..3", "2..3", "1.5", "beds=2..3", "price=..800000 USD", "up to 800,000.00 USD", "from 2", "2 to 3",
    "10.. LBR", "2027-06-01", "..2027-06-01", "2027-06-01T09:00:00Z", "42.28,-83.74~500m", "42.28, -83.74 ~ 0.5 km",
    "{02127, 02116}", '{"a, b", c}', "true", "condo", "02127", '"2 family \\u00e9"', "2bed", "-0.5..-0.1",
)  # fmt: skip
_NUMBERS: Final = (
    "2.10",
    "-0",
    "0" * 45 + "1",
    "42.280001",
    "2027-06-01",
    "2027-06-01T00:00:00.123+14:00",
    "9999-12-31",
)
_ADDRESSES: Final = (
    "router.example:7400", "[2001:db8::1]:65535", "127.0.0.1:0", "[::ffff:1.2.3.4]:1", "[fe80::1%eth0]:1",
    "urn:byway:node:" + "a" * 52 + "@[::1]:7400",
)  # fmt: skip


def kept(target: str) -> list[Path]:
    """The files of the kept corpus for `target`, in the order of their names."""
    return sorted((FOLDER / target).glob("*"))


def name_of(data: bytes) -> str:
    """What an input's file is called."""
    return blake2b(data, digest_size=8).hexdigest()


def seeds(target: str) -> Iterator[bytes]:
    """Inputs that the golden vectors and the examples above give for `target`."""
    yield from _SEEDS[target]() if target in _SEEDS else _bodies(target.removeprefix("body-"))


def _hex(*names: str) -> Iterator[bytes]:
    for name in names:
        vectors = load(name)
        yield from (bytes.fromhex(case["bytes"]) for case in [*vectors["valid"], *vectors["refused"]])


def _bodies(name: str) -> Iterator[bytes]:
    yield from (data[56:-64] for data in _hex(name) if len(data) > 120)


def _texts(name: str, *parts: str) -> Iterator[bytes]:
    vectors = load(name)
    yield from (str(case["text"]).encode("utf-8", "surrogatepass") for part in parts for case in vectors[part])


def _patterns() -> Iterator[bytes]:
    vectors = load("pattern")
    yield from _texts("pattern", "refused")
    for case in vectors["valid"]:
        yield from (f"{case['text']} {topic}".encode() for topic in [*case["matches"], *case["misses"]])


def _streams(choices: bytes) -> Iterator[bytes]:
    """Streams behind the byte that chooses: single frames, and all the valid ones behind each other."""
    for number, data in enumerate(_hex("frames")):
        yield choices[number % len(choices) :][:1] + data
    yield choices[:1] + b"".join(bytes.fromhex(case["bytes"]) for case in load("frames")["valid"])


def _receipts() -> Iterator[bytes]:
    from byway.protocol import canonical

    for case in load("receipt")["receipts"]:
        evidence: dict[str, Any] = {
            "head": bytes.fromhex(case["head"]),
            "path": [bytes.fromhex(sibling) for sibling in case["path"]],
            "sequence": case["sequence"],
        }
        yield canonical.encode(evidence)


def _inside() -> Iterator[bytes]:
    for kind, name in ((9, "agreement"), (11, "offer"), (12, "decline"), (1, "cast"), (2, "close")):
        yield from (b"+" + data for data in _hex(name))
        yield from (b"*" + bytes([kind - 1]) + body for body in _bodies(name))


def _encoded(*texts: str) -> Iterator[bytes]:
    yield from (text.encode() for text in texts)


_SEEDS: Final[dict[str, Callable[[], Iterator[bytes]]]] = {
    "statement": lambda: _hex("statement", "cast", "head"),
    "canonical": lambda: _hex("canonical"),
    "receipt": _receipts,
    "sealed-outside": lambda: _bodies("sealed"),
    "sealed-inside": _inside,
    "frames": lambda: _streams(b"\x00\x07\x3f"),
    "connection": lambda: _streams(bytes(range(0, 64, 5))),
    "verifier": lambda: _hex("statement", "decline"),
    "urn": lambda: _texts("urn", "valid", "refused"),
    "pattern": _patterns,
    "filter": lambda: _hex("filter"),
    "filter-text": lambda: _texts("filter", "texts", "refused_texts"),
    "facet": lambda: _hex("facet"),
    "facet-text": lambda: _encoded(*_FACETS),
    "topic-text": lambda: _encoded(*examples.TOPICS),
    "price": lambda: _encoded(*examples.PRICES),
    "wish-file": lambda: _encoded(*examples.WISHES),
    "key-file": examples.key_files,
    "request": examples.requests,
    "query": lambda: _encoded(*examples.QUERIES),
    "sheet-request": examples.sheets,
    "item": examples.items,
    "leaves": examples.leaves,
    "frontier": examples.frontiers,
    "meta": examples.facts,
    "high-water": examples.high_waters,
    "address": lambda: _encoded(*_ADDRESSES),
    "number": lambda: _encoded(*_NUMBERS),
    "settings": lambda: _encoded(_SETTINGS, EVERY_COLUMN.read_text("utf-8")),
    "column-map": lambda: (path.read_bytes() for path in [EVERY_COLUMN, *sorted(_MAPS.glob("*.toml"))]),
    "sheet": lambda: _encoded(_SHEET, _SHEET.replace("\n", "\r"), _SHEET.replace("\n", "\r\n")),
}
