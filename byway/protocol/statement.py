"""The statement: the one signed, dated, expiring, content-addressed form (wire-protocol section 3).

Length, times and signature are checked from fixed offsets, before the body is decoded.  The exact
bytes are what is signed, hashed, stored and forwarded; a `Statement` is a view of them.
"""

from __future__ import annotations

import enum
import struct
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from nacl.bindings import crypto_sign, crypto_sign_open
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

from byway.errors import StatementError
from byway.protocol import canonical
from byway.protocol.limits import (
    DAY_MS,
    MAX_BODY_BYTES,
    MAX_CLOCK_SKEW_MS,
    MAX_TIME_MS,
    MINUTE_MS,
)
from byway.protocol.urn import statement_urn

VERSION: Final = 1
HEADER: Final = struct.Struct(">2sBB32sQQI")
SIGNATURE_BYTES: Final = 64
MIN_STATEMENT_BYTES: Final = HEADER.size + 1 + SIGNATURE_BYTES
MAX_STATEMENT_BYTES: Final = HEADER.size + MAX_BODY_BYTES + SIGNATURE_BYTES


class Kind(enum.IntEnum):
    """What a statement states (wire-protocol section 3.1)."""

    CAST = 1
    CLOSE = 2
    SEALED = 3
    MAILBOX = 4
    HEAD = 5
    ACKNOWLEDGEMENT = 6
    NOTICE = 7
    RECORD = 8
    AGREEMENT = 9
    HELLO = 10
    OFFER = 11
    DECLINE = 12


LONGEST_LIFETIME_MS: Final[dict[Kind, int]] = {
    Kind.CAST: 30 * DAY_MS,
    Kind.CLOSE: 30 * DAY_MS,
    Kind.SEALED: 30 * DAY_MS,
    Kind.MAILBOX: 60 * DAY_MS,
    Kind.HEAD: MAX_TIME_MS,
    Kind.ACKNOWLEDGEMENT: DAY_MS,
    Kind.NOTICE: 30 * DAY_MS,
    Kind.RECORD: MAX_TIME_MS,
    Kind.AGREEMENT: MAX_TIME_MS,
    Kind.HELLO: 5 * MINUTE_MS,
    Kind.OFFER: 90 * DAY_MS,
    Kind.DECLINE: 30 * DAY_MS,
}

_DOMAINS: Final = {int(kind): (b"byway/1/statement/" + bytes([kind])).ljust(32, b"\0") for kind in Kind}
_KINDS: Final = {int(kind): kind for kind in Kind}  # a dictionary is asked in a fifth of the time of an enumeration
_ID: Final = blake2b(digest_size=32, person=b"byway/statement")


class Statement(NamedTuple):
    """A view of the bytes of one statement.  Its form is checked; its signature may not be yet."""

    data: bytes
    kind: Kind
    signer: bytes
    created: int
    expires: int
    id: bytes

    @property
    def body_bytes(self) -> bytes:
        return self.data[HEADER.size : -SIGNATURE_BYTES]

    @property
    def urn(self) -> str:
        return statement_urn(self.id)

    def body(self) -> dict[str, Any]:
        """The decoded body.  Raises `StatementError` if it is not one canonical map."""
        value = canonical.decode(self.body_bytes, max_bytes=MAX_BODY_BYTES)
        if not isinstance(value, dict):
            raise StatementError("the body is not a map", code="bad-body")
        return value

    def verify(self) -> None:
        """Raise `StatementError` (`bad-signature`) unless libsodium accepts the signature."""
        if not is_signed(self.data):
            raise StatementError(f"{self.urn} is not signed by the key it names", code="bad-signature")

    def check_times(self, now: int) -> None:
        """Raise `future-dated` or `expired` as of `now`, in Unix milliseconds."""
        if self.created > now + MAX_CLOCK_SKEW_MS:
            raise StatementError(f"{self.urn} is dated in the future", code="future-dated")
        self.check_expiry(now)

    def check_expiry(self, now: int) -> None:
        """Raise `expired` as of `now`, in Unix milliseconds."""
        if self.expires <= now:
            raise StatementError(f"{self.urn} has expired", code="expired")


def parse_statement(data: bytes) -> Statement:
    """A view of `data`, whose length, magic, version, kind and lifetime are right.

    Neither the clock nor the signature nor the body has been looked at.  Raises `StatementError`.
    """
    if len(data) > MAX_STATEMENT_BYTES:
        raise StatementError(f"{len(data)} bytes are too many for a statement", code="too-large")
    if len(data) < MIN_STATEMENT_BYTES:
        raise StatementError(f"{len(data)} bytes are too few for a statement", code="malformed")
    magic, version, kind_byte, signer, created, expires, length = HEADER.unpack_from(data)
    if magic != b"IB" or len(data) != HEADER.size + length + SIGNATURE_BYTES:
        raise StatementError("the bytes are not a statement", code="malformed")
    if version != VERSION:
        raise StatementError(f"statement version {version} is not known here", code="unknown-version")
    kind = _KINDS.get(kind_byte)
    if kind is None:
        raise StatementError(f"statement kind {kind_byte} is not known here", code="unknown-kind")
    if not created < expires <= MAX_TIME_MS:
        raise StatementError("created and expires make no lifetime", code="bad-lifetime")
    if expires - created > LONGEST_LIFETIME_MS[kind]:
        raise StatementError(f"a {kind.name.lower()} does not live that long", code="lifetime-too-long")
    return Statement(data, kind, signer, created, expires, statement_id(data))


def statement_id(data: bytes) -> bytes:
    """The id of a statement: over everything but the signature."""
    hasher = _ID.copy()  # sooner done than a new one
    hasher.update(data[:-SIGNATURE_BYTES])
    return hasher.digest()


def is_signed(data: bytes) -> bool:
    """Whether the signature of a well-formed statement is libsodium's verdict 'valid'."""
    body_end = len(data) - SIGNATURE_BYTES
    try:
        crypto_sign_open(data[body_end:] + _DOMAINS[data[3]] + data[:body_end], data[4:36])
    except (BadSignatureError, ValueError, KeyError):
        return False
    return True


def make_statement(key: SigningKey, kind: Kind, body: dict[str, Any], *, created: int, expires: int) -> Statement:
    """A new statement by `key`.  Raises `StatementError` if a reader would refuse its form."""
    return sign_statement(key, unsigned_bytes(bytes(key.verify_key), kind, body, created=created, expires=expires))


def unsigned_bytes(signer: bytes, kind: Kind, body: dict[str, Any], *, created: int, expires: int) -> bytes:
    """Header and body of a statement that has still to be signed.  Signing them is deterministic."""
    packed = canonical.encode(body)
    return HEADER.pack(b"IB", VERSION, kind, signer, created, expires, len(packed)) + packed


def sign_statement(key: SigningKey, unsigned: bytes) -> Statement:
    """Sign header and body; the same bytes give the same statement each time (RFC 8032)."""
    message = _DOMAINS[unsigned[3]] + unsigned
    secret = bytes(key) + bytes(key.verify_key)
    return parse_statement(unsigned + crypto_sign(message, secret)[:SIGNATURE_BYTES])
