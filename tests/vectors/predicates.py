"""Golden vectors of facets, and of filters with their values, their bytes and their text."""

from __future__ import annotations

from typing import Any

from byway.protocol import canonical
from byway.protocol.limits import MAX_DAY, MAX_INSTANT_MS, MAX_INTEGER, MAX_METRES, MIN_DAY, MIN_INSTANT_MS, MIN_INTEGER
from tests.vectors.notation import Vector, to_json

Wire = list[Any]

DOLLARS_800K = ["money", "USD", 80_000_000, 80_000_000]
CAST: dict[str, Wire] = {
    "price": ["money", "USD", None, 80_000_000],
    "beds": ["integer", 2, 3],
    "kind": ["text", "condo"],
    "pets": ["boolean", True],
    "place": ["place", 42_360_000, -71_060_000, 500],
    "tags": ["set", ["balcony", "garden"]],
    "move": ["date", None, 20_970],
    "weight": ["quantity", "LBR", [5, 0], [1, 1]],
    "rating": ["decimal", [45, -1], [45, -1]],
    "ready": ["instant", 1_000, 2_000],
}
KNOWN = ["known", "beds"]
ABSENT = ["known", "x"]
UNSAID = ["=", "x", ["integer", 1, 1]]


def facet() -> Vector:
    good: list[Wire] = [
        ["text", "condo"],
        ["text", "é" * 128],
        ["boolean", False],
        ["set", ["B", "a", "é"]],
        ["set", [f"{number:02}" for number in range(64)]],
        ["place", -90_000_000, 180_000_000, MAX_METRES],
        ["place", 42_360_000, -71_060_000, 0],
        ["integer", 2, 3],
        ["integer", MIN_INTEGER, MAX_INTEGER],
        ["integer", None, 0],
        ["decimal", [21, -1], [21, -1]],
        ["decimal", [-1, 18], [1, -18]],
        ["decimal", [0, 0], None],
        ["date", 20_970, None],
        ["date", MIN_DAY, MAX_DAY],
        ["instant", 1_800_000_000_000, 1_800_000_000_000],
        ["instant", MIN_INSTANT_MS, MAX_INSTANT_MS],
        ["money", "USD", None, 80_000_000],
        ["money", "JPY", -5, -5],
        ["quantity", "LBR", [25, -1], [3, 0]],
        ["quantity", "4B", None, [1, 1]],
    ]
    bad: list[tuple[str, Any]] = [
        ("no array", "text"),
        ("empty", []),
        ("no such type", ["word", "x"]),
        ("no value", ["text"]),
        ("a value too many", ["text", "x", "y"]),
        ("empty text", ["text", ""]),
        ("257 bytes of text", ["text", "x" * 257]),
        ("258 bytes in 129 characters", ["text", "é" * 129]),
        ("bytes for text", ["text", b"x"]),
        ("an integer for a boolean", ["boolean", 1]),
        ("nil for a boolean", ["boolean", None]),
        ("an empty set", ["set", []]),
        ("a set that is not sorted", ["set", ["b", "a"]]),
        ("a text twice", ["set", ["a", "a"]]),
        ("65 texts", ["set", [f"{number:02}" for number in range(65)]]),
        ("65 bytes in a set", ["set", ["x" * 65]]),
        ("north of the pole", ["place", 90_000_001, 0, 0]),
        ("west of the date line", ["place", 0, -180_000_001, 0]),
        ("a negative precision", ["place", 0, 0, -1]),
        ("a precision larger than the earth", ["place", 0, 0, MAX_METRES + 1]),
        ("both ends open", ["integer", None, None]),
        ("low above high", ["integer", 2, 1]),
        ("an end left out", ["integer", 1]),
        ("a boolean for an integer", ["integer", 1, True]),
        ("a decimal for an integer", ["integer", [1, 0], None]),
        ("a mantissa that ends in zero", ["decimal", [10, 0], None]),
        ("zero with an exponent", ["decimal", [0, 1], None]),
        ("an exponent of 19", ["decimal", [1, 19], None]),
        ("no exponent", ["decimal", [1], None]),
        ("an integer for a decimal", ["decimal", 1, None]),
        ("decimals low above high", ["decimal", [21, -1], [2, 0]]),
        ("a day before the year 1", ["date", MIN_DAY - 1, None]),
        ("a day after the year 9999", ["date", None, MAX_DAY + 1]),
        ("an instant before the year 1", ["instant", MIN_INSTANT_MS - 1, None]),
        ("an instant after the year 9999", ["instant", None, MAX_INSTANT_MS + 1]),
        ("a currency in lower case", ["money", "usd", 1, 1]),
        ("a currency of four letters", ["money", "USDX", 1, 1]),
        ("a unit in lower case", ["quantity", "lbr", [1, 0], None]),
        ("a unit of nine letters", ["quantity", "ABCDEFGHI", [1, 0], None]),
    ]
    return {
        "about": "Facets, section 5.1, in canonical msgpack.  Integers go to both ends of 64 bits.",
        "valid": [{"facet": wire, "bytes": _bytes(wire)} for wire in good],
        "refused": [
            {"name": why, "code": "bad-facet", "facet": to_json(wire), "bytes": _bytes(wire)} for why, wire in bad
        ],
    }


def filter_() -> Vector:
    decided = [
        {"value": "unknown" if value is None else value, "filter": wire, "bytes": _bytes(wire)} | _text(text)
        for value, wire, text in VALUES
    ]
    return {
        "about": "Filters, section 5.2, with their value for `cast`, and their text, section 5.3, where it is given. "
        "`texts` are other spellings; `refused_texts` are no filters.",
        "cast": CAST,
        "valid": decided,
        "texts": [{"text": text, "filter": wire} for text, wire in TEXTS],
        "refused": [
            {"name": why, "code": "bad-filter", "filter": to_json(wire), "bytes": _bytes(wire)} for why, wire in BAD
        ],
        "refused_texts": [{"code": "bad-filter", "text": text} for text in BAD_TEXTS],
    }


def _bytes(wire: Any) -> str:
    return canonical.encode(wire).hex()


def _text(text: str) -> Vector:
    return {"text": text} if text else {}


VALUES: list[tuple[bool | None, Wire, str]] = [
    # presence
    (True, KNOWN, "known(beds)"),
    (False, ABSENT, "known(x)"),
    (None, UNSAID, "x == 1"),
    (None, ["not", UNSAID], "x != 1"),
    (None, ["has", "x", "garden"], '"garden" in x'),
    (None, ["near", "x", 0, 0, 1], "near(x, 0, 0, 1)"),
    (None, ["in", "x", [["integer", 1, 1]]], "x in [1]"),
    # Kleene's and, or, not
    (True, ["and", KNOWN], ""),
    (False, ["and", UNSAID, ABSENT], "x == 1 && known(x)"),
    (None, ["and", KNOWN, UNSAID], "known(beds) && x == 1"),
    (True, ["or", UNSAID, KNOWN], "x == 1 || known(beds)"),
    (None, ["or", ABSENT, UNSAID], "known(x) || x == 1"),
    (False, ["or", ABSENT, ABSENT], "known(x) || known(x)"),
    (False, ["not", KNOWN], "!known(beds)"),
    (True, ["not", ["and", KNOWN, ABSENT]], "!(known(beds) && known(x))"),
    (True, ["and", KNOWN, ["or", UNSAID, KNOWN]], "known(beds) && (x == 1 || known(beds))"),
    # another type, currency or unit
    (None, ["=", "kind", ["integer", 1, 1]], "kind == 1"),
    (None, [">=", "price", ["money", "EUR", 1, 1]], 'price >= money("0.01", "EUR")'),
    (None, ["<", "weight", ["quantity", "KGM", [1, 0], [1, 0]]], 'weight < quantity("1", "KGM")'),
    (None, ["<", "rating", ["integer", 5, 5]], "rating < 5"),
    (None, ["has", "kind", "condo"], '"condo" in kind'),
    # ranges, by overlap
    (True, [">=", "price", ["money", "USD", 70_000_000, 70_000_000]], 'price >= money("700000.00", "USD")'),
    (True, [">=", "price", DOLLARS_800K], 'price >= money("800000.00", "USD")'),
    (False, [">", "price", DOLLARS_800K], 'price > money("800000.00", "USD")'),
    (True, ["<", "price", ["money", "USD", -1, -1]], 'price < money("-0.01", "USD")'),
    (False, ["=", "price", ["money", "USD", 80_000_001, 80_000_001]], 'price == money("800000.01", "USD")'),
    (True, ["=", "beds", ["integer", 3, 3]], "beds == 3"),
    (False, ["not", ["=", "beds", ["integer", 3, 3]]], "beds != 3"),
    (False, ["=", "beds", ["integer", 4, 4]], "beds == 4"),
    (False, ["<", "beds", ["integer", 2, 2]], "beds < 2"),
    (True, ["<=", "beds", ["integer", 2, 2]], "beds <= 2"),
    (False, [">", "beds", ["integer", 3, 3]], "beds > 3"),
    (True, [">=", "beds", ["integer", 3, 3]], "beds >= 3"),
    (True, ["<=", "move", ["date", 1, 1]], 'move <= date("1970-01-02")'),
    (False, [">", "move", ["date", 20_970, 20_970]], 'move > date("2027-06-01")'),
    (True, [">", "ready", ["instant", 1_999, 1_999]], 'ready > timestamp("1970-01-01T00:00:01.999Z")'),
    (True, ["<", "move", ["date", MAX_DAY, MAX_DAY]], 'move < date("9999-12-31")'),
    (True, [">", "ready", ["instant", MIN_INSTANT_MS, MIN_INSTANT_MS]], 'ready > timestamp("0001-01-01T00:00:00Z")'),
    (True, ["=", "rating", ["decimal", [45, -1], [45, -1]]], "rating == 4.5"),
    (True, ["<", "rating", ["decimal", [45_000_001, -7], [45_000_001, -7]]], "rating < 4.5000001"),
    (True, ["=", "weight", ["quantity", "LBR", [1, 1], [1, 1]]], 'weight == quantity("10", "LBR")'),
    # text, boolean, membership
    (True, ["=", "kind", ["text", "condo"]], 'kind == "condo"'),
    (False, ["=", "kind", ["text", "Condo"]], 'kind == "Condo"'),
    (False, ["=", "pets", ["boolean", False]], "pets == false"),
    (True, ["has", "tags", "garden"], '"garden" in tags'),
    (False, ["has", "tags", "pool"], '"pool" in tags'),
    (True, ["in", "kind", [["text", "house"], ["text", "condo"]]], 'kind in ["house", "condo"]'),
    (False, ["in", "kind", [["text", "house"]]], 'kind in ["house"]'),
    (None, ["in", "kind", [["text", "house"], ["integer", 1, 1]]], 'kind in ["house", 1]'),
    (True, ["in", "kind", [["integer", 1, 1], ["text", "condo"]]], 'kind in [1, "condo"]'),
    # distance: the first is 0 m away, the others 1,111.95 m, all stated within 500 m
    (True, ["near", "place", 42_360_000, -71_060_000, 500], "near(place, 42.36, -71.06, 500)"),
    (None, ["near", "place", 42_360_000, -71_060_000, 499], "near(place, 42.36, -71.06, 499)"),
    (True, ["near", "place", 42_370_000, -71_060_000, 1_612], "near(place, 42.37, -71.06, 1612)"),
    (None, ["near", "place", 42_370_000, -71_060_000, 1_611], "near(place, 42.37, -71.06, 1611)"),
    (None, ["near", "place", 42_370_000, -71_060_000, 612], "near(place, 42.37, -71.06, 612)"),
    (False, ["near", "place", 42_370_000, -71_060_000, 611], "near(place, 42.37, -71.06, 611)"),
]

TEXTS: list[tuple[str, Wire]] = [
    ("beds>=2", [">=", "beds", ["integer", 2, 2]]),
    ("((known(beds)))", KNOWN),
    ("a == 2.10", ["=", "a", ["decimal", [21, -1], [21, -1]]]),
    ("a == 2.0", ["=", "a", ["decimal", [2, 0], [2, 0]]]),
    (r'a == "\"\\\n\r\t\u00e9\U0001f3e0"', ["=", "a", ["text", '"\\\n\r\té\U0001f3e0']]),
    ('a == money("5", "JPY")', ["=", "a", ["money", "JPY", 5, 5]]),
    ('a == money("5", "KWD")', ["=", "a", ["money", "KWD", 5_000, 5_000]]),
    ('a == money("5", "XBT")', ["=", "a", ["money", "XBT", 500, 500]]),
    ('a == money("-0.0001", "CLF")', ["=", "a", ["money", "CLF", -1, -1]]),
    ('a == timestamp("1970-01-01T01:00:00.5+01:00")', ["=", "a", ["instant", 500, 500]]),
    ("known(a) && known(b) || known(c)", ["or", ["and", ["known", "a"], ["known", "b"]], ["known", "c"]]),
    ("known(a) || known(b) && known(c)", ["or", ["known", "a"], ["and", ["known", "b"], ["known", "c"]]]),
    ("known(a) && (known(b) && known(c))", ["and", ["known", "a"], ["and", ["known", "b"], ["known", "c"]]]),
    ("!!known(a)", ["not", ["not", ["known", "a"]]]),
    ("known(a) && known(b) && known(c)", ["and", ["known", "a"], ["known", "b"], ["known", "c"]]),
    ("!(a == 1)", ["not", ["=", "a", ["integer", 1, 1]]]),
    ("in in [1]", ["in", "in", [["integer", 1, 1]]]),
]

BAD: list[tuple[str, Any]] = [
    ("no array", "known"),
    ("empty", []),
    ("no such expression", ["xor", KNOWN, KNOWN]),
    ("no operand", ["and"]),
    ("33 operands", ["or", *[KNOWN] * 33]),
    ("two operands of `not`", ["not", KNOWN, KNOWN]),
    ("65 expressions", ["and", *[["or", *[KNOWN] * 20]] * 3, KNOWN]),
    ("nine deep", ["not", ["not", ["not", ["not", ["not", ["not", ["not", ["not", KNOWN]]]]]]]]),
    ("a name in upper case", ["known", "Beds"]),
    ("a name of 33 characters", ["known", "a" * 33]),
    ("an element too many", ["known", "beds", 1]),
    ("a value that is no facet", ["=", "beds", 1]),
    ("a range for a value", ["=", "beds", ["integer", 1, 2]]),
    ("an open range for a value", ["<=", "beds", ["integer", None, 2]]),
    ("a place for a value", ["=", "place", ["place", 0, 0, 0]]),
    ("a set for a value", ["=", "tags", ["set", ["garden"]]]),
    ("an order of texts", ["<", "kind", ["text", "condo"]]),
    ("no values", ["in", "kind", []]),
    ("65 values", ["in", "beds", [["integer", number, number] for number in range(65)]]),
    ("an empty text", ["has", "tags", ""]),
    ("65 bytes of text", ["has", "tags", "x" * 65]),
    ("a day after the year 9999", ["<", "move", ["date", MAX_DAY + 1, MAX_DAY + 1]]),
    ("an instant before the year 1", ["=", "ready", ["instant", MIN_INSTANT_MS - 1, MIN_INSTANT_MS - 1]]),
    ("a negative distance", ["near", "place", 0, 0, -1]),
    ("a distance larger than the earth", ["near", "place", 0, 0, MAX_METRES + 1]),
    ("over 4,096 bytes", ["in", "kind", [["text", f"{number:060}"] for number in range(61)]]),
]

BAD_TEXTS = [
    "",
    "beds",
    "beds = 2",
    "beds >= two",
    "Beds >= 2",
    "!beds == 2",
    "beds >= 2 known(kind)",
    "(beds >= 2",
    "beds in []",
    'kind == "condo',
    r'kind == "\q"',
    r'kind == "\ud800"',
    "pets < true",
    "beds == 9223372036854775808",
    "rating == 1e3",
    'price == money("1.001", "USD")',
    'price == money("0.001", "XBT")',
    'price == money(1, "USD")',
    "rating == 4.",
    "near(place, 1, 2, 3.5)",
    'move == date("2027-02-30")',
    'move == date("0000-12-31")',
    'ready == timestamp("2027-06-01")',
    'ready == timestamp("2027-06-01T00:00:00")',
    'ready == timestamp("2027-06-01T00:00:00.0005Z")',
    'ready == timestamp("9999-12-31T23:59:59-01:00")',
    "near(place, 1.0000001, 2, 3)",
    "near(place, 91, 2, 3)",
]
