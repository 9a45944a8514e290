"""A deal between two sides that share nothing but statements; and everything either of them has to refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from nacl.signing import SigningKey

from byway.errors import StatementError
from byway.protocol.agreement import Agreement, Decline, check_agreement
from byway.protocol.facets import Integer, Money, Text
from byway.protocol.intentcast import Cast
from byway.protocol.limits import DAY_MS, HOUR_MS, SIZE_CLASSES
from byway.protocol.mailbox import Mailbox
from byway.protocol.offer import Offer
from byway.protocol.seal import Sealed, public_reply_key, seal
from byway.protocol.statement import Statement
from byway.protocol.urn import mailbox_urn, node_urn
from intentron.deal import (
    MAX_OFFER_BYTES,
    Accepted,
    AnswerDraft,
    CastDraft,
    Declined,
    OfferDraft,
    OpenedOffer,
    Proposal,
    Wish,
    draft_agreement,
    draft_cast,
    draft_decline,
    draft_offer,
    open_answer,
    open_offer,
)
from intentron.disclosure import EVERYBODY, MESSAGING, NOBODY, disclosure
from tests.strategies.randomness import Seeded

NOW = 1_800_000_123_456
AUTHORITY = node_urn(bytes(range(32)))
NOSTALKING = "urn:byway:terms:customercommons:nostalking"
SENTENCE = "a sunny flat near my mother in Southie"


def wish(**changes: Any) -> Wish:
    parts: dict[str, Any] = {
        "topic": "urn:byway:topic:open:homes:boston",
        "facets": {"beds": Integer(2, None), "kind": Text("condo"), "price": Money("USD", None, 80_000_000)},
        "demand": {"@type": "Demand", "itemOffered": {"@type": "Apartment", "petsAllowed": True}},
        "offers": 10,
        "terms": (NOSTALKING,),
        "lifetime_ms": 14 * DAY_MS,
        "sentence": SENTENCE,
    }
    return Wish(**parts | changes)


@dataclass
class Person:
    random: Seeded = field(default_factory=lambda: Seeded("person"))

    def __post_init__(self) -> None:
        self.key = SigningKey(self.random(32))
        self.reply_secret = self.random(32)

    def ask(self, **changes: Any) -> CastDraft:
        return draft_cast(
            wish(**changes), key=self.key, reply_secret=self.reply_secret, authority=AUTHORITY, now_ms=NOW
        )

    def open(self, sealed: Statement, cast: Statement, now_ms: int = NOW) -> OpenedOffer:
        return open_offer(sealed, cast=cast, reply_secret=self.reply_secret, now_ms=now_ms)

    def agree(self, offer: Statement, cast: Statement, now_ms: int = NOW, **changes: Any) -> AnswerDraft:
        return draft_agreement(offer, cast=cast, key=self.key, now_ms=now_ms, random=self.random, **changes)

    def decline(self, offer: Statement, cast: Statement, reason: str = "price") -> AnswerDraft:
        return draft_decline(offer, reason=reason, cast=cast, key=self.key, now_ms=NOW, random=self.random)


@dataclass
class Seller:
    random: Seeded = field(default_factory=lambda: Seeded("seller"))

    def __post_init__(self) -> None:
        self.key = SigningKey(self.random(32))
        self.outer = SigningKey(self.random(32))
        self.reply_secret = self.random(32)

    def offer(self, cast: Statement, serial: int = 1, lifetime_ms: int = 3 * DAY_MS, **changes: Any) -> OfferDraft:
        parts: dict[str, Any] = {
            "offer": {"@type": "Offer", "name": "2-bed condo"},
            "price": Money("USD", 1, 1),
            "terms": NOSTALKING,
        }
        return draft_offer(
            cast,
            Proposal(**parts | changes),
            seller_key=self.key,
            outer_key=self.outer,
            outer_reply_secret=self.reply_secret,
            serial=serial,
            lifetime_ms=lifetime_ms,
            now_ms=NOW,
            random=self.random,
        )

    def open(self, sealed: Statement, cast: Statement, *offers: Statement) -> Accepted | Declined:
        return open_answer(
            sealed,
            cast=cast,
            offers=offers,
            outer_key=bytes(self.outer.verify_key),
            outer_reply_secret=self.reply_secret,
        )


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(StatementError) as caught:
        act()
    return caught.value.code


def test_a_deal_ends_with_the_same_two_signatures_on_both_sides() -> None:
    person, seller = Person(), Seller()
    cast = person.ask().cast

    made = seller.offer(cast)
    opened = person.open(made.sealed, cast)
    assert opened.statement == made.offer
    assert opened.body.price == Money("USD", 1, 1)

    agreement = person.agree(opened.statement, cast, roster=bytes(32))
    heard = seller.open(agreement.sealed, cast, made.offer)
    assert heard == Accepted(agreement.answer, made.offer.id)

    offer, body = check_agreement(agreement.answer, cast)
    assert (offer.signer, body.terms) == (bytes(seller.key.verify_key), NOSTALKING)
    assert Agreement.from_statement(agreement.answer).roster == bytes(32)


def test_a_decline_reaches_the_seller_with_its_reason() -> None:
    person, seller = Person(), Seller()
    cast = person.ask().cast
    made = seller.offer(cast, terms=None)

    declined = person.decline(made.offer, cast, "chosen-another")

    assert seller.open(declined.sealed, cast, made.offer) == Declined(made.offer.id, "chosen-another")
    assert code_of(lambda: person.decline(made.offer, cast, "no thanks")) == "bad-body"


def test_the_answer_to_a_newer_offer_counts_above_that_to_an_older_one() -> None:
    person, seller = Person(), Seller()
    cast = person.ask().cast
    first, second = seller.offer(cast), seller.offer(cast, serial=2)

    declined, agreed = person.decline(first.offer, cast), person.agree(second.offer, cast)

    serials = [Sealed.from_statement(answer.sealed).serial for answer in (declined, agreed)]
    assert serials == [1, 2]


def test_a_cast_and_its_mailbox_show_no_more_than_the_page_allows() -> None:
    draft = Person().ask()
    cast, mailbox = Cast.from_statement(draft.cast), Mailbox.from_statement(draft.mailbox)

    assert draft.cast.created % 600_000 == draft.mailbox.created % 600_000 == 0
    assert draft.cast.expires % HOUR_MS == 0
    assert len(draft.cast.body_bytes) in SIZE_CLASSES
    assert (mailbox.at, mailbox.messages) == (AUTHORITY, 10)
    assert draft.mailbox.expires == draft.cast.expires + 30 * DAY_MS
    assert cast.reply == ((1, public_reply_key(Person().reply_secret)),)
    for statement in (draft.cast, draft.mailbox):
        assert b"Southie" not in statement.data


def test_the_longest_cast_has_a_mailbox_of_the_longest_life() -> None:
    draft = Person().ask(lifetime_ms=30 * DAY_MS, offers=1000)
    assert draft.mailbox.expires - draft.mailbox.created <= 60 * DAY_MS


def test_outside_an_offer_stands_nothing_of_its_seller() -> None:
    person, seller = Person(), Seller()
    made = seller.offer(person.ask().cast)
    for statement in (made.sealed, made.mailbox):
        assert statement.signer == bytes(seller.outer.verify_key)
        assert bytes(seller.key.verify_key) not in statement.data
        assert b"condo" not in statement.data


def test_an_answer_can_be_fetched_for_a_month_after_the_offer_has_ended() -> None:
    made = Seller().offer(Person().ask().cast)
    assert made.mailbox.expires == made.offer.expires + 30 * DAY_MS
    assert Mailbox.from_statement(made.mailbox).at == AUTHORITY


def test_an_offer_is_opened_with_the_right_key_only() -> None:
    person, seller = Person(), Seller()
    cast = person.ask().cast
    made = seller.offer(cast)
    assert code_of(lambda: open_offer(made.sealed, cast=cast, reply_secret=bytes(32), now_ms=NOW)) == "bad-seal"


def test_an_offer_to_another_cast_is_refused() -> None:
    person, seller, other = Person(), Seller(), Person(Seeded("another person"))
    cast = person.ask().cast
    for_another = seller.offer(other.ask().cast)
    assert code_of(lambda: person.open(for_another.sealed, cast)) == "bad-offer"


def test_an_offer_that_another_seller_put_into_a_box_of_its_own_is_refused() -> None:
    """A thief who was shown an offer cannot hand it in as its own: it names the outer key."""
    person, seller, thief = Person(), Seller(), SigningKey(bytes(32))
    cast = person.ask().cast
    made = seller.offer(cast)
    stolen = resealed(made.offer, cast, Cast.from_statement(cast).reply[0][1], thief)
    assert code_of(lambda: person.open(stolen, cast)) == "bad-offer"


def test_what_is_no_offer_is_refused() -> None:
    person, seller = Person(), Seller()
    draft = person.ask()
    boxed = resealed(draft.mailbox, draft.cast, Cast.from_statement(draft.cast).reply[0][1], seller.outer)
    assert code_of(lambda: person.open(boxed, draft.cast)) == "bad-offer"


def test_an_expired_offer_is_neither_opened_nor_agreed_to() -> None:
    person, seller = Person(), Seller()
    cast = person.ask().cast
    made = seller.offer(cast)
    late = made.offer.expires
    assert code_of(lambda: person.open(made.sealed, cast, late)) == "expired"
    assert code_of(lambda: person.agree(made.offer, cast, late)) == "expired"


def test_an_agreement_dated_after_the_offer_has_ended_is_refused() -> None:
    person, seller = Person(), Seller()
    cast = person.ask().cast
    made = seller.offer(cast)
    reply_key = Offer.from_statement(made.offer).reply[0][1]
    late = Agreement(offer=made.offer.data, terms=NOSTALKING).sign(
        person.key, created=made.offer.expires, expires=made.offer.expires + 1
    )
    sealed = resealed(late, cast, reply_key, person.key, to=seller.outer)
    assert code_of(lambda: seller.open(sealed, cast, made.offer)) == "expired"


def test_only_the_cast_s_own_key_answers() -> None:
    person, seller, stranger = Person(), Seller(), SigningKey(bytes(32))
    cast = person.ask().cast
    made = seller.offer(cast)
    reply_key = Offer.from_statement(made.offer).reply[0][1]
    agreement = person.agree(made.offer, cast).answer

    by_a_stranger = resealed(agreement, cast, reply_key, stranger, to=seller.outer)
    assert code_of(lambda: seller.open(by_a_stranger, cast, made.offer)) == "wrong-signer"

    decline = Decline(offer=made.offer.id, reason="price").sign(stranger, created=NOW, expires=NOW + 1)
    of_a_stranger = resealed(decline, cast, reply_key, person.key, to=seller.outer)
    assert code_of(lambda: seller.open(of_a_stranger, cast, made.offer)) == "wrong-signer"


def test_an_answer_about_an_offer_that_was_not_made_is_refused() -> None:
    person, seller = Person(), Seller()
    cast = person.ask().cast
    made, other = seller.offer(cast), seller.offer(cast, serial=2)
    for answer in (person.agree(made.offer, cast), person.decline(made.offer, cast)):
        assert code_of(partial(seller.open, answer.sealed, cast, other.offer)) == "bad-offer"


def test_an_answer_of_another_kind_is_refused() -> None:
    person, seller = Person(), Seller()
    draft = person.ask()
    made = seller.offer(draft.cast)
    reply_key = Offer.from_statement(made.offer).reply[0][1]
    sealed = resealed(draft.mailbox, draft.cast, reply_key, person.key, to=seller.outer)
    assert code_of(lambda: seller.open(sealed, draft.cast, made.offer)) == "bad-body"


def test_terms_that_the_person_did_not_name_are_not_offered() -> None:
    cast = Person().ask().cast
    assert code_of(lambda: Seller().offer(cast, terms="urn:byway:terms:somebody:else")) == "bad-offer"


def test_the_largest_offer_can_be_agreed_to_and_a_larger_one_is_not_made() -> None:
    person, seller = Person(), Seller()
    cast = person.ask().cast
    empty = len(seller.offer(cast, offer={"description": "x" * 300}).offer.data) - 300
    room = MAX_OFFER_BYTES - empty

    made = seller.offer(cast, offer={"description": "x" * room})
    agreement = person.agree(made.offer, cast, roster=bytes(32))
    assert seller.open(agreement.sealed, cast, made.offer) == Accepted(agreement.answer, made.offer.id)

    assert code_of(lambda: seller.offer(cast, offer={"description": "x" * (room + 1)})) == "too-large"


@pytest.mark.parametrize(("lifetime_ms", "code"), [(0, "bad-lifetime"), (31 * DAY_MS, "lifetime-too-long")])
def test_an_offer_lives_as_long_as_something_sealed_may(lifetime_ms: int, code: str) -> None:
    seller, cast = Seller(), Person().ask().cast
    assert code_of(lambda: seller.offer(cast, lifetime_ms=lifetime_ms)) == code


def test_the_disclosure_names_every_byte_of_what_is_sent() -> None:
    draft = Person().ask()
    rows = disclosure(draft, sentence=SENTENCE)

    for who, statement in ((EVERYBODY, draft.cast), (MESSAGING, draft.mailbox)):
        assert sum(row.bytes for row in rows if row.who == who) == len(statement.data)
        assert all(row.bytes > 0 for row in rows if row.who == who)
    shown = {row.field: row.value for row in rows}
    assert shown["cast.facets.price"] == "up to 800,000.00 USD"
    assert '"petsAllowed": true' in shown["cast.demand.itemOffered"]
    assert [row for row in rows if row.who == NOBODY] == [(NOBODY, "sentence", SENTENCE, 0)]
    assert {"link.address", "link.time"} <= set(shown)
    assert "link.name" not in shown


def test_the_disclosure_says_that_an_authority_is_asked_about_a_topic_under_a_root() -> None:
    topic = f"urn:byway:topic:{AUTHORITY.rpartition(':')[2]}:homes"
    assert "link.name" in {row.field for row in disclosure(Person().ask(topic=topic))}


def resealed(
    inner: Statement, cast: Statement, reply_key: bytes, outer: SigningKey, to: SigningKey | None = None
) -> Statement:
    return seal(
        inner,
        to=mailbox_urn(bytes(to.verify_key) if to else cast.signer),
        cast=cast.id,
        serial=1,
        reply_key=reply_key,
        outer_key=outer,
        ephemeral_secret=bytes(range(32)),
        nonce=bytes(24),
        created=NOW,
        expires=NOW + DAY_MS,
    )
