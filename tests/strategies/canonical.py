"""Values and bytes around canonical msgpack: right ones, nearly right ones, and wrong ones."""

from __future__ import annotations

import struct
from typing import Any, Final

import msgpack
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from byway.protocol import canonical
from byway.protocol.limits import MAX_INTEGER, MIN_INTEGER

EDGES: Final = [edge + by for edge in (0, 2**7, 2**8, 2**15, 2**16, 2**31, 2**32, 2**63 - 1) for by in (-1, 0)]
HEADS: Final = {  # the short form and its bound, the first of the long forms and their widths
    "text": (0xA0, 32, 0xD9, "BHI"),
    "bytes": (0, 0, 0xC4, "BHI"),
    "array": (0x90, 16, 0xDC, "HI"),
    "map": (0x80, 16, 0xDE, "HI"),
}

integers = st.integers(MIN_INTEGER, MAX_INTEGER) | st.sampled_from([*EDGES, *(-edge - 1 for edge in EDGES), -32, -33])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
leaves: SearchStrategy[Any] = st.none() | st.booleans() | integers | texts | st.binary(max_size=40)


def values(max_leaves: int = 12) -> SearchStrategy[Any]:
    """Whatever has a canonical form."""
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=20) | st.dictionaries(texts, inner, max_size=20),
        max_leaves=max_leaves,
    )


def encodings() -> SearchStrategy[bytes]:
    """Canonical bytes."""
    return values().map(canonical.encode)


def plain_encodings() -> SearchStrategy[bytes]:
    """What an ordinary msgpack library writes: floats, extensions, any key, any order."""
    exotic = st.floats() | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=17))
    keys = texts | st.binary(max_size=4) | st.integers(-40, 300)
    trees = st.recursive(
        leaves | exotic | st.integers(0, 2**64 - 1),
        lambda inner: st.lists(inner, max_size=18) | st.dictionaries(keys, inner, max_size=18),
        max_leaves=12,
    )
    return trees.map(msgpack.packb)


@st.composite
def mutated_encodings(draw: DrawFn) -> bytes:
    """Canonical bytes in which a few bytes were changed, put in or left out."""
    data = bytearray(draw(encodings()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        piece = draw(st.binary(max_size=2) | st.sampled_from([b"\xc1", b"\xc7\x00\x01", b"\xd9\x01a", b"\xcc\x01"]))
        data[at : at + draw(st.integers(0, 2))] = piece
    return bytes(data)


@st.composite
def loose_encodings(draw: DrawFn, depth: int = 0) -> bytes:
    """Well-formed msgpack with lengths and integers of any width, and keys in any order, perhaps twice."""
    sort = draw(st.sampled_from(["integer", "text", "bytes", "other", *(["array", "map"] * (depth < 3))]))
    if sort == "integer":
        return _any_width(draw, draw(st.integers(-200, 70_000)))
    if sort == "text":
        text = draw(st.text(max_size=3) if draw(st.booleans()) else texts).encode("utf-8", "surrogatepass")
        return _header(draw, len(text), "text") + text
    if sort == "bytes":
        data = draw(st.binary(max_size=40))
        return _header(draw, len(data), "bytes") + data
    if sort == "other":
        return draw(st.sampled_from([b"\xc0", b"\xc2", b"\xc3", b"\xca\0\0\0\0", b"\xd4\x01\x00", b"\xc7\x00\x05"]))
    inner = loose_encodings(depth + 1)
    if sort == "array":
        items = draw(st.lists(inner, max_size=17))
        return _header(draw, len(items), "array") + b"".join(items)
    keys = draw(st.lists(st.sampled_from([b"\xa1a", b"\xa1b", b"\xa2aa", b"\xd9\x01c", b"\xa0", b"\x01"]), max_size=4))
    if draw(st.booleans()):
        keys.sort()
    return _header(draw, len(keys), "map") + b"".join(key + draw(inner) for key in keys)


def _header(draw: DrawFn, length: int, sort: str) -> bytes:
    """The head of a value of `length`, mostly in its shortest form."""
    short, below, first, widths = HEADS[sort]
    if length < below and draw(st.integers(0, 5)):
        return bytes([short | length])
    fitting = [at for at, width in enumerate(widths) if length < 1 << 8 * struct.calcsize(width)]
    at = fitting[0] if draw(st.integers(0, 5)) else draw(st.sampled_from(fitting))
    return bytes([first + at]) + struct.pack(">" + widths[at], length)


def _any_width(draw: DrawFn, number: int) -> bytes:
    if draw(st.integers(0, 3)):
        return canonical.encode(number)
    forms = []
    for at, width in enumerate("BHIQbhiq"):
        try:
            forms.append(bytes([0xCC + at]) + struct.pack(">" + width, number))
        except struct.error:
            continue
    return draw(st.sampled_from(forms))
