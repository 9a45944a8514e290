"""One deal, from the wish to the agreement: what each side signs, and what it checks of the other.  Pure.

    person                          seller
    draft_cast      -- the cast -->
                    <- an offer --  draft_offer
    open_offer
    draft_agreement -- sealed   ->  open_answer
    draft_decline   -- sealed   ->  open_answer

Whoever calls gives the keys, the clock and the randomness.  The person's keys are made for this cast alone, and so is
the seller's outer key: the lasting key of a seller signs the offer inside the box, which only the person can open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nacl.signing import SigningKey

from byway.errors import StatementError
from byway.protocol.agreement import Agreement, Decline, check_agreement
from byway.protocol.facets import Facet, Money
from byway.protocol.intentcast import Cast, make_cast
from byway.protocol.limits import DAY_MS, MAX_MAILBOX_BYTES, MAX_TIME_MS
from byway.protocol.mailbox import Mailbox
from byway.protocol.offer import Offer, check_offer
from byway.protocol.rounded_times import round_times
from byway.protocol.seal import NONCE_BYTES, SUITE, Sealed, choose_reply_key, open_sealed, public_reply_key, seal
from byway.protocol.statement import LONGEST_LIFETIME_MS, Kind, Statement
from byway.protocol.urn import mailbox_urn, node_urn

NOBODY: Final = node_urn(bytes(32))  # in the place of an authority that is not known yet, in what does not leave

Random = Callable[[int], bytes]

MAILBOX_AFTER_MS: Final = 30 * DAY_MS  # as long as something sealed lives: what came at the last moment can be fetched
ANSWERS_TO_AN_OFFER: Final = 4  # only the person knows the mailbox, and of her answers only the newest counts
SEALED_BYTES: Final = 17_408  # a sealed statement of the largest class, with room
MAX_OFFER_BYTES: Final = 15_872  # the agreement, which holds the offer, has to fit into a box as well


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants.  `topic` is a URN; `sentence` is her own words, and stays at home."""

    topic: str
    facets: Mapping[str, Facet]
    demand: Mapping[str, Any]
    offers: int
    terms: tuple[str, ...]
    lifetime_ms: int
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class CastDraft:
    """A cast, and the mailbox for its offers, which an authority has to have first."""

    cast: Statement
    mailbox: Statement


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a seller offers: a map of schema.org `Offer`, a price, and the terms URN out of the cast's."""

    offer: Mapping[str, Any]
    price: Money | None = None
    terms: str | None = None


@dataclass(frozen=True, slots=True)
class OfferDraft:
    """A signed offer, what carries it, and the mailbox in which its seller waits for the answer."""

    offer: Statement
    sealed: Statement
    mailbox: Statement


@dataclass(frozen=True, slots=True)
class OpenedOffer:
    """An offer that was opened and checked: the signed statement, its body, and how it came."""

    statement: Statement
    body: Offer
    sealed_id: bytes


@dataclass(frozen=True, slots=True)
class AnswerDraft:
    """An agreement or a decline, and what carries it to the seller."""

    answer: Statement
    sealed: Statement


@dataclass(frozen=True, slots=True)
class Accepted:
    """The person accepts: `agreement` holds the offer, and both have signed."""

    agreement: Statement
    offer_id: bytes


@dataclass(frozen=True, slots=True)
class Declined:
    """The person does not take the offer; `reason` as in wire-protocol section 4.7."""

    offer_id: bytes
    reason: str


def draft_cast(wish: Wish, *, key: SigningKey, reply_secret: bytes, authority: str, now_ms: int) -> CastDraft:
    """The cast that `wish` becomes, by `key`, with its mailbox at `authority` (a node URN).

    `key` and `reply_secret` (32 bytes) must be used for no other cast.  Raises `StatementError` if a reader would
    refuse the cast.
    """
    cast = make_cast(
        key,
        to=wish.topic,
        facets=wish.facets,
        demand=wish.demand,
        reply=[(SUITE, public_reply_key(reply_secret))],
        authority=authority,
        offers=wish.offers,
        terms=wish.terms,
        now_ms=now_ms,
        lifetime_ms=wish.lifetime_ms,
    )
    mailbox = _mailbox(key, authority, wish.offers, created=cast.created, expires=cast.expires + MAILBOX_AFTER_MS)
    return CastDraft(cast, mailbox)


def draft_again(cast: Statement, *, key: SigningKey, reply_secret: bytes, authority: str, now_ms: int) -> CastDraft:
    """The same wish for another authority, until the same hour, with keys that were used for no cast before.

    Raises `StatementError` (`bad-lifetime`) if it has expired.
    """
    body = Cast.from_statement(cast)
    wish = Wish(body.to, body.facets, body.demand, body.offers, tuple(body.terms), cast.expires - now_ms)
    return draft_cast(wish, key=key, reply_secret=reply_secret, authority=authority, now_ms=now_ms)


def draft_offer(
    cast: Statement,
    proposal: Proposal,
    *,
    seller_key: SigningKey,
    outer_key: SigningKey,
    outer_reply_secret: bytes,
    serial: int,
    lifetime_ms: int,
    now_ms: int,
    random: Random,
) -> OfferDraft:
    """An offer to `cast`, sealed so that only its person can tell what it says, and from whom it is.

    Outside stands nothing but `outer_key`, which the seller uses for this cast alone.  Of several offers the one with
    the highest `serial` counts.  Raises `StatementError` if the person would refuse the offer.
    """
    asked = Cast.from_statement(cast)
    reply_key = choose_reply_key(asked.reply)
    created, expires = round_times(Kind.SEALED, now_ms=now_ms, lifetime_ms=lifetime_ms)
    body = Offer.from_wire(
        {
            "cast": cast.id,
            "reply_key": reply_key,
            "outer": bytes(outer_key.verify_key),
            "serial": serial,
            "reply": [[SUITE, public_reply_key(outer_reply_secret)]],
            "offer": dict(proposal.offer),
        }
        | ({"price": proposal.price.wire()} if proposal.price else {})
        | ({"terms": proposal.terms} if proposal.terms else {})
    )
    offer = body.sign(seller_key, created=created, expires=expires)
    _check_size(offer)
    sealed = seal(
        offer,
        to=mailbox_urn(cast.signer),
        cast=cast.id,
        serial=serial,
        reply_key=reply_key,
        outer_key=outer_key,
        ephemeral_secret=random(32),
        nonce=random(NONCE_BYTES),
        created=created,
        expires=expires,
    )
    check_offer(body, sealed=sealed, reply_key=reply_key, cast=cast)
    mailbox = _mailbox(
        outer_key, asked.authority, ANSWERS_TO_AN_OFFER, created=created, expires=expires + MAILBOX_AFTER_MS
    )
    return OfferDraft(offer, sealed, mailbox)


def open_offer(sealed: Statement, *, cast: Statement, reply_secret: bytes, now_ms: int) -> OpenedOffer:
    """The offer in what came to the mailbox of `cast`, checked as wire-protocol section 4.5 demands.

    The signature of `sealed` itself was checked by whoever took it from the link.  Raises `StatementError`:
    `bad-seal`, `bad-offer`, `expired`, or the code for which a part of it is refused.
    """
    _check_box(Sealed.from_statement(sealed), cast, to=cast.signer)
    inner = open_sealed(sealed, reply_secret)
    inner.check_times(now_ms)
    if inner.kind is not Kind.OFFER:
        raise StatementError("what was sealed to a cast is no offer", code="bad-offer")
    body = Offer.from_statement(inner)
    check_offer(body, sealed=sealed, reply_key=public_reply_key(reply_secret), cast=cast)
    _check_size(inner)
    return OpenedOffer(inner, body, sealed.id)


def draft_agreement(
    offer: Statement, *, cast: Statement, key: SigningKey, now_ms: int, random: Random, roster: bytes | None = None
) -> AnswerDraft:
    """The acceptance of an opened offer by the cast's `key`; `roster` is the digest of the terms that she saw.

    Raises `StatementError`: `expired` if the offer does not stand any more.
    """
    offer.check_times(now_ms)
    body = Offer.from_statement(offer)
    agreement = {"offer": offer.data, "terms": body.terms, "roster": roster}
    given = {name: value for name, value in agreement.items() if value is not None}
    signed = Agreement.from_wire(given).sign(key, created=now_ms, expires=MAX_TIME_MS)
    return AnswerDraft(signed, _seal_answer(signed, body, cast=cast, key=key, now_ms=now_ms, random=random))


def draft_decline(
    offer: Statement, *, reason: str, cast: Statement, key: SigningKey, now_ms: int, random: Random
) -> AnswerDraft:
    """The word that she does not take an opened offer.  Raises `StatementError` for a reason that is none."""
    created, expires = round_times(Kind.DECLINE, now_ms=now_ms, lifetime_ms=LONGEST_LIFETIME_MS[Kind.DECLINE])
    signed = Decline.from_wire({"offer": offer.id, "reason": reason}).sign(key, created=created, expires=expires)
    body = Offer.from_statement(offer)
    return AnswerDraft(signed, _seal_answer(signed, body, cast=cast, key=key, now_ms=now_ms, random=random))


def open_answer(
    sealed: Statement, *, cast: Statement, offers: Iterable[Statement], outer_key: bytes, outer_reply_secret: bytes
) -> Accepted | Declined:
    """What the person of `cast` says to one of the `offers` that were made to it with `outer_key`.

    The signature of `sealed` itself was checked by whoever took it from the link.  Raises `StatementError`:
    `wrong-signer` unless she has sent it, `bad-seal`, `bad-offer` if it is about none of these offers, `expired` if
    she agrees to an offer that did not stand any more.
    """
    _check_box(Sealed.from_statement(sealed), cast, to=outer_key)
    inner = open_sealed(sealed, outer_reply_secret)
    if sealed.signer != cast.signer or inner.signer != cast.signer:
        raise StatementError("only the cast's own key answers an offer", code="wrong-signer")
    made = {offer.id: offer for offer in offers}
    if inner.kind is Kind.AGREEMENT:
        offer, _ = check_agreement(inner, cast)
        _check_ours(offer.id in made)
        if inner.created >= offer.expires:
            raise StatementError("the offer did not stand any more when it was agreed to", code="expired")
        return Accepted(inner, offer.id)
    decline = Decline.from_statement(inner)
    _check_ours(decline.offer in made)
    return Declined(decline.offer, decline.reason)


def _seal_answer(
    answer: Statement, offer: Offer, *, cast: Statement, key: SigningKey, now_ms: int, random: Random
) -> Statement:
    created, expires = round_times(Kind.SEALED, now_ms=now_ms, lifetime_ms=LONGEST_LIFETIME_MS[Kind.SEALED])
    return seal(
        answer,
        to=mailbox_urn(offer.outer),
        cast=cast.id,
        serial=offer.serial,  # an offer is answered once, so the answer to a higher offer counts
        reply_key=choose_reply_key(offer.reply),
        outer_key=key,
        ephemeral_secret=random(32),
        nonce=random(NONCE_BYTES),
        created=created,
        expires=expires,
    )


def _mailbox(key: SigningKey, at: str, messages: int, *, created: int, expires: int) -> Statement:
    size = min(messages * SEALED_BYTES, MAX_MAILBOX_BYTES)
    return Mailbox(at=at, messages=messages, bytes=size).sign(key, created=created, expires=expires)


def _check_box(box: Sealed, cast: Statement, *, to: bytes) -> None:
    if box.to != mailbox_urn(to) or box.cast != cast.id:
        raise StatementError("it is about another cast, or for another mailbox", code="bad-offer")


def _check_size(offer: Statement) -> None:
    if len(offer.data) > MAX_OFFER_BYTES:
        raise StatementError(
            f"an offer of {len(offer.data)} bytes is over {MAX_OFFER_BYTES}: no agreement could hold it",
            code="too-large",
        )


def _check_ours(made: bool) -> None:  # noqa: FBT001 - the fact that is checked
    if not made:
        raise StatementError("it is about an offer that was not made here", code="bad-offer")
