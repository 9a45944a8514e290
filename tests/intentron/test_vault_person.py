"""What the vault remembers on the person's side: her casts, the offers to them, under repeats and in any order."""

from __future__ import annotations

import tempfile
from pathlib import Path

import apsw
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from intentron.vault import (
    CastState,
    OfferState,
    Side,
    Vault,
    open_vault,
)
from tests.strategies import deals
from tests.strategies.deals import AUTHORITY, NOW, ROUTER, TOPIC, asked, offered


def test_a_cast_is_kept_as_it_is_before_anything_leaves(vault: Vault) -> None:
    cast = asked(vault)

    assert (cast.state, cast.receipt, cast.mailbox_accepted, cast.code) == (CastState.DRAFT, None, False, "")
    assert (cast.statement, cast.mailbox, cast.salt) == (deals.cast(), deals.mailbox(), deals.salt("mary"))
    assert (cast.topic, cast.sentence, cast.made_at) == (TOPIC, "a condo in Boston", NOW)
    assert (cast.router, cast.authority) == (ROUTER, AUTHORITY)
    assert vault.casts[cast.id] == cast
    assert vault.names.find(cast.name) == cast.id
    assert cast.id in vault.casts


def test_two_casts_never_share_a_salt(vault: Vault) -> None:
    asked(vault)

    with pytest.raises(apsw.ConstraintError):
        vault.casts.add(
            deals.cast("other"),
            deals.mailbox("other"),
            salt=deals.salt("mary"),
            sentence="",
            router=ROUTER,
            authority=AUTHORITY,
            now=NOW,
        )

    assert len(vault.casts.all()) == 1
    assert vault.names.find("C-" + deals.cast("other").urn[-52:][:4]) is None


def test_casts_are_listed_newest_first_and_by_state(vault: Vault) -> None:
    first, second, third = (asked(vault, name, NOW + number) for number, name in enumerate(["a", "b", "c"]))
    vault.casts.close(second.id)

    assert [cast.id for cast in vault.casts.all()] == [third.id, second.id, first.id]
    assert [cast.id for cast in vault.casts.all(CastState.CLOSED, CastState.EXPIRED)] == [second.id]
    with pytest.raises(KeyError):
        vault.casts[bytes(32)]


def test_a_receipt_makes_a_draft_accepted_and_the_first_one_stays(vault: Vault) -> None:
    cast = asked(vault)
    vault.casts.record_mailbox(cast.id)
    vault.casts.record_receipt(cast.id, b"first")
    vault.casts.record_receipt(cast.id, b"again")

    kept = vault.casts[cast.id]
    assert (kept.state, kept.receipt, kept.mailbox_accepted) == (CastState.ACCEPTED, b"first", True)


def test_a_draft_is_sent_from_the_first_try_on_and_what_was_closed_before_never(vault: Vault) -> None:
    sent, closed = asked(vault, "a"), asked(vault, "b")
    vault.casts.close(closed.id)

    assert not sent.sent
    assert vault.casts.record_sending(sent.id)
    assert not vault.casts.record_sending(closed.id)
    assert (vault.casts[sent.id].sent, vault.casts[closed.id].sent) == (True, False)


def test_a_refusal_ends_a_draft_only(vault: Vault) -> None:
    refused, accepted = asked(vault, "a"), asked(vault, "b")
    vault.casts.record_receipt(accepted.id, b"receipt")

    assert vault.casts.record_refusal(refused.id, "bad-body", "a field is missing")
    assert not vault.casts.record_refusal(accepted.id, "bad-body", "a field is missing")

    kept = vault.casts[refused.id]
    assert (kept.state, kept.code, kept.reason) == (CastState.REFUSED, "bad-body", "a field is missing")
    assert vault.casts[accepted.id].state is CastState.ACCEPTED


def test_a_receipt_that_comes_after_the_close_is_evidence_and_no_more(vault: Vault) -> None:
    cast = asked(vault)

    assert vault.casts.close(cast.id)
    vault.casts.record_receipt(cast.id, b"late")
    assert not vault.casts.close(cast.id)

    assert (vault.casts[cast.id].state, vault.casts[cast.id].receipt) == (CastState.CLOSED, b"late")


def test_an_offer_is_kept_with_how_it_came(vault: Vault) -> None:
    cast = asked(vault)

    offer = offered(vault)

    assert offer
    assert offer.statement == deals.offer(cast.id)
    assert (offer.cast_id, offer.outer_key, offer.serial) == (cast.id, deals.outer_key(), 1)
    assert (offer.state, offer.name[:2]) == (OfferState.OFFERED, "O-")
    assert vault.names.find(offer.name) == offer.id
    assert vault.offers.to_cast(cast.id) == vault.offers.all(OfferState.OFFERED) == [offer]


def test_an_offer_that_comes_again_has_no_effect(vault: Vault) -> None:
    asked(vault)
    offer = offered(vault)
    assert offer
    vault.offers.decline(offer.id, "price")

    assert offered(vault) is None

    assert vault.offers[offer.id].state is OfferState.DECLINED


def test_a_higher_serial_withdraws_and_an_older_one_is_ignored(vault: Vault) -> None:
    asked(vault)
    second, first, third = offered(vault, 2), offered(vault, 1), offered(vault, 3)

    assert second
    assert third
    assert first is None
    assert vault.offers[second.id].state is OfferState.WITHDRAWN
    assert vault.offers[third.id].state is OfferState.OFFERED
    assert second.name != third.name


def test_sellers_and_casts_have_serials_of_their_own(vault: Vault) -> None:
    asked(vault, "a")
    asked(vault, "b")

    assert offered(vault, 5, "farm", "a")
    assert offered(vault, 1, "orchard", "a")
    assert offered(vault, 1, "farm", "b")
    assert len(vault.offers.all(OfferState.OFFERED)) == 3


def test_an_accepted_offer_is_not_withdrawn(vault: Vault) -> None:
    cast = asked(vault)
    offer = offered(vault)
    assert offer
    agreed = deals.agreement(offer.statement)

    kept = vault.agreements.make(agreed, offer_id=offer.id, cast_id=cast.id, now=NOW)

    assert kept
    assert (kept.statement, kept.side, kept.id) == (agreed, Side.PERSON, agreed.id)
    assert vault.agreements.about(offer.id) == kept
    assert offered(vault, 2) is None
    assert vault.offers[offer.id].state is OfferState.ACCEPTED


def test_only_what_is_on_offer_can_be_accepted_or_declined(vault: Vault) -> None:
    cast = asked(vault)
    old, new = offered(vault, 1), offered(vault, 2)
    assert old
    assert new

    assert not vault.offers.decline(old.id, "price")
    assert vault.offers.decline(new.id, "price")
    for offer in (old, new):
        agreed = deals.agreement(offer.statement)
        assert vault.agreements.make(agreed, offer_id=offer.id, cast_id=cast.id, now=NOW) is None
        assert vault.agreements.about(offer.id) is None
    assert vault.offers[new.id].reason == "price"


def test_an_offer_is_agreed_to_once(vault: Vault) -> None:
    cast = asked(vault)
    offer = offered(vault)
    assert offer
    first, second = (deals.agreement(offer.statement, created=NOW + number) for number in (0, 1))

    assert vault.agreements.make(first, offer_id=offer.id, cast_id=cast.id, now=NOW)
    assert vault.agreements.make(second, offer_id=offer.id, cast_id=cast.id, now=NOW) is None
    assert [kept.id for kept in vault.agreements.all()] == [first.id]


SELLERS = ["farm", "orchard"]


class OffersInAnyOrder(RuleBasedStateMachine):
    """Offers of two sellers come in any order and again, are declined and accepted; the model is a dictionary."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.vault = open_vault(Path(self.folder.name))
        self.cast = asked(self.vault)
        self.states: dict[tuple[str, int], OfferState] = {}

    def teardown(self) -> None:
        self.vault.close()
        self.folder.cleanup()

    @rule(seller=st.sampled_from(SELLERS), serial=st.integers(1, 5))
    def an_offer_comes(self, seller: str, serial: int) -> None:
        mine = {number: state for (whose, number), state in self.states.items() if whose == seller}
        counts = serial > max(mine, default=0) and OfferState.ACCEPTED not in mine.values()

        received = offered(self.vault, serial, seller)

        assert (received is not None) == counts
        if counts:
            for number, state in mine.items():
                if state is OfferState.OFFERED:
                    self.states[seller, number] = OfferState.WITHDRAWN
            self.states[seller, serial] = OfferState.OFFERED

    @rule(seller=st.sampled_from(SELLERS), serial=st.integers(1, 5))
    def she_declines(self, seller: str, serial: int) -> None:
        on_offer = self.states.get((seller, serial)) is OfferState.OFFERED

        assert self.vault.offers.decline(deals.offer(self.cast.id, serial, seller).id, "price") == on_offer

        if on_offer:
            self.states[seller, serial] = OfferState.DECLINED

    @rule(seller=st.sampled_from(SELLERS), serial=st.integers(1, 5))
    def she_accepts(self, seller: str, serial: int) -> None:
        on_offer = self.states.get((seller, serial)) is OfferState.OFFERED
        offer = deals.offer(self.cast.id, serial, seller)

        made = self.vault.agreements.make(deals.agreement(offer), offer_id=offer.id, cast_id=self.cast.id, now=NOW)

        assert (made is not None) == on_offer
        if on_offer:
            self.states[seller, serial] = OfferState.ACCEPTED

    @rule()
    def the_process_starts_again(self) -> None:
        self.vault.close()
        self.vault = open_vault(Path(self.folder.name))

    @invariant()
    def the_vault_says_what_happened(self) -> None:
        kept = {(offer.outer_key, offer.serial): offer.state for offer in self.vault.offers.to_cast(self.cast.id)}
        assert kept == {(deals.outer_key(seller), serial): state for (seller, serial), state in self.states.items()}
        agreed = {agreement.offer_id for agreement in self.vault.agreements.all()}
        assert agreed == {offer.id for offer in self.vault.offers.all(OfferState.ACCEPTED)}

    @invariant()
    def one_offer_of_a_seller_stands_at_most(self) -> None:
        standing = [seller for (seller, _), state in self.states.items() if state is OfferState.OFFERED]
        assert len(standing) == len(set(standing))


TestOffersInAnyOrder = OffersInAnyOrder.TestCase
TestOffersInAnyOrder.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
