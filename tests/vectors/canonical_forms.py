"""Golden vectors of canonical msgpack: values with their one encoding, and bytes that are not one."""

from __future__ import annotations

from typing import Any

from byway.protocol.limits import MAX_DEPTH, MAX_INTEGER, MAX_VALUES, MIN_INTEGER
from tests.vectors.notation import Vector, to_json


def canonical() -> Vector:
    deepest: Any = None
    for _ in range(MAX_DEPTH):
        deepest = [deepest]
    good: list[tuple[str, Any]] = [
        ("c0", None),
        ("c2", False),
        ("c3", True),
        ("00", 0),
        ("7f", 127),
        ("cc80", 128),
        ("ccff", 255),
        ("cd0100", 256),
        ("cdffff", 65_535),
        ("ce00010000", 65_536),
        ("ceffffffff", 2**32 - 1),
        ("cf0000000100000000", 2**32),
        ("cf7fffffffffffffff", MAX_INTEGER),
        ("ff", -1),
        ("e0", -32),
        ("d0df", -33),
        ("d080", -128),
        ("d1ff7f", -129),
        ("d18000", -32_768),
        ("d2ffff7fff", -32_769),
        ("d280000000", -(2**31)),
        ("d3ffffffff7fffffff", -(2**31) - 1),
        ("d38000000000000000", MIN_INTEGER),
        ("a0", ""),
        ("a5636166c3a9", "café"),
        ("bf" + "61" * 31, "a" * 31),
        ("d920" + "61" * 32, "a" * 32),
        ("d9ff" + "61" * 255, "a" * 255),
        ("da0100" + "61" * 256, "a" * 256),
        ("c400", b""),
        ("c403010203", b"\1\2\3"),
        ("c50100" + "00" * 256, bytes(256)),
        ("90", []),
        ("9f" + "c0" * 15, [None] * 15),
        ("dc0010" + "c0" * 16, [None] * 16),
        ("80", {}),
        ("83a14201a16102a2616103", {"B": 1, "a": 2, "aa": 3}),
        ("82a17a01a2c3a902", {"z": 1, "é": 2}),
        ("81a1619281a162c0c3", {"a": [{"b": None}, True]}),
        ("91" * MAX_DEPTH + "c0", deepest),
    ]
    bad = [
        ("", "not-canonical", "no value"),
        ("c0c0", "not-canonical", "a second value"),
        ("c1", "not-canonical", "never used"),
        ("ca00000000", "not-canonical", "a float"),
        ("cb0000000000000000", "not-canonical", "a float"),
        ("d60000000000", "not-canonical", "an extension"),
        ("c70001", "not-canonical", "an empty extension"),
        ("cc7f", "not-canonical", "127 in two bytes"),
        ("cd00ff", "not-canonical", "255 in three bytes"),
        ("ce0000ffff", "not-canonical", "65,535 in five bytes"),
        ("cf00000000ffffffff", "not-canonical", "2^32 - 1 in nine bytes"),
        ("cf8000000000000000", "not-canonical", "2^63"),
        ("d001", "not-canonical", "1 in a signed form"),
        ("d0e0", "not-canonical", "-32 in two bytes"),
        ("d1ff80", "not-canonical", "-128 in three bytes"),
        ("d90161", "not-canonical", "the length of a text in two bytes"),
        ("da00ff" + "61" * 255, "not-canonical", "the length of a text in three bytes"),
        ("c50001ff", "not-canonical", "the length of bytes in three bytes"),
        ("dc0001c0", "not-canonical", "the length of an array in three bytes"),
        ("de0001a161c0", "not-canonical", "the length of a map in three bytes"),
        ("a1ff", "not-canonical", "not UTF-8"),
        ("a2c080", "not-canonical", "overlong UTF-8"),
        ("a3eda080", "not-canonical", "a surrogate"),
        ("a261", "not-canonical", "cut off"),
        ("9201", "not-canonical", "cut off"),
        ("ddffffffff", "not-canonical", "cut off"),
        ("8101c0", "not-canonical", "a key that is an integer"),
        ("81c40161c0", "not-canonical", "a key that is bytes"),
        ("82a162c0a161c0", "not-canonical", "keys that are not sorted"),
        ("82a162c0a26161c0", "not-canonical", "keys that are sorted by length and not by bytes"),
        ("82a161c0a161c0", "duplicate-key", "a key twice"),
        ("91" * (MAX_DEPTH + 1) + "c0", "too-deep", "17 deep"),
        (f"dc{MAX_VALUES:04x}" + "c0" * MAX_VALUES, "too-large", "4,097 values"),
    ]
    return {
        "about": "Canonical msgpack, section 2.  Integers go to both ends of 64 bits: read the numbers exactly.",
        "valid": [{"value": to_json(value), "bytes": data} for data, value in good],
        "refused": [{"name": why, "code": code, "bytes": data} for data, code, why in bad],
    }
