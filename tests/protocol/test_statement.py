"""The statement: what is signed, in which order a reader checks, and the code of every refusal."""

from __future__ import annotations

import struct
from hashlib import blake2b, sha512

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import (
    crypto_core_ed25519_scalar_add,
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_reduce,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_sign,
)
from nacl.signing import SigningKey

from byway.errors import CODES, StatementError
from byway.protocol.bodies import body_of
from byway.protocol.limits import MAX_BODY_BYTES, MAX_CLOCK_SKEW_MS, MAX_TIME_MS
from byway.protocol.statement import (
    HEADER,
    LONGEST_LIFETIME_MS,
    MAX_STATEMENT_BYTES,
    MIN_STATEMENT_BYTES,
    Kind,
    Statement,
    is_signed,
    make_statement,
    parse_statement,
    sign_statement,
    statement_id,
    unsigned_bytes,
)
from tests.strategies.statements import statements

KEY = SigningKey(bytes(range(32)))
OTHER_KEY = SigningKey(bytes(32))
CREATED = 1_790_000_000_000
EXPIRES = CREATED + 60_000
BODY = {"offer": bytes(32), "reason": "price"}
ORDER = 2**252 + 27742317777372353535851937790883648493


def small(kind: Kind = Kind.DECLINE) -> Statement:
    return make_statement(KEY, kind, BODY, created=CREATED, expires=EXPIRES)


def forged(**changes: int | bytes) -> bytes:
    """The bytes of a statement with other header fields, signed all the same."""
    body = b"\x80"
    fields: dict[str, int | bytes] = {
        "magic": b"IB",
        "version": 1,
        "kind": 12,
        "signer": bytes(KEY.verify_key),
        "created": CREATED,
        "expires": EXPIRES,
        "length": len(body),
    }
    fields.update(changes)
    signed = struct.pack(">2sBB32sQQI", *fields.values()) + body
    domain = (b"byway/1/statement/" + bytes([signed[3]])).ljust(32, b"\0")
    return signed + crypto_sign(domain + signed, bytes(KEY) + bytes(KEY.verify_key))[:64]


def code_of(data: bytes, now: int = CREATED) -> str:
    """The code for which a reader refuses `data`, or the empty text."""
    try:
        statement = parse_statement(data)
        statement.check_times(now)
        statement.verify()
        body_of(statement)
    except StatementError as refusal:
        return refusal.code
    return ""


def signature_with_another_nonce(data: bytes) -> bytes:
    """Ed25519 as in RFC 8032, with a nonce of our own choice."""
    wide = sha512(bytes(KEY)).digest()[:32]
    secret = bytes([wide[0] & 248, *wide[1:31], wide[31] & 63 | 64])
    nonce = (7).to_bytes(32, "little")
    point = crypto_scalarmult_ed25519_base_noclamp(nonce)
    message = (b"byway/1/statement/" + data[3:4]).ljust(32, b"\0") + data[:-64]
    challenge = crypto_core_ed25519_scalar_reduce(sha512(point + data[4:36] + message).digest())
    reduced = crypto_core_ed25519_scalar_reduce(secret + bytes(32))
    return point + crypto_core_ed25519_scalar_add(nonce, crypto_core_ed25519_scalar_mul(challenge, reduced))


def test_a_statement_has_its_fields_at_the_offsets_of_the_page() -> None:
    data = small().data

    assert data[:4] == b"IB\x01\x0c"
    assert data[4:36] == bytes(KEY.verify_key)
    assert int.from_bytes(data[36:44], "big") == CREATED
    assert int.from_bytes(data[44:52], "big") == EXPIRES
    assert int.from_bytes(data[52:56], "big") == len(data) - 56 - 64
    assert data[56:-64] == small().body_bytes


def test_the_signature_covers_the_domain_and_everything_before_it() -> None:
    data = small().data
    message = (b"byway/1/statement/\x0c" + bytes(13)) + data[:-64]

    assert KEY.verify_key.verify(message, data[-64:]) == message


def test_the_id_leaves_the_signature_out() -> None:
    data = small().data

    assert small().id == blake2b(data[:-64], digest_size=32, person=b"byway/statement").digest()
    assert small().urn.startswith("urn:byway:statement:")


def test_a_second_valid_signature_makes_the_same_statement() -> None:
    """A signer can choose another nonce; what it states stays one statement."""
    first = small()
    second = parse_statement(first.data[:-64] + signature_with_another_nonce(first.data))

    second.verify()
    assert second.data != first.data
    assert second.id == first.id


@given(statements())
def test_a_statement_survives_its_bytes(statement: Statement) -> None:
    again = parse_statement(statement.data)

    again.verify()
    assert again == statement
    assert again.body() == statement.body()
    assert again.id == statement_id(statement.data)


def test_signing_again_gives_the_same_bytes() -> None:
    unsigned = unsigned_bytes(bytes(KEY.verify_key), Kind.DECLINE, BODY, created=CREATED, expires=EXPIRES)

    assert sign_statement(KEY, unsigned).data == sign_statement(KEY, unsigned).data == small().data


def test_any_flipped_bit_is_refused() -> None:
    data = small().data

    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert code_of(bytes(flipped)), f"bit {bit}"


@given(statements(), st.data())
def test_any_flipped_bit_of_any_kind_is_refused(statement: Statement, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, 8 * len(statement.data) - 1))
    flipped = bytearray(statement.data)
    flipped[bit // 8] ^= 1 << bit % 8

    assert code_of(bytes(flipped), now=statement.created)


@given(st.binary(max_size=400))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    assert code_of(data) in CODES


@given(st.binary(max_size=200), st.integers(0, 255), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_any_header_and_body_parse_or_are_refused(body: bytes, kind: int, created: int, expires: int) -> None:
    data = HEADER.pack(b"IB", 1, kind, bytes(32), created, expires, len(body)) + body + bytes(64)

    assert code_of(data) in CODES


@given(statements(), st.integers(0, 400), st.binary(max_size=8))
def test_a_cut_or_lengthened_statement_is_malformed(statement: Statement, kept: int, more: bytes) -> None:
    if kept < len(statement.data):
        assert code_of(statement.data[:kept]) == "malformed"
    if more and len(statement.data) < MAX_STATEMENT_BYTES - 8:
        assert code_of(statement.data + more) == "malformed"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed"),
        (bytes(MIN_STATEMENT_BYTES - 1), "malformed"),
        (bytes(MAX_STATEMENT_BYTES + 1), "too-large"),
        (forged(magic=b"BI"), "malformed"),
        (forged(length=2), "malformed"),
        (forged(length=2**32 - 1), "malformed"),
        (forged(version=0), "unknown-version"),
        (forged(version=2), "unknown-version"),
        (forged(kind=0), "unknown-kind"),
        (forged(kind=13), "unknown-kind"),
        (forged(expires=CREATED), "bad-lifetime"),
        (forged(expires=CREATED - 1), "bad-lifetime"),
        (forged(expires=MAX_TIME_MS + 1), "bad-lifetime"),
        (forged(created=2**64 - 1, expires=2**64 - 1), "bad-lifetime"),
        (forged(expires=CREATED + LONGEST_LIFETIME_MS[Kind.DECLINE] + 1), "lifetime-too-long"),
        (forged(created=CREATED + MAX_CLOCK_SKEW_MS + 1, expires=EXPIRES + MAX_CLOCK_SKEW_MS), "future-dated"),
        (forged(created=CREATED - 60_000, expires=CREATED), "expired"),
        (forged(signer=bytes(OTHER_KEY.verify_key)), "bad-signature"),
        (forged(), "bad-body"),
        (forged(kind=7), "unknown-kind"),
    ],
)
def test_each_fault_has_its_code(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_checks_come_in_the_order_of_the_page() -> None:
    """Every fault that comes later is present too, and the earliest one gives the code."""
    faults: list[tuple[str, dict[str, int | bytes]]] = [
        ("malformed", {"magic": b"XX"}),
        ("unknown-version", {"version": 9}),
        ("unknown-kind", {"kind": 99}),
        ("bad-lifetime", {"created": EXPIRES, "expires": EXPIRES}),
    ]
    while faults:
        changes: dict[str, int | bytes] = {}
        for _, change in faults:
            changes |= change
        data = forged(**changes)
        assert code_of(data[:-64] + bytes(64)) == faults.pop(0)[0]

    long = LONGEST_LIFETIME_MS[Kind.DECLINE] + 1
    future = CREATED + MAX_CLOCK_SKEW_MS + 1
    unsigned = forged(created=future, expires=future + long)[:-64] + bytes(64)
    assert code_of(unsigned) == "lifetime-too-long"
    unsigned = forged(created=future, expires=future + 1)[:-64] + bytes(64)
    assert code_of(unsigned) == "future-dated"
    assert code_of(unsigned, now=future + 1) == "expired"
    assert code_of(unsigned, now=future) == "bad-signature"


def test_a_statement_is_current_from_two_minutes_before_created_until_it_expires() -> None:
    statement = small()

    statement.check_times(CREATED - MAX_CLOCK_SKEW_MS)
    statement.check_times(EXPIRES - 1)
    with pytest.raises(StatementError) as refusal:
        statement.check_times(CREATED - MAX_CLOCK_SKEW_MS - 1)
    assert refusal.value.code == "future-dated"
    with pytest.raises(StatementError) as refusal:
        statement.check_times(EXPIRES)
    assert refusal.value.code == "expired"


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_may_live_exactly_as_long_as_the_page_says(kind: Kind) -> None:
    longest = min(LONGEST_LIFETIME_MS[kind], MAX_TIME_MS - CREATED)
    expires = CREATED + longest

    assert parse_statement(forged(kind=kind, expires=expires)).expires == expires
    assert code_of(forged(kind=kind, expires=expires + 1)) in {"lifetime-too-long", "bad-lifetime"}


def test_the_largest_body_fits_and_one_byte_more_does_not() -> None:
    room = MAX_BODY_BYTES - len(b"\x81\xa1a\xc5..")

    assert len(make_statement(KEY, Kind.CAST, {"a": bytes(room)}, created=1, expires=2).data) == MAX_STATEMENT_BYTES
    with pytest.raises(StatementError) as refusal:
        make_statement(KEY, Kind.CAST, {"a": bytes(room + 1)}, created=1, expires=2)
    assert refusal.value.code == "too-large"


def test_a_signature_for_another_kind_is_bad() -> None:
    """The kind is in the domain and in the header, so that nothing signed as one kind can pass as another."""
    data = small().data
    as_close = data[:3] + b"\x02" + data[4:]

    assert not is_signed(as_close)


def test_a_signature_under_another_domain_is_bad() -> None:
    data = small().data
    for domain in (b"", b"byway/2/statement/\x0c".ljust(32, b"\0"), b"byway/1/statement/\x02".ljust(32, b"\0")):
        signature = crypto_sign(domain + data[:-64], bytes(KEY) + bytes(KEY.verify_key))[:64]
        assert not is_signed(data[:-64] + signature)


def test_a_scalar_beyond_the_order_is_refused() -> None:
    """S + L satisfies the equation too; only one of the two is a signature."""
    data = small().data
    scalar = int.from_bytes(data[-32:], "little") + ORDER

    assert code_of(data[:-32] + scalar.to_bytes(32, "little")) == "bad-signature"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xc0", "bad-body"),
        (b"\x90", "bad-body"),
        (b"\x80\x80", "not-canonical"),
        (b"\x81\xa1a\xcb" + bytes(8), "not-canonical"),
        (b"\x82\xa1b\x00\xa1a\x00", "not-canonical"),
        (b"\x82\xa1a\x00\xa1a\x00", "duplicate-key"),
        (b"\x81\xa1a" + b"\x91" * 16 + b"\x00", "too-deep"),
        (b"\x81\xa1a\xdc\x10\x00" + bytes(4096), "too-large"),
        (b"\x81\xa1!\x00", "unknown-critical-key"),
        (b"\x80", "bad-body"),
    ],
)
def test_each_fault_of_a_body_has_its_code(body: bytes, code: str) -> None:
    header = HEADER.pack(b"IB", 1, Kind.DECLINE, bytes(KEY.verify_key), CREATED, EXPIRES, len(body))

    assert code_of(sign_statement(KEY, header + body).data) == code
