"""The stamp: what may travel beside a statement, so that a busy node takes it first (wire-protocol section 8.8).

A stamp of kind `WORK` is a nonce with which the hash over node, statement and nonce begins with zero bits: each further
bit doubles what it costs to find one, and to check it takes one hash.  It is worth nothing at another node or beside
another statement.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, NamedTuple

from byway.protocol.limits import STAMP_NONCE_BYTES

WORK: Final = 1  # 2 is kept for blind tokens
_HASH_BYTES: Final = 32
_HASH_BITS: Final = 8 * _HASH_BYTES
_NONCES: Final = 1 << 8 * STAMP_NONCE_BYTES


class Stamp(NamedTuple):
    """`value` is the nonce where `kind` is `WORK`; who does not know a kind counts the stamp as none."""

    kind: int
    value: bytes


def bits_of(stamp: Stamp, node: bytes, statement_id: bytes) -> int:
    """The work in a stamp, as the number of leading zero bits; 0 where its kind is not known.

    `node` is the 32-byte key in the URN of the node to which the statement is handed in.
    """
    if stamp.kind != WORK:
        return 0
    return _HASH_BITS - int.from_bytes(_hash(node + statement_id + stamp.value), "big").bit_length()


def mint(node: bytes, statement_id: bytes, bits: int, *, start: int, tries: int) -> Stamp | None:
    """The first stamp of at least `bits` bits among the `tries` nonces from `start` on, if there is one.

    About 2 ** bits tries find one.  Nonces go round after 2 ** 64.
    """
    most = ((1 << _HASH_BITS - bits) - 1).to_bytes(_HASH_BYTES, "big")
    front = node + statement_id
    for number in range(start, start + tries):
        nonce = (number % _NONCES).to_bytes(STAMP_NONCE_BYTES, "big")
        if _hash(front + nonce) <= most:
            return Stamp(WORK, nonce)
    return None


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=_HASH_BYTES, person=b"byway/stamp").digest()
