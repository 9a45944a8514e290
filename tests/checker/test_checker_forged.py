"""The checker sees what is forged: each of I3, I4 and I8 turns red alone for what it is there for."""

from __future__ import annotations

import base64

import pytest
from nacl.signing import SigningKey

from byway.protocol.receipt import Receipt
from byway.protocol.statement import SIGNATURE_BYTES, statement_id
from tests.checker.spoiling import Copy
from tests.vectors.edwards import with_nonce
from tests.vectors.notation import flipped, message


def test_a_cast_that_came_from_nowhere_is_forged(run: Copy) -> None:
    handed_in = [line.id for line in run.all("attempt")]
    once = next(line.id for line in run.all("received") if handed_in.count(line.id) == 1)

    run.drop(lambda line: line.event == "attempt" and line.id == once)

    assert run.red() == {"I3"}


def test_a_cast_that_nobody_asked_for_is_noticed(run: Copy) -> None:
    for line in run.all("subscribed", sub="beds"):
        line.fields["filter"] = ["=", "beds", ["integer", 9, 9]]

    assert run.red() == {"I3"}


def test_a_receipt_whose_path_leads_elsewhere_is_worth_nothing(run: Copy) -> None:
    for line in run.all("receipt"):
        receipt = Receipt.from_bytes(line.get("receipt"))
        if receipt.path:
            line.put("receipt", Receipt(receipt.head, receipt.sequence, (bytes(32), *receipt.path[1:])).to_bytes())
            break

    assert run.red() == {"I4"}


def test_a_receipt_of_another_node_is_worth_nothing(run: Copy) -> None:
    other = next(line.fields["node"] for line in run.all("answer"))
    line = next(line for line in run.all("receipt") if line.fields["node"] != other)
    for each in run.all("attempt", "receipt"):
        if each.id == line.id:
            each.fields["node"] = other

    assert run.red() == {"I4"}


def test_a_badly_signed_statement_that_came_is_not_authentic(run: Copy) -> None:
    wanted = run.all("received", sub="all")[5].id
    for line in run.all("attempt", "received"):
        if line.id == wanted:
            line.put("statement", flipped(line.get("statement"), -1))

    assert run.red(with_stores=False) == {"I4"}


def test_an_answer_that_is_badly_signed_is_not_authentic(run: Copy) -> None:
    line = run.all("answer")[0]
    line.put("statement", flipped(line.get("statement"), -40))

    assert run.red() == {"I4"}


def test_a_stored_statement_that_nobody_handed_in_is_forged(run: Copy) -> None:
    acknowledgement = next(line.id for line in run.all("attempt") if line.get("statement")[3] == 6)

    run.drop(lambda line: line.event in ("attempt", "receipt") and line.id == acknowledgement)

    assert run.red() == {"I3"}


@pytest.mark.parametrize("sub", ["all", "beds"])
def test_another_good_signature_is_not_the_bytes_that_were_handed_in(run: Copy, sub: str) -> None:
    seed = b"cast 7".ljust(32)
    signer = bytes(SigningKey(seed).verify_key)
    line = next(line for line in run.all("received", sub=sub) if line.get("statement")[4:36] == signer)
    unsigned = line.get("statement")[:-SIGNATURE_BYTES]
    line.put("statement", unsigned + with_nonce(seed, 12345).sign(message(unsigned)))

    assert run.red() == {"I8"}


def test_a_bad_copy_of_a_good_cast_that_was_refused_harms_nobody(run: Copy) -> None:
    asked = next(line for line in run.all("attempt") if line.fields.get("hostile"))
    refused = next(line for line in run.all("refusal") if line.id == asked.id)
    good = run.of("buyer", "attempt")[0].get("statement")
    asked.put("statement", flipped(good, -1))
    refused.fields["id"] = base64.b64encode(statement_id(good)).decode()

    assert run.red() == set()
