"""The offer: its bounds, and what ties it to the one cast and the one box that it came in."""

from __future__ import annotations

from typing import Any

import pytest
from nacl.signing import SigningKey

from byway.errors import StatementError
from byway.protocol.offer import Offer, check_offer
from byway.protocol.seal import open_sealed, public_reply_key, seal
from byway.protocol.statement import Kind, Statement, make_statement
from byway.protocol.urn import mailbox_urn, node_urn

SELLER = SigningKey(bytes(range(32)))
BUYER = SigningKey(bytes(range(1, 33)))
OUTER = SigningKey(bytes(32))
REPLY_SECRET = bytes(range(100, 132))
REPLY_KEY = public_reply_key(REPLY_SECRET)
CREATED = 1_790_000_000_000
EXPIRES = CREATED + 3_600_000
TERMS = "urn:byway:terms:myterms:sd-base"


def cast(terms: list[str]) -> Statement:
    body = {
        "to": "urn:byway:topic:open:homes",
        "facets": {},
        "demand": {},
        "reply": [[1, REPLY_KEY]],
        "authority": node_urn(bytes(32)),
        "offers": 1,
        "terms": terms,
    }
    return make_statement(BUYER, Kind.CAST, body, created=CREATED, expires=EXPIRES)


CAST = cast([TERMS])
BODY: dict[str, Any] = {
    "cast": CAST.id,
    "reply_key": REPLY_KEY,
    "outer": bytes(OUTER.verify_key),
    "serial": 3,
    "reply": [[1, bytes(range(32))]],
    "offer": {"@type": "Offer", "name": "Condo, 2 bedrooms"},
    "price": ["money", "USD", 75_000_000, 75_000_000],
    "terms": TERMS,
}


def sealed(outer: SigningKey = OUTER, serial: int = 3, about: bytes = CAST.id) -> Statement:
    statement = Offer.from_wire(BODY).sign(SELLER, created=CREATED, expires=EXPIRES)
    return seal(
        statement,
        to=mailbox_urn(CAST.signer),
        cast=about,
        serial=serial,
        reply_key=REPLY_KEY,
        outer_key=outer,
        ephemeral_secret=bytes(range(50, 82)),
        nonce=bytes(24),
        created=CREATED,
        expires=EXPIRES,
    )


def verdict(came_in: Statement, answer_to: Statement = CAST, reply_key: bytes = REPLY_KEY, **changes: Any) -> str:
    """The code and the field of the refusal, or the empty text."""
    body = {name: value for name, value in (BODY | changes).items() if value is not None}
    try:
        check_offer(Offer.from_wire(body), sealed=came_in, reply_key=reply_key, cast=answer_to)
    except StatementError as refusal:
        return f"{refusal.code} {str(refusal).rpartition(': ')[2]}"
    return ""


def test_an_offer_that_came_as_it_should_is_good() -> None:
    offer = Offer.from_statement(open_sealed(sealed(), REPLY_SECRET))

    check_offer(offer, sealed=sealed(), reply_key=REPLY_KEY, cast=CAST)
    assert offer.wire() == BODY


def test_terms_and_price_may_be_left_out() -> None:
    assert verdict(sealed(), terms=None, price=None) == ""
    assert verdict(sealed(), answer_to=CAST, terms=None) == ""


def test_an_offer_for_another_cast_is_refused() -> None:
    assert verdict(sealed(), answer_to=cast([])) == "bad-offer cast"
    assert verdict(sealed(about=bytes(32))) == "bad-offer cast"
    assert verdict(sealed(), cast=bytes(32)) == "bad-offer cast"


def test_an_offer_that_somebody_sealed_again_is_refused() -> None:
    """A buyer cannot pass an offer on as if it had been made to somebody else."""
    assert verdict(sealed(), reply_key=bytes(range(32))) == "bad-offer reply_key"
    assert verdict(sealed(outer=BUYER)) == "bad-offer outer"
    assert verdict(sealed(serial=4)) == "bad-offer serial"


def test_terms_that_the_cast_did_not_proffer_are_refused() -> None:
    assert verdict(sealed(), terms="urn:byway:terms:myterms:other") == "bad-offer terms"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cast": bytes(31)}, "bad-body"),
        ({"reply_key": ""}, "bad-body"),
        ({"outer": bytes(33)}, "bad-body"),
        ({"serial": 0}, "bad-body"),
        ({"reply": []}, "bad-body"),
        ({"offer": []}, "bad-body"),
        ({"price": ["money", "usd", 1, 1]}, "bad-facet"),
        ({"price": ["money", "USD", 1, None]}, "bad-body"),
        ({"price": ["money", "USD", None, 1]}, "bad-body"),
        ({"price": ["integer", 1, 1]}, "bad-body"),
        ({"price": 1}, "bad-facet"),
        ({"terms": "myterms"}, "bad-urn"),
    ],
)
def test_each_fault_of_an_offer_has_its_code(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(StatementError) as refusal:
        Offer.from_wire(BODY | changes)
    assert refusal.value.code == code


def test_a_price_may_be_a_range_and_the_offer_is_free() -> None:
    assert Offer.from_wire(BODY | {"price": ["money", "USD", 1, 2], "offer": {"!x": None}}).offer == {"!x": None}
