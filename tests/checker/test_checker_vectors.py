"""The checker's own readers say what the golden vectors say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checker import canonical_form, merkle, signatures
from tests.checker.canonical_form import NotCanonicalError
from tests.checker.facets import BadFacetError, read_facet
from tests.checker.matcher import BadFilterError, read_filter
from tests.checker.names import BadNameError, read_pattern, read_urn, selects
from tests.checker.receipts import BadReceiptError, Receipt, proves, read_head, read_receipt
from tests.checker.statements import BadStatementError, read_statement
from tests.vectors.notation import Vector, from_json, load

BODIES = ["statement", "cast", "close", "sealed", "mailbox", "head", "acknowledgement"]
BY_CLOCK = {"future-dated", "expired"}  # a statement keeps its worth as evidence: the checker has no clock of its own


def cases(section: str, *names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=f"{name}: {case.get('name', case.get('text', number))}")
            for name in names
            for number, case in enumerate(load(name).get(section, []))
        ],
    )


def is_good(data: bytes) -> bool:
    try:
        return not read_statement(data).fault
    except BadStatementError:
        return False


@cases("valid", "canonical")
def test_the_checker_reads_a_canonical_value(case: Vector) -> None:
    value = canonical_form.read(bytes.fromhex(case["bytes"]))

    assert value == from_json(case["value"])
    assert repr(value) == repr(from_json(case["value"]))  # True is not 1


@cases("refused", "canonical")
def test_the_checker_refuses_another_encoding(case: Vector) -> None:
    with pytest.raises(NotCanonicalError):
        canonical_form.read(bytes.fromhex(case["bytes"]))


@cases("valid", "urn")
def test_the_checker_reads_a_urn(case: Vector) -> None:
    assert read_urn(case["text"]) == (case["kind"], tuple(case["parts"]))


@cases("refused", "urn")
def test_the_checker_refuses_another_spelling(case: Vector) -> None:
    with pytest.raises(BadNameError):
        read_urn(case["text"])


@cases("valid", "pattern")
def test_the_checker_selects_the_same_topics(case: Vector) -> None:
    assert read_pattern(case["text"]) == (case["root"], *case["parts"])
    assert all(selects(case["text"], topic) for topic in case["matches"])
    assert not any(selects(case["text"], topic) for topic in case["misses"])


@cases("refused", "pattern")
def test_the_checker_refuses_what_is_no_pattern(case: Vector) -> None:
    with pytest.raises(BadNameError):
        read_pattern(case["text"])


@cases("valid", "facet")
def test_the_checker_reads_a_facet(case: Vector) -> None:
    assert read_facet(canonical_form.read(bytes.fromhex(case["bytes"]))).sort == case["facet"][0]


@cases("refused", "facet")
def test_the_checker_refuses_what_is_no_facet(case: Vector) -> None:
    with pytest.raises(BadFacetError):
        read_facet(canonical_form.read(bytes.fromhex(case["bytes"])))


@cases("valid", "filter")
def test_the_checker_gives_a_filter_the_same_value(case: Vector) -> None:
    facets = {name: read_facet(wire) for name, wire in load("filter")["cast"].items()}

    value = read_filter(canonical_form.read(bytes.fromhex(case["bytes"])))(facets)

    assert value is (None if case["value"] == "unknown" else case["value"])


@cases("refused", "filter")
def test_the_checker_refuses_what_is_no_filter(case: Vector) -> None:
    with pytest.raises(BadFilterError):
        read_filter(canonical_form.read(bytes.fromhex(case["bytes"])))


@cases("signatures", "statement")
def test_the_checker_judges_signatures_as_libsodium_does(case: Vector) -> None:
    key, message, signature = (bytes.fromhex(case[name]) for name in ("key", "message", "signature"))

    assert signatures.is_signed(key, message, signature) == case["good"]


@cases("valid", *BODIES)
def test_the_checker_reads_a_statement(case: Vector) -> None:
    found = read_statement(bytes.fromhex(case["bytes"]))

    assert not found.fault
    assert (found.kind, found.created, found.expires) == (case["kind"], case["created"], case["expires"])
    assert (found.signer.hex(), found.id.hex()) == (case["signer"], case["id"])
    assert found.body == from_json(case["body"])


@cases("refused", *BODIES)
def test_the_checker_refuses_a_bad_statement(case: Vector) -> None:
    if case["code"] not in BY_CLOCK:
        assert not is_good(bytes.fromhex(case["bytes"]))


@cases("trees", "receipt")
def test_the_checker_builds_the_same_trees(case: Vector) -> None:
    ids = [bytes.fromhex(each) for each in case["ids"]]
    leaves = [merkle.leaf(case["first"] + index, each) for index, each in enumerate(ids)]
    growing = merkle.GrowingTree()
    for each in leaves:
        growing.append(each)

    assert [each.hex() for each in leaves] == case["leaves"]
    assert merkle.root(leaves).hex() == growing.root().hex() == case["root"]
    for index, path in enumerate(case["paths"]):
        siblings = [bytes.fromhex(each) for each in path]
        assert merkle.leads_to(merkle.root(leaves), leaves[index], index, len(leaves), siblings)


@cases("receipts", "receipt")
def test_the_checker_believes_the_same_receipts(case: Vector) -> None:
    receipt = Receipt(bytes.fromhex(case["head"]), case["sequence"], tuple(map(bytes.fromhex, case["path"])))

    assert is_proved(receipt, case) == (case["code"] is None)
    if "evidence" in case:
        assert read_receipt(bytes.fromhex(case["evidence"])) == receipt


def is_proved(receipt: Receipt, case: dict[str, Any]) -> bool:
    try:
        head = read_head(receipt.head)
    except BadReceiptError:
        return False
    return head.node.hex() == case["node"] and proves(receipt, head, bytes.fromhex(case["id"]))
