"""Heads and receipts: a receipt proves one statement of one node, and can be kept in a file."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from byway.errors import CODES, StatementError
from byway.protocol import canonical
from byway.protocol.limits import MAX_TIME_MS
from byway.protocol.merkle import leaf, paths, root
from byway.protocol.receipt import Head, Receipt, check_head, unsigned_head
from byway.protocol.statement import Kind, Statement, make_statement, parse_statement, sign_statement

NODE = SigningKey(bytes(range(32)))
PUBLIC = bytes(NODE.verify_key)
CREATED = 1_790_000_000_000
FIRST = 1001
IDS = [blake2b(bytes([number]), digest_size=32).digest() for number in range(5)]
LEAVES = [leaf(FIRST + index, id_) for index, id_ in enumerate(IDS)]
HEAD = Head(
    journal=0,
    chain=b"c" * 16,
    previous=b"p" * 32,
    first=FIRST,
    count=len(IDS),
    root=root(LEAVES),
    size=9,
    tree=b"t" * 32,
    durable="sqlite-wal-full",
)


def signed(head: Head = HEAD, key: SigningKey = NODE) -> Statement:
    return sign_statement(key, unsigned_head(bytes(key.verify_key), head, created=CREATED))


def receipt(index: int = 2, head: Statement | None = None) -> Receipt:
    return Receipt(head or signed(), FIRST + index, tuple(paths(LEAVES)[index]))


def code_of(receipt: Receipt, statement_id: bytes, node_key: bytes = PUBLIC) -> str:
    try:
        receipt.verify(statement_id, node_key)
    except StatementError as refusal:
        return refusal.code
    return ""


def test_a_head_is_made_before_it_is_signed_and_signed_to_the_same_bytes_again() -> None:
    unsigned = unsigned_head(PUBLIC, HEAD, created=CREATED)

    assert signed().data[:-64] == unsigned
    assert sign_statement(NODE, unsigned) == signed()
    assert signed().expires == MAX_TIME_MS
    assert check_head(signed(), PUBLIC) == HEAD


@pytest.mark.parametrize("index", range(len(IDS)))
def test_every_statement_of_a_commit_has_its_receipt(index: int) -> None:
    assert receipt(index).verify(IDS[index], PUBLIC) == HEAD


@pytest.mark.parametrize("index", range(len(IDS)))
def test_a_receipt_proves_no_other_statement_and_no_other_place(index: int) -> None:
    for other in {-1, *range(len(IDS) + 1)} - {index}:
        assert code_of(Receipt(signed(), FIRST + other, receipt(index).path), IDS[index]) == "bad-receipt"
    for other in set(range(len(IDS))) - {index}:
        assert code_of(receipt(index), IDS[other]) == "bad-receipt"


def test_a_receipt_of_another_node_is_none() -> None:
    other = SigningKey(bytes(32))

    assert code_of(receipt(head=signed(key=other)), IDS[2]) == "bad-receipt"
    assert code_of(receipt(head=signed(key=other)), IDS[2], bytes(other.verify_key)) == ""
    assert code_of(receipt(), IDS[2], bytes(other.verify_key)) == "bad-receipt"


def test_a_head_that_is_not_signed_proves_nothing() -> None:
    data = signed().data
    damaged = parse_statement(data[:-1] + bytes([data[-1] ^ 1]))

    assert code_of(receipt(head=damaged), IDS[2]) == "bad-receipt"


def test_only_a_head_proves_anything() -> None:
    decline = make_statement(NODE, Kind.DECLINE, HEAD.wire(), created=CREATED, expires=CREATED + 1)

    assert code_of(receipt(head=decline), IDS[2]) == "bad-receipt"


@pytest.mark.parametrize(
    "changes",
    [
        {"journal": -1},
        {"chain": bytes(15)},
        {"previous": bytes(31)},
        {"first": 0},
        {"count": 0},
        {"root": bytes(33)},
        {"size": 0},
        {"tree": b""},
        {"durable": b"sqlite-wal-full"},
    ],
)
def test_a_head_has_its_bounds(changes: dict[str, Any]) -> None:
    with pytest.raises(StatementError) as refusal:
        Head.from_wire(HEAD.wire() | changes)
    assert refusal.value.code == "bad-body"


def test_the_first_head_of_a_chain_names_none_before_it() -> None:
    first = Head.from_wire({name: value for name, value in HEAD.wire().items() if name != "previous"})

    assert "previous" not in first.wire()


def test_a_receipt_survives_its_file() -> None:
    again = Receipt.from_bytes(receipt().to_bytes())

    assert again == receipt()
    again.verify(IDS[2], PUBLIC)


@pytest.mark.parametrize(
    "changes",
    [
        {"head": "text"},
        {"path": b""},
        {"path": [bytes(31)]},
        {"path": [bytes(32)] * 64},
        {"path": ["text"]},
        {"sequence": 0},
        {"sequence": True},
        {"sequence": b"1"},
        {"more": 1},
    ],
)
def test_what_is_no_receipt_is_refused(changes: dict[str, Any]) -> None:
    whole = {"head": signed().data, "path": list(receipt().path), "sequence": FIRST + 2}

    with pytest.raises(StatementError) as refusal:
        Receipt.from_bytes(canonical.encode(whole | changes))
    assert refusal.value.code == "bad-receipt"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_receipt_or_are_refused(data: bytes) -> None:
    with pytest.raises(StatementError) as refusal:
        Receipt.from_bytes(data)
    assert refusal.value.code in CODES


@given(st.integers(-(2**70), 2**70), st.lists(st.binary(max_size=40), max_size=70))
def test_any_sequence_and_path_are_refused(sequence: int, path: list[bytes]) -> None:
    assert code_of(Receipt(signed(), sequence, tuple(path)), IDS[2]) == "bad-receipt"
