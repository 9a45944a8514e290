"""The checker's own verdict on an Ed25519 signature: OpenSSL's, and what the page asks for beyond it.

OpenSSL has S < L, the canonical R and the equation without the cofactor; it takes keys in another spelling, and keys
and R of small order (wire-protocol section 1).
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_P: Final = 2**255 - 19
_WITHOUT_SIGN: Final = 2**255 - 1


def _small_order_ys() -> frozenset[int]:
    """The y of all points whose order divides 8.

    Twice a point of order 8 has y = 0: then x^2 = -y^2, and the curve, -x^2 + y^2 = 1 + d x^2 y^2, is
    d y^4 + 2 y^2 = 1.
    """
    d = -121665 * pow(121666, -1, _P) % _P
    ys = {0, 1, _P - 1}
    for root in (_square_root(1 + d), -_square_root(1 + d)):
        square = (root - 1) * pow(d, -1, _P) % _P
        y = _square_root(square)
        if y * y % _P == square:
            ys |= {y, _P - y}
    return frozenset(ys)


def _square_root(square: int) -> int:
    """A root modulo p, if there is one."""
    root = pow(square, (_P + 3) // 8, _P)
    return root if root * root % _P == square else root * pow(2, (_P - 1) // 4, _P) % _P


_SMALL: Final = _small_order_ys()


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` over `message` is one of `key`, by the rules of the page."""
    if not _is_usable(key) or not _is_usable(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_usable(point: bytes) -> bool:
    y = int.from_bytes(point, "little") & _WITHOUT_SIGN
    return y < _P and y not in _SMALL
