"""The golden vectors of the form itself: heads, times, signatures at every edge, and bodies that are not canonical."""

from __future__ import annotations

from typing import Any

from byway.protocol.limits import MAX_TIME_MS, MINUTE_MS
from byway.protocol.statement import LONGEST_LIFETIME_MS, MAX_STATEMENT_BYTES, Kind
from tests.vectors.edwards import Edge, challenge, edges, mixed_key, with_nonce
from tests.vectors.example_deal import BUYER, DECLINE, NODE_RECORD, OTHER, ROUTER
from tests.vectors.notation import NOW, Vector, damaged, flipped, key, make, message, refused, signed, unsigned, valid

LONGEST = LONGEST_LIFETIME_MS[Kind.DECLINE]
AHEAD = NOW + 2 * MINUTE_MS
SMALL = make(BUYER, Kind.DECLINE, DECLINE)


def head(body: bytes = b"\x80", **changes: Any) -> bytes:
    return signed(BUYER, unsigned(body, **changes))


def statement() -> Vector:
    return {
        "about": "The form of a statement, section 3: good ones, signatures, and refusals in the order of the checks.",
        "valid": [
            valid("small", BUYER, SMALL),
            valid("the longest lifetime", BUYER, make(BUYER, Kind.DECLINE, DECLINE, expires=NOW + LONGEST)),
            valid("two minutes ahead of the clock", BUYER, make(BUYER, Kind.DECLINE, DECLINE, created=AHEAD)),
            valid("all of time", ROUTER, make(ROUTER, Kind.RECORD, NODE_RECORD, created=0, expires=MAX_TIME_MS)),
        ],
        "same_statement": [second_signature()],
        "signatures": [
            *map(signature, edges()),
            signature(mixed_key(), eighth=0),
            signature(mixed_key(), eighth=1),
        ],
        "refused": [refused(name, data, code, now) for name, data, code, now in [*form_faults(), *body_faults()]],
    }


def second_signature() -> Vector:
    """Two good signatures over the same bytes: the same id."""
    unsigned_bytes = SMALL.data[:-64]
    other = with_nonce(bytes(key(BUYER)), nonce=7).sign(message(unsigned_bytes))
    return {"id": SMALL.id.hex(), "first": SMALL.data.hex(), "second": (unsigned_bytes + other).hex()}


def signature(edge: Edge, eighth: int | None = None) -> Vector:
    """The verdict on a signature; `eighth` asks for a message whose challenge leaves this rest by 8."""
    name, text = edge.name, b"statement 0"
    if eighth is not None:
        name += f", challenge {'' if eighth == 0 else 'not '}divisible by 8"
        texts = (b"statement %d" % number for number in range(1000))
        text = next(each for each in texts if challenge(edge.commitment, edge.key, each) % 8 == eighth)
    return {
        "name": name,
        "key": edge.key.hex(),
        "message": text.hex(),
        "signature": edge.sign(text).hex(),
        "good": edge.name == "plain" or eighth == 0,
    }


def form_faults() -> list[tuple[str, bytes, str, int]]:
    small, end = SMALL.data, SMALL.expires
    plain = unsigned(b"\x80")
    cases = [
        ("no bytes", b"", "malformed"),
        ("one byte short of the shortest", head(b""), "malformed"),
        ("longer than the longest", bytes(MAX_STATEMENT_BYTES + 1), "too-large"),
        ("cut", small[:-1], "malformed"),
        ("lengthened", small + b"\0", "malformed"),
        ("magic", head(magic=b"BI"), "malformed"),
        ("length too small", head(length=0), "malformed"),
        ("length too large", head(length=2**32 - 1), "malformed"),
        ("version 0", head(version=0), "unknown-version"),
        ("version 2", head(version=2), "unknown-version"),
        ("kind 0", head(kind=0), "unknown-kind"),
        ("kind 13", head(kind=13), "unknown-kind"),
        ("expires when created", head(expires=NOW), "bad-lifetime"),
        ("after the year 9999", head(kind=8, expires=MAX_TIME_MS + 1), "bad-lifetime"),
        ("times of 64 bits", head(created=2**64 - 2, expires=2**64 - 1), "bad-lifetime"),
        ("lifetime", head(expires=NOW + LONGEST + 1), "lifetime-too-long"),
        ("over two minutes ahead", head(created=AHEAD + 1), "future-dated"),
        ("version, kind, times and signature", unsigned(b"", version=2, kind=0, expires=0) + bytes(65), "malformed"),
        ("version, kind and times", unsigned(b"\x80", version=2, kind=0, expires=0) + bytes(64), "unknown-version"),
        ("kind and times", unsigned(b"\x80", kind=0, expires=0) + bytes(64), "unknown-kind"),
        ("signature and body", unsigned(b"\xc1") + bytes(64), "bad-signature"),
        ("a bit of the signature", flipped(small, -1), "bad-signature"),
        ("a bit of the body", flipped(small, 57), "bad-signature"),
        ("a bit of the key", flipped(small, 4), "bad-signature"),
        ("a bit of created", flipped(small, 43), "bad-signature"),
        ("signed by another key", signed(OTHER, plain), "bad-signature"),
        ("signed as another kind", signed(BUYER, plain, message(plain, kind=1)), "bad-signature"),
        ("signed without a domain", signed(BUYER, plain, plain), "bad-signature"),
        ("signed for version 2", signed(BUYER, plain, message(plain, prefix=b"byway/2/statement/")), "bad-signature"),
    ]
    return [
        *((name, data, code, NOW) for name, data, code in cases),
        ("expired in this millisecond", small, "expired", end),
        ("expired, and a bit of the signature", damaged(SMALL).data, "expired", end),
        *(edge_fault(edge) for edge in edges() if edge.name != "plain"),
    ]


def edge_fault(edge: Edge) -> tuple[str, bytes, str, int]:
    plain = unsigned(b"\x80", signer=edge.key)
    return edge.name, plain + edge.sign(message(plain)), "bad-signature", NOW


def body_faults() -> list[tuple[str, bytes, str, int]]:
    cases = [
        ("no map", b"\x90", "bad-body"),
        ("two values", b"\x80\x80", "not-canonical"),
        ("a float", b"\x81\xa1a\xcb" + bytes(8), "not-canonical"),
        ("keys not sorted", b"\x82\xa1b\x00\xa1a\x00", "not-canonical"),
        ("an integer that is too wide", b"\x81\xa1a\xcc\x01", "not-canonical"),
        ("a key twice", b"\x82\xa1a\x00\xa1a\x00", "duplicate-key"),
        ("17 deep", b"\x81\xa1a" + b"\x91" * 16 + b"\x00", "too-deep"),
        ("4,097 values", b"\x81\xa1a\xdc\x0f\xfe" + bytes(4094), "too-large"),
        ("a field left out", b"\x80", "bad-body"),
    ]
    return [
        *((name, head(body), code, NOW) for name, body, code in cases),
        ("the reserved kind", head(kind=7), "unknown-kind", NOW),
    ]
