"""The offer: a seller's signed answer to one cast, found inside a sealed statement (wire-protocol section 4.5)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainValidator

from byway.errors import StatementError
from byway.protocol.body import Body, Bytes32, Maybe, ReplyKeys, Serial, TermsUrn, refused, validator
from byway.protocol.facets import Money, parse_facet
from byway.protocol.intentcast import Cast
from byway.protocol.seal import Sealed
from byway.protocol.statement import Kind, Statement


def _price(value: object) -> Money:
    facet = parse_facet(value)
    if not isinstance(facet, Money) or facet.low is None or facet.high is None:
        raise refused("a price is money, closed at both ends")
    return facet


class Offer(Body):
    """What the seller offers, for how much, and what ties it to one cast, one reply key and one sealed statement."""

    kind = Kind.OFFER

    cast: Bytes32
    reply_key: Bytes32
    outer: Bytes32
    serial: Serial
    reply: ReplyKeys
    offer: dict[str, Any]
    price: Maybe[Annotated[Money, PlainValidator(validator(_price))]] = None
    terms: Maybe[TermsUrn] = None

    def wire(self) -> dict[str, Any]:
        return super().wire() | ({"price": self.price.wire()} if self.price is not None else {})


def check_offer(offer: Offer, *, sealed: Statement, reply_key: bytes, cast: Statement) -> None:
    """Raise `bad-offer` unless `offer` came in `sealed`, sealed to the public `reply_key`, as an answer to `cast`."""
    outside = Sealed.from_statement(sealed)
    differs = [
        name
        for name, same in (
            ("cast", offer.cast == outside.cast == cast.id),
            ("reply_key", offer.reply_key == reply_key),
            ("outer", offer.outer == sealed.signer),
            ("serial", offer.serial == outside.serial),
            ("terms", offer.terms is None or offer.terms in Cast.from_statement(cast).terms),
        )
        if not same
    ]
    if differs:
        raise StatementError(f"the offer does not belong to what it came in: {differs[0]}", code="bad-offer")
