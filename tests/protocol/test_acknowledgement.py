"""The acknowledgement: a range of journal sequences, and the digest of what was delivered in it."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import pytest

from byway.errors import StatementError
from byway.protocol.acknowledgement import Acknowledgement, acks_digest
from byway.protocol.urn import node_urn

BODY: dict[str, Any] = {
    "router": node_urn(bytes(32)),
    "sub": "homes",
    "epoch": 3,
    "journal": 0,
    "after": 10,
    "through": 12,
    "digest": acks_digest([(11, b"a" * 32), (12, b"b" * 32)]),
    "refused": [[12, "bad-facet"]],
}


def test_the_digest_is_over_sequences_and_ids_in_order() -> None:
    delivered = [(11, b"a" * 32), (2**40, b"b" * 32)]
    joined = (11).to_bytes(8, "big") + b"a" * 32 + (2**40).to_bytes(8, "big") + b"b" * 32

    assert acks_digest(delivered) == blake2b(joined, digest_size=32, person=b"byway/acks").digest()
    assert acks_digest(reversed(delivered)) != acks_digest(delivered)


def test_an_acknowledgement_survives_the_wire() -> None:
    body = Acknowledgement.from_wire(BODY)

    assert body.refused == ((12, "bad-facet"),)
    assert body.wire() == BODY


def test_a_range_may_be_empty_but_not_backwards() -> None:
    assert Acknowledgement.from_wire(BODY | {"after": 12}).through == 12
    with pytest.raises(StatementError) as refusal:
        Acknowledgement.from_wire(BODY | {"after": 13})
    assert refusal.value.code == "bad-body"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"router": "urn:byway:node:short"}, "bad-urn"),
        ({"sub": ""}, "bad-body"),
        ({"sub": "ü" * 33}, "bad-body"),
        ({"epoch": -1}, "bad-body"),
        ({"after": -1}, "bad-body"),
        ({"digest": bytes(31)}, "bad-body"),
        ({"refused": [[12]]}, "bad-body"),
        ({"refused": [["12", "bad-facet"]]}, "bad-body"),
    ],
)
def test_each_fault_of_an_acknowledgement_has_its_code(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(StatementError) as refusal:
        Acknowledgement.from_wire(BODY | changes)
    assert refusal.value.code == code
