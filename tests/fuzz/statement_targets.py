"""Targets for what is signed: the statement, canonical msgpack, each kind of body, receipts, sealed boxes."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from typing import Final

from nacl import bindings

from byway.protocol import canonical
from byway.protocol.agreement import check_agreement
from byway.protocol.bodies import BODIES, body_of
from byway.protocol.close import check_close
from byway.protocol.limits import MAX_BODY_BYTES, SIZE_CLASSES
from byway.protocol.offer import Offer, check_offer
from byway.protocol.receipt import Receipt
from byway.protocol.seal import TAG_BYTES, Sealed, open_sealed, public_reply_key
from byway.protocol.statement import (
    HEADER,
    SIGNATURE_BYTES,
    VERSION,
    Kind,
    Statement,
    is_signed,
    make_statement,
    parse_statement,
    sign_statement,
)
from byway.protocol.urn import mailbox_urn
from tests.fuzz.verdicts import Target, taken
from tests.vectors.example_deal import BUYER, OUTER, REPLY_KEY, REPLY_SECRET, ROUTER, the_cast
from tests.vectors.notation import LATER, NOW, key, public

_EPHEMERAL: Final = b"\x21" * 32
_NONCE: Final = bytes(24)
_CAST: Final = the_cast()


def statement(data: bytes) -> None:
    """The fixed offsets, the signature, the times, the body."""
    view, _ = taken(partial(parse_statement, data))
    if view is None:
        return
    assert view.data == data
    taken(partial(view.check_times, NOW), "expired", "future-dated")
    _, unsigned = taken(view.verify, "bad-signature")
    assert is_signed(data) is not bool(unsigned)
    taken(partial(body_of, view))


def canonical_msgpack(data: bytes) -> None:
    """The pre-scan is the definition: the fast reader has the same verdict, and gives the same bytes back."""
    codes = ("not-canonical", "duplicate-key", "too-deep", "too-large")
    _, refused = taken(partial(canonical.scan, data, max_bytes=MAX_BODY_BYTES), *codes)
    value, also = taken(partial(canonical.decode, data, max_bytes=MAX_BODY_BYTES), *codes)
    assert also == refused
    if not refused:
        assert canonical.encode(value) == data


def body(kind: Kind, data: bytes) -> None:
    """The bytes as the body of a statement of this kind: what is read can be written, and reads the same."""
    view = _unsigned(kind, data)
    parsed, _ = taken(partial(body_of, view)) if view else (None, "")
    if parsed is not None:
        again = _unsigned(kind, canonical.encode(parsed.wire()))
        assert again is not None
        assert body_of(again) == parsed


def receipt(data: bytes) -> None:
    """Evidence from a file.  Nobody can make it for a statement that the router never saw."""
    parsed, _ = taken(partial(Receipt.from_bytes, data))
    if parsed is not None:
        assert parsed.to_bytes() == data
        _, refused = taken(partial(parsed.verify, bytes(32), public(ROUTER)), "bad-receipt")
        assert refused


def sealed_outside(data: bytes) -> None:
    """The body of a sealed statement, as a stranger makes it, opened by the person that it is for."""
    view = _unsigned(Kind.SEALED, data)
    if view is not None:
        taken(partial(open_sealed, view, REPLY_SECRET))


def sealed_inside(data: bytes) -> None:
    """What is in a box that opens: any bytes; after a `+` any statement, padded right; after a `*` any signed body."""
    plain = data
    if data[:1] == b"*":
        inner = _signed(data[1:])
        plain = _padded(inner)
    elif data[:1] == b"+":
        plain = _padded(data[1:])
    if len(plain) > SIZE_CLASSES[-1]:
        return
    outside = _boxed(plain)
    inside, _ = taken(partial(open_sealed, outside, REPLY_SECRET))
    if inside is not None:
        _read_inside(outside, inside)


def _read_inside(outside: Statement, inside: Statement) -> None:
    """As a person's node reads an offer, and a seller's an agreement or a close."""
    taken(partial(check_agreement, inside, _CAST))
    taken(partial(check_close, inside, _CAST))
    offer, _ = taken(partial(Offer.from_statement, inside))
    if offer is not None:
        taken(partial(check_offer, offer, sealed=outside, reply_key=REPLY_KEY, cast=_CAST), "bad-offer")


def _signed(data: bytes) -> bytes:
    """A statement that the buyer has signed: its kind from the first byte, its body from the rest."""
    kind, written = Kind(data[0] % len(Kind) + 1) if data else Kind.OFFER, data[1:]
    head = HEADER.pack(b"IB", VERSION, kind, public(BUYER), NOW, LATER, len(written))
    view, _ = taken(partial(sign_statement, key(BUYER), head + written), "too-large", "malformed")
    return view.data if view else b""


def _padded(inner: bytes) -> bytes:
    size = next((size for size in SIZE_CLASSES if size >= 4 + len(inner)), 0)
    return (len(inner).to_bytes(4, "big") + inner).ljust(size, b"\0")


def _unsigned(kind: Kind, data: bytes) -> Statement | None:
    """A statement of this kind with any body, none where no statement is that long.  Its signature is never asked."""
    head = HEADER.pack(b"IB", VERSION, kind, public(OUTER), NOW, LATER, len(data))
    view, _ = taken(partial(parse_statement, head + data + bytes(SIGNATURE_BYTES)), "too-large", "malformed")
    return view


def _boxed(plain: bytes) -> Statement:
    """A sealed statement that is right in everything but what is in it."""
    public_key = public_reply_key(_EPHEMERAL)
    shared = bindings.crypto_scalarmult(_EPHEMERAL, REPLY_KEY)
    message = public_key + REPLY_KEY + _CAST.id
    both = blake2b(message, digest_size=64, key=shared, person=b"byway/seal/1").digest()
    bound = b"\x01" + _CAST.id + both[32:]
    box = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, bound, _NONCE, both[:32])
    assert len(box) == len(plain) + TAG_BYTES
    wire = Sealed.from_wire(
        {
            "to": mailbox_urn(_CAST.signer),
            "cast": _CAST.id,
            "serial": 1,
            "suite": 1,
            "key": public_key,
            "commit": both[32:],
            "nonce": _NONCE,
            "box": box,
        }
    ).wire()
    return make_statement(key(OUTER), Kind.SEALED, wire, created=NOW, expires=LATER)


TARGETS: Final[dict[str, Target]] = {
    "statement": statement,
    "canonical": canonical_msgpack,
    **{f"body-{kind.name.lower()}": partial(body, kind) for kind in BODIES},
    "receipt": receipt,
    "sealed-outside": sealed_outside,
    "sealed-inside": sealed_inside,
}
