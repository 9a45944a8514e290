"""Mutations: an input becomes another one that a parser may get further with than with random bytes.

They need no coverage, so that they work wherever the tests do; the fuzzer uses them beside its own.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import msgpack

# Where msgpack may begin: a body or an expression; behind a byte that chooses; a frame of a stream whose first byte
# chooses; the body of a statement.
_STARTS: Final = (0, 1, 2, 5, 56)
_FRAME_START: Final = 5
_STATEMENT_START: Final = 56
_SIGNATURE_BYTES: Final = 64

_WORDS: Final = (
    b"urn:byway:", b"topic:", b"open", b"**", b":*", b"%C3%A9", b"%ED%A0%80", b"\xed\xa0\x80", b"\xc3\xa9", b"\xff",
    b"known(", b"near(", b"money(", b"quantity(", b"timestamp(", b"date(", b' in ["', b"&&", b"||", b"!", b"(", b")",
    b'"', b"\\u", b"\\", b"..", b" to ", b"up to ", b"from ", b"~5km", b"{", b"}", b",", b"1,000,000.00 USD",
    b"9999-12-31", b"0001-01-01", b"T23:59:60Z", b"+14:00", b"-0", b"1e9", b"0" * 40, b"9" * 40, b"NaN", b"[::1]:",
    b"[[", b"]]", b"'''", b'"""', b"\r", b"\n", b"\r\n", b"\t", b"\0", b" " * 64, b"/" * 64, b"=", b"#", b"@", b"!x",
    b"\xef\xbb\xbf", b"1979-05-27T07:32:00Z", b"0x10", b"inf", b"type", b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\\ud800", b"\\udc80", b"null", b'":', b'":[', b"a.a.a.a.", b"0x" + b"f" * 64, b"%00", b"&", b"byway h2",
    b"\xc1", b"\xca\x00\x00\x00\x00", b"\xd4\x01\x00", b"\xcc\x01", b"\xd9\x01a", b"IB\x01", b"\xff\xff\xff\xff",
)  # fmt: skip

_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2**63 - 1, -(2**63), 2**64 - 1, 1.5, float("nan"), "", "!x", "é",
    "urn:byway:topic:open:a",
    b"", bytes(32), [], {}, [[]], {"!": 1}, ["integer", 1, 2], ["and"], ["known", "a"], [0, 0], [10, 1], ["text", "x"],
    "open:**", "127.0.0.1:1", 1_800_000_000_000, ["place", 90_000_000, 180_000_000, 20_100_000], ["money", "USD", 1, 1],
)  # fmt: skip


def mutate(data: bytes, random: Random) -> bytes:
    """`data` with one to four changes, of its bytes or of the msgpack or JSON value in it."""
    for _ in range(random.randint(1, 4)):
        data = random.choice(_CHANGES)(data, random)
    return data


def _flip(data: bytes, random: Random) -> bytes:
    if not data:
        return b"\0"
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def _set(data: bytes, random: Random) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def _insert(data: bytes, random: Random) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + random.choice(_WORDS) + data[at:]


def _delete(data: bytes, random: Random) -> bytes:
    start, end = _span(data, random)
    return data[:start] + data[end:]


def _repeat(data: bytes, random: Random) -> bytes:
    start, end = _span(data, random)
    return data[:end] + data[start:end] * random.choice((1, 1, 2, 20)) + data[end:]


def _tree(data: bytes, random: Random) -> bytes:
    """Another value in the place of the msgpack one, lengths around it made right; other bytes where there is none."""
    for start in random.sample(_STARTS, len(_STARTS)):
        end = len(data) - _SIGNATURE_BYTES if start == _STATEMENT_START else len(data)
        if start == _FRAME_START and len(data) > _FRAME_START:
            end = min(end, start + int.from_bytes(data[1:_FRAME_START], "big"))
        try:
            value = msgpack.unpackb(data[start:end], strict_map_key=False)
            packed = msgpack.packb(_changed(value, random))
        except (ValueError, TypeError, OverflowError, msgpack.UnpackException, RecursionError):
            continue
        if isinstance(value, list | dict):
            return _around(data, start, end, packed)
    return _flip(data, random)


def _json(data: bytes, random: Random) -> bytes:
    """As `_tree`, for JSON, which may stand behind a byte that chooses."""
    for start in (0, 1):
        try:
            value = json.loads(data[start:])
        except (ValueError, RecursionError):
            continue
        if isinstance(value, list | dict):
            return data[:start] + json.dumps(_changed(value, random), default=repr).encode()
    return _flip(data, random)


def _around(data: bytes, start: int, end: int, packed: bytes) -> bytes:
    if start == _FRAME_START:
        return data[:1] + struct.pack(">I", len(packed)) + packed + data[end:]
    if start == _STATEMENT_START:
        return data[:52] + struct.pack(">I", len(packed)) + packed + data[end:]
    return data[:start] + packed + data[end:]


def _changed(value: Any, random: Random) -> Any:
    """The value with one part of it changed, keys in their order."""
    if isinstance(value, dict) and value and random.randrange(4):
        name = random.choice(list(value))
        choice = random.randrange(6)
        changed = {key: part for key, part in value.items() if choice or key != name}
        if choice == 1:
            changed["zz" if random.randrange(2) else "!"] = random.choice(_VALUES)
        elif choice:
            changed[name] = _changed(value[name], random)
        return dict(sorted(changed.items(), key=lambda item: str(item[0]).encode("utf-8", "surrogatepass")))
    if isinstance(value, list) and value and random.randrange(4):
        at = random.randrange(len(value))
        choice = random.randrange(6)
        if choice == 0:
            return value[:at] + value[at + 1 :]
        if choice == 1:
            return value[: at + 1] * random.choice((1, 2, 20)) + value[at:]
        return [*value[:at], _changed(value[at], random), *value[at + 1 :]]
    return _other(value, random)


def _other(value: Any, random: Random) -> Any:
    choice = random.randrange(4)
    if type(value) is int and choice:
        return value + random.choice((-1, 1, 2**31, -(2**40)))
    if isinstance(value, str) and choice > 1:
        text = value.encode("utf-8", "surrogatepass")
        return random.choice((_flip, _insert, _delete))(text, random).decode("utf-8", "replace")
    if isinstance(value, bytes) and choice > 1:
        return random.choice((_flip, _insert, _delete))(value, random)
    if choice == 1:
        return [value]
    return random.choice(_VALUES)


def _span(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + random.choice((1, 1, 2, 4, 16, 64)))


_CHANGES: Final[Sequence[Callable[[bytes, Random], bytes]]] = (
    _flip,
    _set,
    _insert,
    _delete,
    _repeat,
    _tree,
    _tree,
    _tree,
    _json,
)
