"""A second reader of the golden vectors, built from the page on other libraries than the byway's.

Ed25519, X25519 and ChaCha20-Poly1305 are OpenSSL's here, msgpack is taken apart and put together again.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import Any

import msgpack
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

CONSTANTS = b"expand 32-byte k"


def digest(person: bytes, data: bytes) -> bytes:
    return blake2b(data, digest_size=32, person=person).digest()


def is_good(key: bytes, message: bytes, signature: bytes) -> bool:
    """OpenSSL's verdict, which leaves out some checks that the page asks for."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_signed(data: bytes) -> bool:
    domain = (b"byway/1/statement/" + data[3:4]).ljust(32, b"\0")
    return is_good(data[4:36], domain + data[:-64], data[-64:])


def read(data: bytes) -> dict[str, Any]:
    """The fields of a statement; of its body it only makes sure that sorting the keys changes nothing."""
    magic, version, kind, signer, created, expires, length = struct.unpack(">2sBB32sQQI", data[:56])
    assert (magic, version, length) == (b"IB", 1, len(data) - 120)
    body = msgpack.unpackb(data[56:-64])
    assert msgpack.packb(sort(body)) == data[56:-64]
    return {
        "kind": kind,
        "signer": signer,
        "created": created,
        "expires": expires,
        "body": body,
        "id": digest(b"byway/statement", data[:-64]),
    }


def sort(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: sort(value[key]) for key in sorted(value, key=str.encode)}
    return [sort(item) for item in value] if isinstance(value, list) else value


def open_box(body: dict[str, Any], reply_secret: bytes) -> bytes:
    """What is sealed in the body of a sealed statement (section 6)."""
    reply = X25519PrivateKey.from_private_bytes(reply_secret)
    shared = reply.exchange(X25519PublicKey.from_public_bytes(body["key"]))
    bound = body["key"] + reply.public_key().public_bytes_raw() + body["cast"]
    both = blake2b(bound, digest_size=64, key=shared, person=b"byway/seal/1").digest()
    assert both[32:] == body["commit"]
    subkey = hchacha20(both[:32], body["nonce"][:16])
    plain = ChaCha20Poly1305(subkey).decrypt(
        bytes(4) + body["nonce"][16:], body["box"], b"\x01" + body["cast"] + body["commit"]
    )
    length = int.from_bytes(plain[:4], "big")
    assert len(plain) == min(size for size in (1024, 2048, 4096, 8192, 16_384) if size >= 4 + length)
    assert not any(plain[4 + length :])
    return plain[4 : 4 + length]


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """A block of ChaCha20 without its last step, the addition of what the rounds began with."""
    block = Cipher(ChaCha20(key, nonce), mode=None).encryptor().update(bytes(64))
    words, began = struct.unpack("<16I", block), struct.unpack("<16I", CONSTANTS + key + nonce)
    mixed = [(word - start) % 2**32 for word, start in zip(words, began, strict=True)]
    return struct.pack("<8I", *mixed[:4], *mixed[12:])


def tree_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return digest(b"byway/journal", b"\x01" + tree_root(leaves[:k]) + tree_root(leaves[k:]))


def tree_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162, section 2.1.3.1, over leaf hashes."""
    if len(leaves) == 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if index < k:
        return [*tree_path(index, leaves[:k]), tree_root(leaves[k:])]
    return [*tree_path(index - k, leaves[k:]), tree_root(leaves[:k])]


def tree_leaf(number: int, found: bytes) -> bytes:
    return digest(b"byway/journal", b"\x00" + number.to_bytes(8, "big") + found)
