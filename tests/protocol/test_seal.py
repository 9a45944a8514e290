"""Sealing: only the reply key opens a box, only about its cast, and nothing hostile does more than be refused."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings
from nacl.signing import SigningKey

from byway.errors import CODES, StatementError
from byway.protocol.limits import SIZE_CLASSES
from byway.protocol.seal import Sealed, choose_reply_key, open_sealed, public_reply_key, seal
from byway.protocol.statement import Kind, Statement, make_statement, parse_statement
from byway.protocol.urn import mailbox_urn
from tests.strategies.statements import statements

SELLER = SigningKey(bytes(range(32)))
OUTER = SigningKey(bytes(32))
REPLY_SECRET = bytes(range(100, 132))
REPLY_KEY = public_reply_key(REPLY_SECRET)
EPHEMERAL = bytes(range(50, 82))
NONCE = bytes(range(24))
CAST = b"c" * 32
CREATED = 1_790_000_000_000
EXPIRES = CREATED + 3_600_000

ORDER_8 = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
SMALL_ORDER = [
    bytes(32),
    (1).to_bytes(32, "little"),
    ORDER_8,
    (2**255 - 20).to_bytes(32, "little"),
    (2**255 - 19).to_bytes(32, "little"),
]


def inner(size: int = 100) -> Statement:
    """A statement of `size` bytes in all, or a few more."""
    body = {"a": bytes(max(0, size - 56 - 64 - 6))}
    return make_statement(SELLER, Kind.OFFER, body, created=CREATED, expires=EXPIRES)


def sealed(statement: Statement | None = None, **changes: Any) -> Statement:
    arguments: dict[str, Any] = {
        "to": mailbox_urn(bytes(32)),
        "cast": CAST,
        "serial": 1,
        "reply_key": REPLY_KEY,
        "outer_key": OUTER,
        "ephemeral_secret": EPHEMERAL,
        "nonce": NONCE,
        "created": CREATED,
        "expires": EXPIRES,
    }
    return seal(statement or inner(), **(arguments | changes))


def resigned(**changes: Any) -> Statement:
    """What a hostile outer key can make of a sealed statement."""
    body = Sealed.from_statement(sealed()).wire() | changes
    return make_statement(OUTER, Kind.SEALED, body, created=CREATED, expires=EXPIRES)


def code_of(statement: Statement, secret: bytes = REPLY_SECRET) -> str:
    try:
        open_sealed(statement, secret)
    except StatementError as refusal:
        return refusal.code
    return ""


def boxed(plain: bytes) -> Statement:
    """A box that is right in everything but what is in it."""
    body = Sealed.from_statement(sealed())
    shared = bindings.crypto_scalarmult(EPHEMERAL, REPLY_KEY)
    both = blake2b(body.key + REPLY_KEY + CAST, digest_size=64, key=shared, person=b"byway/seal/1").digest()
    assert both[32:] == body.commit
    box = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, b"\x01" + CAST + body.commit, NONCE, both[:32])
    return resigned(box=box)


@given(statements(Kind.OFFER, Kind.AGREEMENT, Kind.DECLINE))
def test_what_was_sealed_comes_out(statement: Statement) -> None:
    outside = sealed(statement)

    outside.verify()
    assert open_sealed(outside, REPLY_SECRET) == statement


@pytest.mark.parametrize("size", SIZE_CLASSES)
def test_a_box_has_one_of_five_sizes(size: int) -> None:
    fits, over = inner(size - 4), inner(size - 3)
    assert len(fits.data) == size - 4
    assert len(Sealed.from_statement(sealed(fits)).box) == size + 16
    assert open_sealed(sealed(fits), REPLY_SECRET) == fits

    if size < SIZE_CLASSES[-1]:
        assert len(Sealed.from_statement(sealed(over)).box) == 2 * size + 16
    else:
        with pytest.raises(StatementError) as refusal:
            sealed(over)
        assert refusal.value.code == "too-large"


def test_another_secret_does_not_open_it() -> None:
    assert code_of(sealed(), bytes(range(32))) == "bad-seal"


def test_it_cannot_be_moved_to_another_cast() -> None:
    assert code_of(resigned(cast=b"d" * 32)) == "bad-seal"


@pytest.mark.parametrize("field", ["key", "commit", "nonce", "box"])
def test_no_bit_can_be_changed(field: str) -> None:
    body = Sealed.from_statement(sealed()).wire()
    for at in {0, len(body[field]) // 2, len(body[field]) - 1}:
        changed = bytearray(body[field])
        changed[at] ^= 1
        assert code_of(resigned(**{field: bytes(changed)})) == "bad-seal"


@given(st.integers(0, 1039))
def test_a_truncated_box_is_refused(length: int) -> None:
    assert code_of(resigned(box=Sealed.from_statement(sealed()).box[:length])) == "bad-seal"


@given(st.binary(max_size=1100), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_any_box_is_refused(box: bytes, key: bytes, commit: bytes) -> None:
    assert code_of(resigned(box=box, key=key, commit=commit)) == "bad-seal"


@pytest.mark.parametrize("key", SMALL_ORDER)
def test_an_ephemeral_key_of_small_order_is_refused(key: bytes) -> None:
    assert code_of(resigned(key=key)) == "bad-seal"


@pytest.mark.parametrize("reply_key", [*SMALL_ORDER, b"", bytes(31), REPLY_KEY + b"\0", b"k" * 1216])
def test_nothing_is_sealed_to_a_bad_reply_key(reply_key: bytes) -> None:
    with pytest.raises(StatementError) as refusal:
        sealed(reply_key=reply_key)
    assert refusal.value.code == "bad-reply-key"


@given(st.binary(max_size=40))
def test_sealing_to_any_bytes_works_or_is_refused(reply_key: bytes) -> None:
    if len(reply_key) == 32 and reply_key not in SMALL_ORDER:
        assert code_of(sealed(reply_key=reply_key)) == "bad-seal"
        return
    with pytest.raises(StatementError) as refusal:
        sealed(reply_key=reply_key)
    assert refusal.value.code == "bad-reply-key"


@pytest.mark.parametrize("secret", [b"", bytes(31), bytes(33)])
def test_a_secret_of_another_length_is_a_mistake_of_the_program(secret: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        open_sealed(sealed(), secret)
    with pytest.raises(ValueError, match="32 bytes"):
        sealed(ephemeral_secret=secret)


def padded(statement: bytes, size: int = 1024, length: int | None = None) -> bytes:
    return ((len(statement) if length is None else length).to_bytes(4, "big") + statement).ljust(size, b"\0")


def test_a_box_made_by_hand_opens() -> None:
    assert code_of(boxed(padded(inner().data))) == ""


@pytest.mark.parametrize(
    "plain",
    [
        padded(inner().data)[:-1] + b"\1",
        padded(inner().data, size=2048),
        padded(inner().data, size=1023),
        padded(inner().data, length=1021),
        padded(inner().data, length=2**32 - 1),
        padded(inner().data, length=len(inner().data) - 1),
        b"",
        b"\0\0\0",
        bytes(16_384),
    ],
)
def test_other_padding_is_refused(plain: bytes) -> None:
    assert code_of(boxed(plain)) == "bad-seal"


def test_what_is_inside_has_to_be_a_signed_statement() -> None:
    unsigned = inner().data[:-1] + bytes([inner().data[-1] ^ 1])

    assert code_of(boxed(padded(unsigned))) == "bad-signature"
    assert code_of(boxed(padded(b"hello"))) == "malformed"
    assert code_of(boxed(padded(b""))) == "malformed"


@given(st.binary(max_size=1020))
def test_anything_inside_is_refused_or_comes_out(data: bytes) -> None:
    assert code_of(boxed(padded(data))) in CODES


def test_another_suite_is_unknown() -> None:
    assert code_of(resigned(suite=2)) == "unknown-suite"


def test_a_writer_takes_the_first_suite_that_it_knows() -> None:
    assert choose_reply_key([(9, b"new"), (1, REPLY_KEY), (1, b"later")]) == REPLY_KEY
    with pytest.raises(StatementError) as refusal:
        choose_reply_key([(9, b"new")])
    assert refusal.value.code == "unknown-suite"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": "urn:byway:node:" + "a" * 52}, "bad-urn"),
        ({"cast": bytes(31)}, "bad-body"),
        ({"serial": 0}, "bad-body"),
        ({"serial": 2**53 + 1}, "bad-body"),
        ({"suite": b"1"}, "bad-body"),
        ({"key": bytes(31)}, "bad-body"),
        ({"commit": bytes(33)}, "bad-body"),
        ({"nonce": bytes(12)}, "bad-body"),
        ({"box": bytes(16_384 + 17)}, "bad-body"),
    ],
)
def test_each_fault_of_a_sealed_statement_has_its_code(changes: dict[str, Any], code: str) -> None:
    assert code_of(resigned(**changes)) == code


def test_sealing_refuses_what_a_reader_would() -> None:
    with pytest.raises(StatementError) as refusal:
        sealed(serial=0)
    assert refusal.value.code == "bad-body"


def test_the_bytes_are_decided_by_what_is_given() -> None:
    assert sealed().data == sealed().data
    assert parse_statement(sealed().data) == sealed()
