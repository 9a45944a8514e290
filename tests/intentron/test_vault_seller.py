"""What the vault remembers on the seller's side: casts that came, answers and what carries them, until they expire."""

from __future__ import annotations

import apsw
import pytest

from byway.node_address import NodeAddress
from byway.protocol.limits import DAY_MS
from intentron.keys import Role
from intentron.vault import (
    AnswerState,
    CastState,
    Ended,
    InboxState,
    OfferState,
    Outgoing,
    OutgoingState,
    Side,
    Vault,
)
from intentron.vault.vault import HISTORY_MS
from tests.strategies import deals
from tests.strategies.deals import AUTHORITY, CAST_ENDS, NOW, OFFER_ENDS, ROUTER, answered, asked, came, offered


def outgoing(vault: Vault, statement_id: bytes, node: NodeAddress = AUTHORITY) -> Outgoing:
    found = vault.outbox.get(statement_id, node)
    assert found
    return found


def test_a_cast_comes_once_however_often_it_is_delivered(vault: Vault) -> None:
    cast = came(vault)

    assert cast
    assert (cast.statement, cast.sub, cast.sequence, cast.state) == (deals.cast(), "homes", 1, InboxState.NEW)
    assert vault.inbox.decline(cast.id)
    assert came(vault, sub="all", sequence=9) is None
    assert [(kept.sub, kept.state) for kept in vault.inbox.all()] == [("homes", InboxState.DECLINED)]
    assert not vault.inbox.decline(cast.id)


def test_a_closed_cast_stays_closed(vault: Vault) -> None:
    cast = came(vault)
    assert cast

    assert not vault.inbox.close(bytes(32))
    assert vault.inbox.close(cast.id)
    assert not vault.inbox.close(cast.id)
    assert came(vault) is None
    assert vault.inbox[cast.id].state is InboxState.CLOSED


def test_ones_own_cast_has_one_name_on_both_sides(vault: Vault) -> None:
    own, received = asked(vault), came(vault)

    assert received
    assert own.name == received.name


def test_an_answer_is_on_its_way_from_the_moment_it_is_kept(vault: Vault) -> None:
    cast = came(vault)
    assert cast

    answer = vault.answers[answered(vault)]

    assert (answer.state, answer.serial, answer.rule) == (AnswerState.SENDING, 1, "")
    assert vault.inbox[cast.id].state is InboxState.ANSWERED
    (due,) = vault.outbox.due(NOW)
    assert due.id == answer.sealed_id
    assert (due.statement, due.node) == (deals.sealed(cast.id), AUTHORITY)
    assert (due.role, due.subject) == (Role.OUTER, cast.id)


def test_the_receipt_of_what_carries_an_offer_makes_it_stored(vault: Vault) -> None:
    came(vault)
    answer = vault.answers[answered(vault)]

    assert vault.outbox.record_receipt(answer.sealed_id, AUTHORITY, b"receipt")
    assert not vault.outbox.record_receipt(answer.sealed_id, AUTHORITY, b"again")
    assert not vault.outbox.record_refusal(answer.sealed_id, AUTHORITY, "mailbox-full")

    assert vault.answers[answer.id].state is AnswerState.STORED
    assert outgoing(vault, answer.sealed_id).receipt == b"receipt"
    assert vault.outbox.due(NOW) == []


def test_the_refusal_of_what_carries_an_offer_is_the_offers(vault: Vault) -> None:
    came(vault)
    answer = vault.answers[answered(vault)]

    assert vault.outbox.record_refusal(answer.sealed_id, AUTHORITY, "mailbox-full")

    refused = vault.answers[answer.id]
    assert (refused.state, refused.reason) == (AnswerState.REFUSED, "mailbox-full")
    assert outgoing(vault, answer.sealed_id).code == "mailbox-full"


def test_answers_to_one_cast_have_rising_serials(vault: Vault) -> None:
    cast = came(vault)
    assert cast
    serials = []
    for _ in range(3):
        serials.append(vault.answers.next_serial(cast.id))
        answered(vault, serials[-1])

    assert serials == [1, 2, 3]
    assert [answer.serial for answer in vault.answers.to_cast(cast.id)] == [3, 2, 1]
    with pytest.raises(apsw.ConstraintError):
        answered(vault, 2)


def test_an_agreement_outweighs_whatever_was_heard_before(vault: Vault) -> None:
    """The receipt of the offer was lost, a decline came first: two signatures are still an agreement."""
    cast = came(vault)
    assert cast
    offer_id = answered(vault)
    assert vault.answers.record_decline(offer_id, "price")
    agreed = deals.agreement(vault.answers[offer_id].statement)

    kept = vault.agreements.receive(agreed, offer_id=offer_id, cast_id=cast.id, now=NOW)

    assert kept
    assert kept.side is Side.SELLER
    assert (vault.answers[offer_id].state, vault.answers[offer_id].reason) == (AnswerState.ACCEPTED, "")
    assert vault.agreements.receive(agreed, offer_id=offer_id, cast_id=cast.id, now=NOW) is None
    assert not vault.answers.record_decline(offer_id, "price")
    vault.outbox.record_receipt(vault.answers[offer_id].sealed_id, AUTHORITY, b"late")
    assert vault.answers[offer_id].state is AnswerState.ACCEPTED


def test_an_agreement_to_what_was_never_offered_is_not_kept(vault: Vault) -> None:
    cast = came(vault)
    assert cast
    foreign = deals.offer(cast.id, 7, "somebody else")

    assert vault.agreements.receive(deals.agreement(foreign), offer_id=foreign.id, cast_id=cast.id, now=NOW) is None
    assert vault.agreements.all() == []


def test_the_answers_of_a_rule_are_counted_from_a_moment_on(vault: Vault) -> None:
    came(vault)
    for serial, made_at in enumerate([NOW - DAY_MS, NOW, NOW + 1], 1):
        answered(vault, serial, rule_name="eggs", now=made_at)
    answered(vault, 4, now=NOW)

    assert vault.answers.made_by("eggs", NOW) == 2
    assert vault.answers.made_by("apples", NOW) == 0


def test_a_statement_waits_until_its_time_and_is_put_once(vault: Vault) -> None:
    close = deals.sealed(bytes(32))

    def put(now: int) -> bool:
        return vault.outbox.put(close, node=ROUTER, role=Role.CAST, subject=deals.salt("mary"), now=now)

    assert vault.outbox.next_try() is None
    assert put(NOW)
    assert not put(NOW + 5)
    assert vault.outbox.next_try() == NOW
    assert vault.outbox.due(NOW - 1) == []

    vault.outbox.record_attempt(close.id, ROUTER, NOW + 60_000)
    assert vault.outbox.due(NOW + 59_999) == []
    (due,) = vault.outbox.due(NOW + 60_000)
    assert (due.attempts, due.role, due.subject) == (1, Role.CAST, deals.salt("mary"))

    assert vault.outbox.record_receipt(close.id, ROUTER, b"receipt")
    assert not put(NOW)
    assert vault.outbox.next_try() is None
    assert outgoing(vault, close.id, ROUTER).state is OutgoingState.STORED


def test_a_close_goes_to_two_nodes_and_each_has_its_own_end(vault: Vault) -> None:
    close = deals.sealed(bytes(32))
    for node in (ROUTER, AUTHORITY):
        assert vault.outbox.put(close, node=node, role=Role.CAST, subject=deals.salt("mary"), now=NOW)

    assert vault.outbox.record_receipt(close.id, ROUTER, b"receipt")

    assert [due.node for due in vault.outbox.due(NOW)] == [AUTHORITY]
    sent = vault.outbox.of(Role.CAST, deals.salt("mary"))
    assert {kept.node: kept.state for kept in sent} == {ROUTER: OutgoingState.STORED, AUTHORITY: OutgoingState.WAITING}
    assert vault.outbox.of(Role.CAST, deals.salt("john")) == []
    assert vault.outbox.get(close.id, deals.AUTHORITY)
    assert vault.outbox.get(bytes(32), ROUTER) is None


def test_a_person_is_listened_to_until_she_has_answered(vault: Vault) -> None:
    """An offer that has expired may have been agreed to before: only an answer, or time, ends the waiting."""
    cast = came(vault)
    assert cast
    assert vault.answers.awaited(NOW) == []
    answer = vault.answers[answered(vault)]
    assert vault.answers.awaited(NOW) == []

    vault.outbox.record_receipt(answer.sealed_id, AUTHORITY, b"receipt")
    assert vault.answers.awaited(NOW) == [(cast.id, AUTHORITY)]
    vault.expire(OFFER_ENDS)
    assert vault.answers.awaited(NOW) == [(cast.id, AUTHORITY)]
    assert vault.answers.awaited(OFFER_ENDS) == []

    vault.agreements.receive(deals.agreement(answer.statement), offer_id=answer.id, cast_id=cast.id, now=NOW)
    assert vault.answers.awaited(NOW) == []


def test_an_offer_is_replaced_when_a_later_one_is_stored_and_what_was_unsent_of_it_stays(vault: Vault) -> None:
    cast = came(vault)
    assert cast
    first, second, third = (vault.answers[answered(vault, serial)] for serial in (1, 2, 3))
    vault.outbox.record_receipt(first.sealed_id, AUTHORITY, b"first")
    assert vault.answers.replace_before(vault.answers[first.id]) == []

    vault.outbox.record_receipt(third.sealed_id, AUTHORITY, b"third")
    replaced = vault.answers.replace_before(vault.answers[third.id])

    assert [before.id for before in replaced] == [second.id, first.id]
    states = [answer.state for answer in vault.answers.to_cast(cast.id)]
    assert states == [AnswerState.STORED, AnswerState.REPLACED, AnswerState.REPLACED]
    assert vault.outbox.due(NOW) == []
    assert not vault.outbox.record_refusal(second.sealed_id, AUTHORITY, "older-serial")
    assert vault.answers.replace_before(vault.answers[third.id]) == []
    assert not vault.answers.record_decline(first.id, "price")
    assert vault.answers.awaited(NOW) == [(cast.id, AUTHORITY)]

    agreed = deals.agreement(first.statement)
    assert vault.agreements.receive(agreed, offer_id=first.id, cast_id=cast.id, now=NOW)
    assert vault.answers[first.id].state is AnswerState.ACCEPTED


def test_what_was_refused_or_has_expired_leaves_the_outbox_and_what_was_stored_stays_until_it_expires(
    vault: Vault,
) -> None:
    for name in ("stored", "refused", "unsent"):
        came(vault, name)
    stored, refused, unsent = (vault.answers[answered(vault, 1, name)] for name in ("stored", "refused", "unsent"))
    vault.outbox.record_receipt(stored.sealed_id, AUTHORITY, b"receipt")
    vault.outbox.record_refusal(refused.sealed_id, AUTHORITY, "mailbox-full")

    vault.forget(NOW)
    assert vault.outbox.get(stored.sealed_id, AUTHORITY)
    assert vault.outbox.get(refused.sealed_id, AUTHORITY) is None
    assert vault.outbox.get(unsent.sealed_id, AUTHORITY)

    vault.expire(OFFER_ENDS)
    vault.forget(OFFER_ENDS)
    assert vault._database.row("SELECT count(*) FROM outbox") == (0,)
    assert vault.answers[stored.id].receipt == b"receipt"
    assert vault.answers.awaited(NOW) == [(deals.cast("stored").id, AUTHORITY)]


def test_what_is_long_over_is_forgotten_and_agreements_are_not(vault: Vault) -> None:
    for name in ("mary", "john", "ann"):
        came(vault, name)
    taken, passed = vault.answers[answered(vault, 1, "mary")], vault.answers[answered(vault, 1, "john")]
    vault.agreements.receive(
        deals.agreement(taken.statement), offer_id=taken.id, cast_id=deals.cast("mary").id, now=NOW
    )
    ended = deals.cast("mary").expires
    vault.expire(ended)

    vault.forget(ended + HISTORY_MS - 1)
    assert len(vault.inbox.all()) == 3
    vault.forget(ended + HISTORY_MS)

    assert [kept.id for kept in vault.inbox.all()] == [deals.cast("mary").id]
    assert [answer.id for answer in vault.answers.all()] == [taken.id]
    assert passed.id not in vault.answers
    assert vault.names.find(passed.name) == passed.id


def test_the_offers_to_a_person_are_forgotten_when_long_over_unless_she_has_agreed(vault: Vault) -> None:
    cast = asked(vault)
    taken, passed = offered(vault, 1, "a"), offered(vault, 1, "b")
    assert taken
    assert passed
    vault.agreements.make(deals.agreement(taken.statement), offer_id=taken.id, cast_id=cast.id, now=NOW)

    vault.expire(OFFER_ENDS)
    vault.forget(OFFER_ENDS + HISTORY_MS - 1)
    assert passed.id in vault.offers
    vault.forget(OFFER_ENDS + HISTORY_MS)

    assert [offer.id for offer in vault.offers.all()] == [taken.id]
    assert [kept.id for kept in vault.casts.all()] == [cast.id]


def test_what_has_expired_is_not_due(vault: Vault) -> None:
    vault.outbox.put(deals.sealed(bytes(32)), node=ROUTER, role=Role.IDENTITY, subject=b"", now=NOW)

    assert vault.outbox.due(OFFER_ENDS) == []


def test_what_is_open_expires_and_what_was_decided_stays(vault: Vault) -> None:
    cast, refused = asked(vault, "mary"), asked(vault, "refused")
    vault.casts.record_refusal(refused.id, "bad-body", "a field is missing")
    taken, passed = offered(vault, 1, "a"), offered(vault, 1, "b")
    came(vault, "mary")
    came(vault, "untouched")
    unsent = answered(vault)
    assert taken
    assert passed
    vault.agreements.make(deals.agreement(taken.statement), offer_id=taken.id, cast_id=cast.id, now=NOW)

    assert vault.expire(OFFER_ENDS - 1) == Ended(0, 0, 0, 0, 0)
    assert vault.expire(CAST_ENDS + DAY_MS) == Ended(casts=1, offers=1, inbox=1, outgoing=1, answers=0)
    assert vault.expire(CAST_ENDS + DAY_MS) == Ended(0, 0, 0, 0, 0)

    assert vault.casts[cast.id].state is CastState.EXPIRED
    assert vault.casts[refused.id].state is CastState.REFUSED
    assert vault.offers[taken.id].state is OfferState.ACCEPTED
    assert vault.offers[passed.id].state is OfferState.EXPIRED
    assert vault.inbox[deals.cast("untouched").id].state is InboxState.EXPIRED
    assert vault.answers[unsent].state is AnswerState.EXPIRED


def test_a_stored_offer_expires_with_the_offer(vault: Vault) -> None:
    came(vault)
    answer = vault.answers[answered(vault)]
    vault.outbox.record_receipt(answer.sealed_id, AUTHORITY, b"receipt")

    assert vault.expire(OFFER_ENDS).answers == 1
    assert vault.answers[answer.id].state is AnswerState.EXPIRED
    assert vault.answers.all(AnswerState.EXPIRED) == [vault.answers[answer.id]]
