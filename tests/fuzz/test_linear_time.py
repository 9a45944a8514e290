"""Hostile inputs of twice the length take at most 2.2 times as long."""

from __future__ import annotations

from collections.abc import Callable

import msgpack
import pytest

from tests.fuzz.targets import TARGETS, seconds
from tests.fuzz.verdicts import Target

MOST = 2.2
SHORT = 3_500  # bytes, so that twice as many are within the limits of the texts that have any
QUICK_S = 0.002  # what takes no longer than this for the longer input is not measured
HOPELESS_S = 0.2  # no parser may take so long for any input: see HANG_S
ATTEMPTS = 8  # a machine with other work makes a ratio too large, and too small, but not each time

HEADER = b"id,town,tags,pool,beds,baths,area,price,since,lat,lon,eggs\n"

FAMILIES: dict[str, Callable[[int], bytes]] = {
    "spaces": lambda n: b" " * n,
    "spaces in a value": lambda n: b"1" + b" " * n + b"a",
    "spaces in a set": lambda n: b"{a" + b" " * n + b'"}',
    "spaces before a quote": lambda n: b"{" + b" " * n + b'"}',
    "spaces behind from": lambda n: b"from 1" + b" " * n + b"-",
    "slashes": lambda n: b"/" * n,
    "colons": lambda n: b"urn:byway:topic:open" + b":a" * (n // 2),
    "wildcards": lambda n: b"open" + b":*" * (n // 2),
    "rests": lambda n: b"open" + b":**" * (n // 3),
    "percents": lambda n: b"urn:byway:topic:open:" + b"%C3%A9" * (n // 6),
    "parentheses": lambda n: b"(" * n,
    "nots": lambda n: b"!" * n,
    "quotes": lambda n: b'"' * n,
    "backslashes": lambda n: b'"' + b"\\" * n,
    "conjunctions": lambda n: b"known(a)" + b"&&known(a)" * (n // 10),
    "digits": lambda n: b"1" * n,
    "thousands": lambda n: b"1" + b",000" * (n // 4) + b" USD",
    "ranges": lambda n: b"1" + b" to 1" * (n // 5),
    "commas": lambda n: HEADER + b"," * n,
    "rows": lambda n: HEADER + b"a,,,,,,,,,,,\n" * (n // 13),
    "open quotes": lambda n: HEADER + b'"\n' * (n // 2),
    "brackets in an address": lambda n: b"[" + b":" * n + b"]:1",
    "dots in an address": lambda n: b"a" + b"." * n + b":1",
    "nested arrays": lambda n: b"\x91" * n,
    "nested maps": lambda n: b"\x81\xa1a" * (n // 3),
    "one long text": lambda n: b"\xda" + n.to_bytes(2, "big") + b"a" * n,
    "small frames": lambda n: b"\x03" + b"\x00\x00\x00\x04\x92\x10\xc4\x00" * (n // 8),
    "one large frame": lambda n: b"\x03" + (n + 5).to_bytes(4) + b"\x92\x10\xc5" + n.to_bytes(2) + b"a" * n,
    "nested arrays of TOML": lambda n: b"listen=" + b"[" * n,
    "lines of a list of TOML": lambda n: b"listen=[\n" + b"1,\n" * (n // 3) + b"]",
    "settings that mean nothing": lambda n: b"".join(b"a%04d=1\n" % at for at in range(n // 8)),
    "fields of JSON": lambda n: b"\0{" + b",".join(b'"%04d":1' % at for at in range(n // 9)) + b"}",
    "nested JSON": lambda n: b'\0{"topic":' + b"[" * n,
    "fields of a query": lambda n: b"a=1&" * (n // 4),
    "keys": lambda n: b"a" * 52 + b"\n" * n,
    "leaves": lambda n: msgpack.packb([bytes(n // 43 * size) for size in (32, 1, 8, 2)] + [["a"]]),
    "one long string of TOML": lambda n: b"data='" + b"/" * n + b"'",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", list(TARGETS))
def test_twice_the_input_takes_twice_the_time(name: str) -> None:
    slow = [family for family, make in FAMILIES.items() if _grows(TARGETS[name], make)]
    assert slow == []


def _grows(target: Target, make: Callable[[int], bytes]) -> bool:
    """Whether twice as much takes more than MOST times as long, in each attempt."""
    once, twice = make(SHORT), make(2 * SHORT)
    for _ in range(ATTEMPTS):
        if seconds(target, twice) > HOPELESS_S and seconds(target, twice) > HOPELESS_S:
            return True
        longer = min(seconds(target, twice) for _ in range(3))
        if longer <= QUICK_S or longer <= MOST * min(seconds(target, once) for _ in range(3)):
            return False
    return True
