"""The agreement and the decline: two signatures, one in the other, over one cast, one offer and one set of terms."""

from __future__ import annotations

from typing import Any

import pytest
from nacl.signing import SigningKey

from byway.errors import StatementError
from byway.protocol.agreement import Agreement, Decline, check_agreement
from byway.protocol.offer import Offer
from byway.protocol.statement import MAX_STATEMENT_BYTES, Kind, Statement, make_statement
from byway.protocol.urn import node_urn

SELLER = SigningKey(bytes(range(32)))
BUYER = SigningKey(bytes(range(1, 33)))
CREATED = 1_790_000_000_000
EXPIRES = CREATED + 3_600_000
TERMS = "urn:byway:terms:myterms:sd-base"


def cast(offers: int = 1) -> Statement:
    body = {
        "to": "urn:byway:topic:open:homes",
        "facets": {},
        "demand": {},
        "reply": [[1, bytes(32)]],
        "authority": node_urn(bytes(32)),
        "offers": offers,
        "terms": [TERMS],
    }
    return make_statement(BUYER, Kind.CAST, body, created=CREATED, expires=EXPIRES)


def offer(**changes: Any) -> Statement:
    body: dict[str, Any] = {
        "cast": cast().id,
        "reply_key": bytes(32),
        "outer": bytes(32),
        "serial": 1,
        "reply": [[1, bytes(32)]],
        "offer": {"@type": "Offer"},
        "terms": TERMS,
    }
    return make_statement(SELLER, Kind.OFFER, body | changes, created=CREATED, expires=EXPIRES)


def agreement(held: bytes | None = None, key: SigningKey = BUYER, **changes: Any) -> Statement:
    body: dict[str, Any] = {"offer": held if held is not None else offer().data, "terms": TERMS, "roster": bytes(32)}
    wire = {name: value for name, value in (body | changes).items() if value is not None}
    return make_statement(key, Kind.AGREEMENT, wire, created=CREATED, expires=EXPIRES)


def code_of(statement: Statement, about: Statement | None = None) -> str:
    try:
        check_agreement(statement, about or cast())
    except StatementError as refusal:
        return refusal.code
    return ""


def test_an_agreement_holds_the_exact_offer() -> None:
    inner, body = check_agreement(agreement(), cast())

    assert inner == offer()
    assert body == Offer.from_statement(offer())
    assert Agreement.from_statement(agreement()).roster == bytes(32)


def test_terms_and_roster_may_be_left_out() -> None:
    plain = {name: value for name, value in offer().body().items() if name != "terms"}
    without = make_statement(SELLER, Kind.OFFER, plain, created=CREATED, expires=EXPIRES)

    assert code_of(agreement(without.data, terms=None, roster=None)) == ""


def test_only_the_key_of_the_cast_agrees() -> None:
    assert code_of(agreement(key=SELLER)) == "wrong-signer"


def test_an_agreement_about_another_cast_is_refused() -> None:
    assert code_of(agreement(), cast(offers=2)) == "bad-offer"


def test_both_sides_have_to_mean_the_same_terms() -> None:
    assert code_of(agreement(terms="urn:byway:terms:myterms:other")) == "bad-offer"
    assert code_of(agreement(terms=None)) == "bad-offer"


def test_what_is_held_has_to_be_a_signed_offer() -> None:
    data = offer().data

    assert code_of(agreement(data[:-1] + bytes([data[-1] ^ 1]))) == "bad-signature"
    assert code_of(agreement(cast().data)) == "bad-offer"
    assert code_of(agreement(b"offer")) == "malformed"
    assert code_of(agreement(offer(serial=0).data)) == "bad-body"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"offer": b""}, "bad-body"),
        ({"offer": bytes(MAX_STATEMENT_BYTES + 1)}, "bad-body"),
        ({"offer": "text"}, "bad-body"),
        ({"terms": "myterms"}, "bad-urn"),
        ({"roster": bytes(31)}, "bad-body"),
    ],
)
def test_each_fault_of_an_agreement_has_its_code(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(StatementError) as refusal:
        Agreement.from_wire({"offer": offer().data} | changes)
    assert refusal.value.code == code


@pytest.mark.parametrize("reason", ["price", "place", "time", "terms", "chosen-another", "other"])
def test_a_decline_gives_one_of_six_reasons(reason: str) -> None:
    assert Decline.from_wire({"offer": bytes(32), "reason": reason}).wire() == {"offer": bytes(32), "reason": reason}


def test_a_decline_without_a_known_reason_is_refused() -> None:
    with pytest.raises(StatementError) as refusal:
        Decline.from_wire({"offer": bytes(32), "reason": "because"})
    assert refusal.value.code == "bad-body"
