"""Merkle trees over the statements of a commit and over the commits of a chain (wire-protocol section 7).

The shape is that of RFC 9162, section 2.1.  `root` and `paths` work on all leaves at once; a `Frontier` grows
by one leaf at a time and keeps only what the next root needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from byway.errors import StatementError

HASH_BYTES: Final = 32

_EMPTY: Final = blake2b(digest_size=HASH_BYTES, person=b"byway/journal")
_SIZE_BYTES: Final = 8


def leaf(number: int, digest: bytes) -> bytes:
    """The leaf for a journal sequence and a statement id, or for a commit's number and its root."""
    return _hash(b"\x00" + number.to_bytes(8, "big") + digest)


def node(left: bytes, right: bytes) -> bytes:
    """The node over two subtrees."""
    return _hash(b"\x01" + left + right)


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes; of none it is the hash of nothing, as in RFC 9162."""
    level = list(leaves)
    while len(level) > 1:
        level = _parents(level)
    return level[0] if level else _hash(b"")


def root_and_paths(leaves: Sequence[bytes]) -> tuple[bytes, list[list[bytes]]]:
    """Both at once: every hash is made one time."""
    found: list[list[bytes]] = [[] for _ in leaves]
    level = list(leaves)
    height = 0
    while len(level) > 1:
        for index, path in enumerate(found):
            sibling = index >> height ^ 1
            if sibling < len(level):
                path.append(level[sibling])
        level = _parents(level)
        height += 1
    return root(level), found


def paths(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The audit path of each leaf, nearest sibling first."""
    return root_and_paths(leaves)[1]


def root_from_path(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root of the tree of `size` leaves in which `path` leads up from the leaf at `index`, counted from 0.

    Raises `StatementError` (`bad-receipt`) if no path of this length or of such hashes belongs to that leaf.
    """
    if not 0 <= index < size or any(len(sibling) != HASH_BYTES for sibling in path):
        raise _no_path()
    siblings = iter(path)
    result, last = leaf_hash, size - 1
    while last:
        if index & 1 or index < last:
            sibling = next(siblings, None)
            if sibling is None:
                raise _no_path()
            result = node(sibling, result) if index & 1 else node(result, sibling)
        index, last = index >> 1, last >> 1
    if next(siblings, None) is not None:
        raise _no_path()
    return result


class Frontier:
    """The roots of the complete subtrees of a growing tree, largest first: one for each bit of its size."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def append(self, leaf_hash: bytes) -> None:
        """Add the next leaf, in amortised constant time."""
        grown, subtrees = leaf_hash, self.size
        while subtrees & 1:
            grown = node(self._subtrees.pop(), grown)
            subtrees >>= 1
        self._subtrees.append(grown)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._subtrees:
            return root([])
        *larger, result = self._subtrees
        for subtree in reversed(larger):
            result = node(subtree, result)
        return result

    def to_bytes(self) -> bytes:
        """The size (8 bytes) and the subtrees."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self._subtrees)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """The frontier that `to_bytes` wrote.  Raises `StatementError` (`malformed`) for other lengths."""
        frontier = cls()
        frontier.size = int.from_bytes(data[:_SIZE_BYTES], "big")
        if len(data) != _SIZE_BYTES + HASH_BYTES * frontier.size.bit_count():
            raise StatementError("the bytes are not the frontier of a tree", code="malformed")
        frontier._subtrees = [data[at : at + HASH_BYTES] for at in range(_SIZE_BYTES, len(data), HASH_BYTES)]
        return frontier


def _hash(data: bytes) -> bytes:
    hasher = _EMPTY.copy()  # half the time of a new one
    hasher.update(data)
    return hasher.digest()


def _parents(level: list[bytes]) -> list[bytes]:
    parents = [node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return parents if len(level) % 2 == 0 else [*parents, level[-1]]


def _no_path() -> StatementError:
    return StatementError("the path does not lead from this leaf to a root", code="bad-receipt")
