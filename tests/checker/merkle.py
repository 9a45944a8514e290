"""The checker's own trees (wire-protocol section 7), as RFC 9162 writes them in sections 2.1.1 and 2.1.3.2."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

HASH_BYTES: Final = 32


def leaf(number: int, digest: bytes) -> bytes:
    """The leaf of a statement by its sequence, or of a commit by its number."""
    return _hash(b"\0" + number.to_bytes(8, "big") + digest)


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over one or more leaves."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:split]), root(leaves[split:]))


def node(left: bytes, right: bytes) -> bytes:
    return _hash(b"\1" + left + right)


def leads_to(wanted: bytes, leaf_hash: bytes, index: int, size: int, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that the leaf is at `index` of the tree with `size` leaves and the root `wanted`."""
    if not 0 <= index < size or any(len(sibling) != HASH_BYTES for sibling in path):
        return False
    number, last, found = index, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            found = node(sibling, found)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            found = node(found, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and found == wanted


class GrowingTree:
    """The root of a tree after each new leaf: complete subtrees, by their number of leaves, largest first."""

    def __init__(self) -> None:
        self._subtrees: list[tuple[int, bytes]] = []

    def append(self, leaf_hash: bytes) -> None:
        size, grown = 1, leaf_hash
        while self._subtrees and self._subtrees[-1][0] == size:
            _, left = self._subtrees.pop()
            size, grown = 2 * size, node(left, grown)
        self._subtrees.append((size, grown))

    def root(self) -> bytes:
        *larger, (_, found) = self._subtrees
        for _, subtree in reversed(larger):
            found = node(subtree, found)
        return found


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=HASH_BYTES, person=b"byway/journal").digest()
