"""A stamp is worth the work that is in it, at one node and beside one statement, and nothing anywhere else."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byway.protocol.stamp import WORK, Stamp, bits_of, mint
from tests.vectors.notation import load

VECTORS = load("stamp")
PLENTY = 1 << 20
BITS = 9

keys = st.binary(min_size=32, max_size=32)
starts = st.integers(0, (1 << 64) - 1)


def minted(node: bytes, statement_id: bytes, bits: int = BITS, start: int = 0) -> Stamp:
    stamp = mint(node, statement_id, bits, start=start, tries=PLENTY)
    assert stamp is not None
    return stamp


@given(keys, keys, st.integers(0, BITS), starts)
@settings(max_examples=30)
def test_what_is_minted_has_at_least_the_bits_that_were_asked_for(
    node: bytes, statement_id: bytes, bits: int, start: int
) -> None:
    stamp = minted(node, statement_id, bits, start)
    assert stamp.kind == WORK
    assert len(stamp.value) == 8
    assert bits_of(stamp, node, statement_id) >= bits


@given(keys, keys, st.lists(keys, min_size=20, max_size=20, unique=True))
@settings(max_examples=10)
def test_another_node_or_another_statement_makes_it_worthless(
    node: bytes, statement_id: bytes, others: list[bytes]
) -> None:
    """By chance one of 512 is worth something elsewhere; two of twenty are not."""
    stamp = minted(node, statement_id)
    others = [other for other in others if other not in {node, statement_id}]
    assert sum(bits_of(stamp, other, statement_id) >= BITS for other in others) <= 2
    assert sum(bits_of(stamp, node, other) >= BITS for other in others) <= 2


@given(keys, keys, starts)
@settings(max_examples=10)
def test_tries_are_bounded_and_can_be_gone_on_with(node: bytes, statement_id: bytes, start: int) -> None:
    whole = minted(node, statement_id, start=start)
    tried = (int.from_bytes(whole.value, "big") - start) % (1 << 64)
    assert mint(node, statement_id, BITS, start=start, tries=tried) is None
    assert mint(node, statement_id, BITS, start=start + tried, tries=1) == whole


@given(keys, keys, st.integers(2, 2**63 - 1), st.binary(min_size=1, max_size=256))
def test_a_stamp_of_a_kind_that_is_not_known_is_worth_nothing(
    node: bytes, statement_id: bytes, kind: int, value: bytes
) -> None:
    assert bits_of(Stamp(kind, value), node, statement_id) == 0


@pytest.mark.parametrize("case", VECTORS["work"], ids=lambda case: str(case["name"]))
def test_the_work_of_the_vectors_is_counted_bit_by_bit(case: dict[str, Any]) -> None:
    node, beside, nonce = (bytes.fromhex(case[name]) for name in ("node", "id", "nonce"))
    digest = blake2b(node + beside + nonce, digest_size=32, person=b"byway/stamp").digest()
    zeros = "".join(f"{byte:08b}" for byte in digest).index("1")
    assert bits_of(Stamp(WORK, nonce), node, beside) == case["bits"] == zeros


@pytest.mark.parametrize("case", VECTORS["worthless"], ids=lambda case: str(case["name"]))
def test_what_is_worthless_in_the_vectors_is_so_here(case: dict[str, Any]) -> None:
    stamp = Stamp(case["kind"], bytes.fromhex(case["value"]))
    assert bits_of(stamp, bytes.fromhex(case["node"]), bytes.fromhex(case["id"])) == 0
