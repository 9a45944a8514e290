"""Merkle trees: every path leads to the root, no other does, and a frontier gives the same root as all leaves.

`rfc_root` and `rfc_path` are the definitions of RFC 9162, sections 2.1.1 and 2.1.3.1, word for word.
"""

from __future__ import annotations

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import StatementError
from byway.protocol.merkle import Frontier, leaf, node, paths, root, root_from_path


def digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=32, person=b"byway/journal").digest()


def split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    k = 1
    while 2 * k < size:
        k *= 2
    return k


def rfc_root(entries: list[bytes]) -> bytes:
    if not entries:
        return digest(b"")
    if len(entries) == 1:
        return digest(b"\x00" + entries[0])
    k = split(len(entries))
    return digest(b"\x01" + rfc_root(entries[:k]) + rfc_root(entries[k:]))


def rfc_path(m: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*rfc_path(m, entries[:k]), rfc_root(entries[k:])]
    return [*rfc_path(m - k, entries[k:]), rfc_root(entries[:k])]


def commit(size: int, first: int = 1) -> tuple[list[bytes], list[bytes]]:
    """The entries and the leaves of a commit of `size` statements."""
    ids = [digest(number.to_bytes(4, "big")) for number in range(size)]
    entries = [(first + index).to_bytes(8, "big") + id_ for index, id_ in enumerate(ids)]
    return entries, [leaf(first + index, id_) for index, id_ in enumerate(ids)]


def test_leaves_and_nodes_cannot_be_confused() -> None:
    assert leaf(5, b"i" * 32) == digest(b"\x00" + (5).to_bytes(8, "big") + b"i" * 32)
    assert node(b"l" * 32, b"r" * 32) == digest(b"\x01" + b"l" * 32 + b"r" * 32)


@given(st.integers(0, 200), st.integers(1, 2**40))
def test_the_root_is_that_of_the_rfc(size: int, first: int) -> None:
    entries, leaves = commit(size, first)

    assert root(leaves) == rfc_root(entries)


@pytest.mark.parametrize("size", [*range(1, 20), 31, 32, 33, 64, 65])
def test_every_path_is_that_of_the_rfc_and_leads_to_the_root(size: int) -> None:
    entries, leaves = commit(size)

    for index, path in enumerate(paths(leaves)):
        assert path == rfc_path(index, entries)
        assert root_from_path(leaves[index], index, size, path) == root(leaves)


def test_nothing_has_no_paths() -> None:
    assert paths([]) == []


def leads_to_root(leaves: list[bytes], leaf_hash: bytes, index: int, size: int, path: list[bytes]) -> bool:
    try:
        return root_from_path(leaf_hash, index, size, path) == root(leaves)
    except StatementError:
        return False


@given(st.integers(1, 70), st.data())
def test_no_wrong_path_leads_to_the_root(size: int, data: st.DataObject) -> None:
    _, leaves = commit(size)
    index = data.draw(st.integers(0, size - 1))
    path = paths(leaves)[index]
    other = data.draw(st.integers(-2, size + 2).filter(lambda number: number != index))
    at = data.draw(st.integers(0, max(0, len(path) - 1)))

    assert leads_to_root(leaves, leaves[index], index, size, path)
    assert not leads_to_root(leaves, digest(b"another leaf"), index, size, path)
    assert not leads_to_root(leaves, leaves[index], other, size, path)
    assert not leads_to_root(leaves, leaves[index], index, size, [*path, bytes(32)])
    assert not leads_to_root(leaves, leaves[index], index, size, [bytes(32), *path])
    if path:
        assert not leads_to_root(leaves, leaves[index], index, size, path[:at] + path[at + 1 :])
        assert not leads_to_root(leaves, leaves[index], index, size, [*path[:at], digest(path[at]), *path[at + 1 :]])
        assert not leads_to_root(leaves, leaves[index], index, size, [*path[:at], path[at][:-1], *path[at + 1 :]])
    if len(set(path)) > 1:
        assert not leads_to_root(leaves, leaves[index], index, size, path[::-1])


def test_a_path_of_any_size_ends() -> None:
    """A hostile size costs at most one round for each of its bits."""
    with pytest.raises(StatementError) as refusal:
        root_from_path(bytes(32), 2**63 - 2, 2**63 - 1, [])
    assert refusal.value.code == "bad-receipt"
    assert len(root_from_path(bytes(32), 0, 2**63 - 1, [bytes(32)] * 63)) == 32


def test_a_frontier_gives_the_root_after_each_append() -> None:
    _, leaves = commit(150)
    frontier = Frontier()

    assert frontier.root() == root([])
    for size, leaf_hash in enumerate(leaves, start=1):
        frontier.append(leaf_hash)
        assert frontier.size == size
        assert frontier.root() == root(leaves[:size])


@given(st.integers(0, 100), st.integers(0, 100))
def test_a_frontier_goes_on_from_its_bytes(before: int, after: int) -> None:
    _, leaves = commit(before + after)
    frontier = Frontier()
    for leaf_hash in leaves[:before]:
        frontier.append(leaf_hash)

    again = Frontier.from_bytes(frontier.to_bytes())
    for leaf_hash in leaves[before:]:
        again.append(leaf_hash)

    assert again.root() == root(leaves)
    assert len(frontier.to_bytes()) == 8 + 32 * before.bit_count()


@given(st.binary(max_size=120))
def test_any_bytes_are_a_frontier_or_are_refused(data: bytes) -> None:
    if len(data) >= 8 and len(data) == 8 + 32 * int.from_bytes(data[:8], "big").bit_count():
        assert Frontier.from_bytes(data).to_bytes() == data
        return
    with pytest.raises(StatementError) as refusal:
        Frontier.from_bytes(data)
    assert refusal.value.code == "malformed"
