"""The answers to an offer: the agreement, which holds it, and the decline (wire-protocol sections 4.6 and 4.7).

An agreement carries two signatures, one in the other: the seller's over the offer, the cast's key over both.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from byway.errors import StatementError
from byway.protocol.body import Body, Bytes32, Maybe, TermsUrn
from byway.protocol.offer import Offer
from byway.protocol.statement import MAX_STATEMENT_BYTES, Kind, Statement, parse_statement


class Agreement(Body):
    """The exact bytes of the seller's offer, and the terms that come with it."""

    kind = Kind.AGREEMENT

    offer: Annotated[bytes, Field(min_length=1, max_length=MAX_STATEMENT_BYTES)]
    terms: Maybe[TermsUrn] = None
    roster: Maybe[Bytes32] = None


class Decline(Body):
    """The id of an offer that the person does not take, and why."""

    kind = Kind.DECLINE

    offer: Bytes32
    reason: Literal["price", "place", "time", "terms", "chosen-another", "other"]


def check_agreement(statement: Statement, cast: Statement) -> tuple[Statement, Offer]:
    """The offer that `statement`, whose signature was checked, agrees to on behalf of `cast`, its signature checked.

    Raises `StatementError`: `wrong-signer` if the cast's key did not sign, `bad-offer` if what is held is no
    offer for this cast or has other terms, or the code for which the offer itself is refused.
    """
    if statement.signer != cast.signer:
        raise StatementError("an agreement is made by the cast's own key only", code="wrong-signer")
    agreement = Agreement.from_statement(statement)
    inner = parse_statement(agreement.offer)
    inner.verify()
    if inner.kind is not Kind.OFFER:
        raise StatementError("an agreement has to hold an offer", code="bad-offer")
    offer = Offer.from_statement(inner)
    if offer.cast != cast.id:
        raise StatementError("the offer in the agreement is for another cast", code="bad-offer")
    if offer.terms != agreement.terms:
        raise StatementError("the agreement names other terms than its offer", code="bad-offer")
    return inner, offer
