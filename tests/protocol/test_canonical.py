"""Canonical msgpack: one encoding for each value, and two readers with one verdict."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from byway.errors import StatementError
from byway.protocol import canonical
from byway.protocol.limits import MAX_DEPTH, MAX_INTEGER, MAX_VALUES, MIN_INTEGER
from tests.strategies.canonical import encodings, loose_encodings, mutated_encodings, plain_encodings, values

ROOM = 1_000_000


def scanned(data: bytes, max_bytes: int = ROOM) -> str:
    """The verdict of the definition: a code, or nothing."""
    try:
        canonical.scan(data, max_bytes=max_bytes)
    except StatementError as error:
        return error.code
    return ""


def decoded(data: bytes, max_bytes: int = ROOM) -> str:
    """The verdict of the hot path; what it accepts has to encode to the same bytes."""
    try:
        value = canonical.decode(data, max_bytes=max_bytes)
    except StatementError as error:
        return error.code
    assert canonical.encode(value) == data
    return ""


def nested(depth: int) -> bytes:
    return b"\x91" * depth + b"\xc0"


def pairs(count: int) -> dict[str, int]:
    return {f"{number:04}": 0 for number in range(count)}


@given(st.binary(max_size=60))
@example(b"\xc7\x00\x05")
@example(b"\xd4\xff\x00")
@example(b"\xd9\x20" + b"a" * 32)
@example(b"\x92\xcc\x01" + nested(MAX_DEPTH))
def test_scan_and_decode_agree_on_any_bytes(data: bytes) -> None:
    assert scanned(data) == decoded(data)


@given(mutated_encodings())
def test_scan_and_decode_agree_on_damaged_encodings(data: bytes) -> None:
    assert scanned(data) == decoded(data)


@given(plain_encodings())
def test_scan_and_decode_agree_on_what_an_ordinary_library_writes(data: bytes) -> None:
    assert scanned(data) == decoded(data)


@given(loose_encodings())
def test_scan_and_decode_agree_on_every_form_of_a_value(data: bytes) -> None:
    assert scanned(data) == decoded(data)


@given(encodings(), st.integers(0, 40))
def test_scan_and_decode_agree_on_a_size_limit(data: bytes, max_bytes: int) -> None:
    expected = "too-large" if len(data) > max_bytes else ""
    assert scanned(data, max_bytes) == decoded(data, max_bytes) == expected


@given(values())
def test_a_value_comes_back(value: Any) -> None:
    data = canonical.encode(value)
    assert canonical.decode(data, max_bytes=ROOM) == value
    assert scanned(data) == ""


@given(values())
def test_the_order_in_which_a_map_was_filled_does_not_show(value: Any) -> None:
    def reversed_maps(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: reversed_maps(item[key]) for key in reversed(item)}
        return [reversed_maps(each) for each in item] if isinstance(item, list) else item

    assert canonical.encode(reversed_maps(value)) == canonical.encode(value)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not-canonical"),
        (b"\xc0\xc0", "not-canonical"),
        (b"\xca\x00\x00\x00\x00", "not-canonical"),
        (b"\xcb" + bytes(8), "not-canonical"),
        (b"\xc1", "not-canonical"),
        (b"\xd6\xff\x00\x00\x00\x00", "not-canonical"),
        (b"\xcc\x7f", "not-canonical"),
        (b"\xd0\x01", "not-canonical"),
        (b"\xd0\xe0", "not-canonical"),
        (b"\xcf\x80" + bytes(7), "not-canonical"),
        (b"\xd9\x01a", "not-canonical"),
        (b"\xda\x00\xffa", "not-canonical"),
        (b"\xc5\x00\x01a", "not-canonical"),
        (b"\xdc\x00\x01\xc0", "not-canonical"),
        (b"\xde\x00\x00", "not-canonical"),
        (b"\xa1\xff", "not-canonical"),
        (b"\xa3\xed\xa0\x80", "not-canonical"),
        (b"\xa2\xc0\x80", "not-canonical"),
        (b"\xa2a", "not-canonical"),
        (b"\x81\x01\xc0", "not-canonical"),
        (b"\x81\xc4\x01a\xc0", "not-canonical"),
        (b"\x82\xa1b\xc0\xa1a\xc0", "not-canonical"),
        (b"\x82\xa1a\xc0\xa1a\xc0", "duplicate-key"),
        (nested(MAX_DEPTH + 1), "too-deep"),
        (nested(2000), "too-deep"),
        (b"\x91" * MAX_DEPTH + b"\x90", "too-deep"),
        (b"\x91" * MAX_DEPTH + b"\x80", "too-deep"),
        (b"\xdc" + MAX_VALUES.to_bytes(2, "big") + b"\xc0" * MAX_VALUES, "too-large"),
        (msgpack.packb([pairs(MAX_VALUES // 2 - 1), 0]), "too-large"),
        (b"\xdd\xff\xff\xff\xff", "not-canonical"),
    ],
)
def test_each_fault_has_its_code(data: bytes, code: str) -> None:
    assert scanned(data) == decoded(data) == code


@pytest.mark.parametrize(
    "data",
    [
        nested(MAX_DEPTH),
        canonical.encode([pairs(MAX_VALUES // 2 - 1)]),
        b"\xdc" + (MAX_VALUES - 1).to_bytes(2, "big") + b"\xc0" * (MAX_VALUES - 1),
        canonical.encode(MIN_INTEGER),
        canonical.encode(MAX_INTEGER),
    ],
)
def test_what_just_fits_is_accepted(data: bytes) -> None:
    assert scanned(data) == decoded(data) == ""


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.5, "not-canonical"),
        ({"a": {1, 2}}, "not-canonical"),
        ({1: "a"}, "not-canonical"),
        (msgpack.ExtType(1, b""), "not-canonical"),
        ("\ud800", "not-canonical"),
        ({"\ud800": 1}, "not-canonical"),
        (MAX_INTEGER + 1, "not-canonical"),
        (MIN_INTEGER - 1, "not-canonical"),
        ([0] * MAX_VALUES, "too-large"),
        ({str(number): 0 for number in range(MAX_VALUES // 2)}, "too-large"),
    ],
)
def test_what_has_no_canonical_form_is_not_encoded(value: Any, code: str) -> None:
    with pytest.raises(StatementError) as caught:
        canonical.encode(value)
    assert caught.value.code == code


def test_nesting_that_is_too_deep_is_not_encoded() -> None:
    value: Any = None
    for _ in range(MAX_DEPTH + 1):
        value = [value]
    with pytest.raises(StatementError) as caught:
        canonical.encode(value)
    assert caught.value.code == "too-deep"
