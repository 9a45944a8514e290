"""Sealing: a signed statement that only the holder of one reply key can read (wire-protocol sections 4.4 and 6).

The key is bound to the cast, the reply key and the ephemeral key, and the box is committed to the key, so that
it opens in one way or not at all.  Whoever calls gives the randomness, fresh for every box.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import Annotated, Final, NamedTuple

from nacl import bindings
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey
from pydantic import AfterValidator, Field

from byway.errors import StatementError
from byway.protocol.body import Body, Bytes32, MailboxUrn, Serial, refused
from byway.protocol.limits import SIZE_CLASSES
from byway.protocol.statement import Kind, Statement, parse_statement

SUITE: Final = 1
NONCE_BYTES: Final = bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
TAG_BYTES: Final = bindings.crypto_aead_xchacha20poly1305_ietf_ABYTES

_KEY_BYTES: Final = 32
_LENGTH_BYTES: Final = 4


def _suite(number: int) -> int:
    if number != SUITE:
        raise refused(f"sealing suite {number} is not known here", code="unknown-suite")
    return number


class Sealed(Body):
    """Whom a box is for, which cast it is about, which one counts of several, and the box."""

    kind = Kind.SEALED

    to: MailboxUrn
    cast: Bytes32
    serial: Serial
    suite: Annotated[int, AfterValidator(_suite)]
    key: Bytes32
    commit: Bytes32
    nonce: Annotated[bytes, Field(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]
    box: Annotated[bytes, Field(max_length=SIZE_CLASSES[-1] + TAG_BYTES)]


class _Keys(NamedTuple):
    box: bytes
    commit: bytes


def choose_reply_key(reply: Sequence[tuple[int, bytes]]) -> bytes:
    """The key of the first suite that is known here.  Raises `unknown-suite` if there is none."""
    for suite, key in reply:
        if suite == SUITE:
            return key
    raise StatementError("there is no reply key of a sealing suite that is known here", code="unknown-suite")


def public_reply_key(secret: bytes) -> bytes:
    """The X25519 key that belongs to these 32 secret bytes.  Raises `ValueError` for another length."""
    if len(secret) != _KEY_BYTES:  # the binding does not look, and would read beyond the end
        raise ValueError(f"a secret has {_KEY_BYTES} bytes")
    return bindings.crypto_scalarmult_base(secret)


def seal(
    inner: Statement,
    *,
    to: str,
    cast: bytes,
    serial: int,
    reply_key: bytes,
    outer_key: SigningKey,
    ephemeral_secret: bytes,
    nonce: bytes,
    created: int,
    expires: int,
) -> Statement:
    """The sealed statement by `outer_key` that only the holder of `reply_key` can open.

    `ephemeral_secret` (32 bytes) and `nonce` (24 bytes) are random and used once.  Raises `StatementError`:
    `bad-reply-key` if nothing can be sealed to the key, `too-large` if no size class holds `inner`, or the code
    for which a reader would refuse the result.
    """
    plain = _padded(inner.data)
    public = public_reply_key(ephemeral_secret)
    shared = _agree(ephemeral_secret, reply_key)
    if shared is None:
        raise StatementError("nothing can be sealed to this reply key", code="bad-reply-key")
    keys = _derive(shared, public, reply_key, cast)
    box = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, _bound(cast, keys.commit), nonce, keys.box)
    sealed = Sealed.from_wire(
        {
            "to": to,
            "cast": cast,
            "serial": serial,
            "suite": SUITE,
            "key": public,
            "commit": keys.commit,
            "nonce": nonce,
            "box": box,
        }
    )
    return sealed.sign(outer_key, created=created, expires=expires)


def open_sealed(statement: Statement, reply_secret: bytes) -> Statement:
    """The statement inside, its signature verified, but not its times or its body.

    Raises `StatementError`: `bad-seal` if this secret does not open the box, or if what it opens is not padded as
    it has to be; or the code for which the sealed or the inner statement is refused.
    """
    sealed = Sealed.from_statement(statement)
    public = public_reply_key(reply_secret)
    shared = _agree(reply_secret, sealed.key)
    if shared is None:
        raise _bad_seal("its key is of small order")
    keys = _derive(shared, sealed.key, public, sealed.cast)
    if not compare_digest(keys.commit, sealed.commit):
        raise _bad_seal("it was sealed to another key, or about another cast")
    if len(sealed.box) - TAG_BYTES not in SIZE_CLASSES:
        raise _bad_seal("it has none of the five sizes")
    try:
        plain = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed.box, _bound(sealed.cast, keys.commit), sealed.nonce, keys.box
        )
    except CryptoError:
        raise _bad_seal("it is damaged") from None
    inner = parse_statement(_unpadded(plain))
    inner.verify()
    return inner


def _agree(secret: bytes, public: bytes) -> bytes | None:
    """The shared secret, or None where the other key makes it all zero or is no key."""
    if len(public) != _KEY_BYTES:
        return None
    try:
        return bindings.crypto_scalarmult(secret, public)
    except CryptoError:
        return None


def _derive(shared: bytes, public: bytes, reply_key: bytes, cast: bytes) -> _Keys:
    both = blake2b(public + reply_key + cast, digest_size=64, key=shared, person=b"byway/seal/1").digest()
    return _Keys(both[:32], both[32:])


def _bound(cast: bytes, commit: bytes) -> bytes:
    return bytes([SUITE]) + cast + commit


def _padded(inner: bytes) -> bytes:
    length = _LENGTH_BYTES + len(inner)
    for size in SIZE_CLASSES:
        if length <= size:
            return (len(inner).to_bytes(_LENGTH_BYTES, "big") + inner).ljust(size, b"\0")
    raise StatementError(f"{len(inner)} bytes are too many to be sealed", code="too-large")


def _unpadded(plain: bytes) -> bytes:
    end = _LENGTH_BYTES + int.from_bytes(plain[:_LENGTH_BYTES], "big")
    inner = plain[_LENGTH_BYTES:end]
    if end > SIZE_CLASSES[-1] or plain != _padded(inner):
        raise _bad_seal("it is not padded as it has to be")
    return inner


def _bad_seal(why: str) -> StatementError:
    return StatementError(f"the box cannot be opened: {why}", code="bad-seal")
