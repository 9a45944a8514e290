"""Leaves are packed and unpacked without a difference, and a changed bit is noticed."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import StoreError
from byway.store.check import key_of, with_check, without_check
from byway.store.leaves import Leaves
from byway.store.store import Entry

entry_lists = st.lists(
    st.builds(
        Entry,
        data=st.just(b""),
        id=st.binary(min_size=32, max_size=32),
        kind=st.integers(1, 255),
        address=st.sampled_from(["", "urn:byway:topic:open:homes", "urn:byway:topic:open:caf%C3%A9"]),
        expires=st.integers(0, 2**63 - 1),
    ),
    min_size=1,
    max_size=20,
)


@given(entry_lists)
def test_leaves_are_unpacked_as_they_were_packed(entries: list[Entry]) -> None:
    leaves = Leaves.from_bytes(Leaves.of(entries).to_bytes())

    assert leaves == Leaves.of(entries)
    assert [leaves.id_at(place) for place in range(len(entries))] == [entry.id for entry in entries]
    assert [leaves.addresses[place] for place in leaves.places] == [entry.address for entry in entries]
    assert list(leaves.kinds) == [entry.kind for entry in entries]


@given(st.binary(max_size=120))
def test_other_bytes_are_no_leaves(data: bytes) -> None:
    with pytest.raises(StoreError) as raised:
        Leaves.from_bytes(data)
    assert raised.value.code == "store-damaged"


@pytest.mark.parametrize(
    "changes",
    [
        {"ids": bytes(63)},
        {"ids": "i" * 64},
        {"kinds": b"\1\1\1"},
        {"kinds": "ab"},
        {"places": bytes(3)},
        {"places": b"\0\1\0\2"},
        {"addresses": ["one", 2]},
        {"addresses": "one"},
        {"addresses": {"one": 1, "two": 2}},
        {"ids": b"", "kinds": b"", "expires": b"", "places": b""},
    ],
    ids=str,
)
def test_leaves_whose_columns_do_not_belong_together_are_refused(changes: dict[str, Any]) -> None:
    """None of them has what is asked of it later."""
    good = {
        "ids": bytes(64),
        "kinds": b"\1\1",
        "expires": bytes(16),
        "places": b"\0\1\0\0",
        "addresses": ["one", "two"],
    }
    assert Leaves.from_bytes(msgpack.packb(list(good.values()))).addresses == ["one", "two"]

    with pytest.raises(StoreError):
        Leaves.from_bytes(msgpack.packb(list((good | changes).values())))


@given(st.lists(entry_lists, min_size=1, max_size=4))
def test_joined_leaves_are_those_of_all_entries(parts: list[list[Entry]]) -> None:
    assert Leaves.joined([Leaves.of(part) for part in parts]) == Leaves.of([entry for part in parts for entry in part])


@given(entry_lists, st.integers(0, 2**63 - 1))
def test_leaves_tell_what_expires_later(entries: list[Entry], instant: int) -> None:
    leaves = Leaves.of(entries)

    later = leaves.expiring_after(instant)

    assert list(later) == [place for place, entry in enumerate(entries) if entry.expires > instant]
    if later:
        assert leaves.soonest(later) == min(entry.expires for entry in entries if entry.expires > instant)


@given(st.binary(max_size=200), st.integers(1, 2**63 - 1), st.data())
def test_one_changed_bit_is_noticed(data: bytes, sequence: int, draw: st.DataObject) -> None:
    stored = with_check(data, sequence)
    bit = draw.draw(st.integers(0, 8 * len(stored) - 1))
    changed = bytearray(stored)
    changed[bit // 8] ^= 1 << bit % 8

    assert without_check(stored, sequence) == data
    assert without_check(bytes(changed), sequence) is None
    assert without_check(stored, sequence ^ 1) is None
    assert without_check(None, sequence) is None


def test_a_changed_field_beside_a_blob_is_noticed() -> None:
    stored = with_check(b"head", key_of(1, 64, 1))

    assert without_check(stored, key_of(1, 64, 1)) == b"head"
    assert without_check(stored, key_of(1, 65, 1)) is None
    assert without_check(stored, key_of(1, None, 1)) is None
