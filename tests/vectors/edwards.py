"""Signatures at the edges of Ed25519, made with the arithmetic of RFC 8032 section 5.1, for the golden vectors.

Slow and not constant in time: for published keys only.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from hashlib import sha512
from itertools import count
from typing import NamedTuple

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)

SECRET = 0x1234567890ABCDEF  # any scalar will do, the key is nobody's
NONCE = 0xFEDCBA0987654321


class Point(NamedTuple):
    x: int
    y: int

    def __add__(self, other: object) -> Point:
        assert isinstance(other, Point)
        product = D * self.x * other.x * self.y * other.y % P
        x = (self.x * other.y + other.x * self.y) * pow(1 + product, -1, P) % P
        y = (self.y * other.y + self.x * other.x) * pow(1 - product, -1, P) % P
        return Point(x, y)

    def times(self, number: int) -> Point:
        result, power = IDENTITY, self
        while number:
            if number & 1:
                result += power
            power += power
            number >>= 1
        return result

    def encode(self) -> bytes:
        return (self.y | (self.x & 1) << 255).to_bytes(32, "little")


def points(y: int) -> Iterator[Point]:
    """The point with this y and an even x, if there is one."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    for x in (pow(square, (P + 3) // 8, P), pow(square, (P + 3) // 8, P) * SQRT_MINUS_1 % P):
        if x * x % P == square:
            yield Point(P - x if x & 1 else x, y)


IDENTITY = Point(0, 1)
BASE = next(points(4 * pow(5, -1, P) % P))


def torsion() -> Point:
    """A point of order 8."""
    candidates = (found.times(L) for y in count(3) for found in points(y))
    return next(candidate for candidate in candidates if candidate.times(4) != IDENTITY)


def challenge(commitment: bytes, key: bytes, message: bytes) -> int:
    return int.from_bytes(sha512(commitment + key + message).digest(), "little") % L


class Edge(NamedTuple):
    """A way to sign: the bytes of the key and of R, and the secret and nonce that satisfy the equation, or nearly."""

    name: str
    key: bytes
    commitment: bytes
    secret: int
    nonce: int
    more: int = 0

    def sign(self, message: bytes) -> bytes:
        scalar = (self.nonce + challenge(self.commitment, self.key, message) * self.secret) % L + self.more
        return self.commitment + scalar.to_bytes(32, "little")


@cache
def edges() -> tuple[Edge, ...]:
    """Every way to sign at an edge.  For each the equation holds, with or without the factor 8; the first is plain."""
    point, r, eighth = BASE.times(SECRET), BASE.times(NONCE), torsion()
    key, commitment, small, identity = point.encode(), r.encode(), eighth.encode(), IDENTITY.encode()
    beyond, twisted = (P + 1).to_bytes(32, "little"), (1 | 1 << 255).to_bytes(32, "little")
    return (
        Edge("plain", key, commitment, SECRET, NONCE),
        Edge("scalar not below the order", key, commitment, SECRET, NONCE, more=L),
        Edge("key of order 1", identity, commitment, 0, NONCE),
        Edge("key of order 8", small, commitment, 0, NONCE),
        Edge("key of order 1 with y not below p", beyond, commitment, 0, NONCE),
        Edge("key of order 1 with the sign of zero", twisted, commitment, 0, NONCE),
        Edge("R of order 1", key, identity, SECRET, 0),
        Edge("R of order 8", key, small, SECRET, 0),
        Edge("R of order 1 with y not below p", key, beyond, SECRET, 0),
        Edge("R with a part of order 8", key, (r + eighth).encode(), SECRET, NONCE),
        Edge("key and R of order 8", small, small, 0, 0),
    )


@cache
def mixed_key() -> Edge:
    """A key with a part of order 8: without the factor 8 the equation holds only if 8 divides the challenge."""
    key = BASE.times(SECRET) + torsion()
    return Edge("key with a part of order 8", key.encode(), BASE.times(NONCE).encode(), SECRET, NONCE)


def with_nonce(seed: bytes, nonce: int) -> Edge:
    """A good signature of the key with this seed, by another nonce than RFC 8032 takes."""
    wide = sha512(seed).digest()
    secret = int.from_bytes(wide[:32], "little") & (1 << 254) - 8 | 1 << 254
    return Edge("another nonce", BASE.times(secret).encode(), BASE.times(nonce).encode(), secret, nonce)
