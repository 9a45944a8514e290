"""The messaging authority's decisions: who may open, fill and empty a mailbox, and how much it holds."""

from __future__ import annotations

import pytest
from nacl.signing import SigningKey

from authorities.messaging.authority import MessagingPolicy
from byway.errors import Refused, StatementError
from byway.protocol.close import Close
from byway.protocol.limits import DAY_MS, MAX_SERIALS
from byway.protocol.mailbox import Mailbox
from byway.protocol.seal import Sealed
from byway.protocol.statement import Kind, Statement, make_statement
from byway.protocol.urn import mailbox_urn, node_urn
from byway.router.policy import Source

NOW = 1_800_000_000_000
NODE = bytes(SigningKey(b"n" * 32).verify_key)
OWNER = SigningKey(b"o" * 32)
OWNER_KEY = bytes(OWNER.verify_key)


def key(number: int) -> SigningKey:
    return SigningKey(bytes([number]) * 32)


def mailbox(*, messages: int = 2, size: int = 100_000, at: bytes = NODE, created: int = NOW) -> Statement:
    body = Mailbox.from_wire({"at": node_urn(at), "messages": messages, "bytes": size})
    return body.sign(OWNER, created=created, expires=created + 30 * DAY_MS)


def sealed(by: SigningKey, *, serial: int = 1, to: bytes = OWNER_KEY, expires: int = NOW + DAY_MS) -> Statement:
    body = Sealed.from_wire(
        {
            "to": mailbox_urn(to),
            "cast": bytes(32),
            "serial": serial,
            "suite": 1,
            "key": bytes(32),
            "commit": bytes(32),
            "nonce": bytes(24),
            "box": bytes(1040),
        }
    )
    return body.sign(by, created=NOW, expires=expires)


class Authority:
    """A policy that sees each admitted statement in its journal at once."""

    def __init__(self, *statements: Statement) -> None:
        self.now = NOW
        self.policy = MessagingPolicy(NODE, lambda: self.now)
        for statement in statements:
            self.take(statement)

    def take(self, statement: Statement, *, stamped: bool = False) -> None:
        self.policy.admit(statement, Source(statement.signer, stamped=stamped))
        self.policy.remember(statement)

    def refuses(self, statement: Statement, *, peer: bytes | None = None) -> str:
        with pytest.raises((Refused, StatementError)) as caught:
            self.policy.admit(statement, Source(statement.signer if peer is None else peer))
        return caught.value.code

    def hands_over(self, statement: Statement) -> bool:
        return self.policy.is_delivered(statement)


def test_nothing_can_be_sent_to_a_mailbox_that_is_not_there() -> None:
    assert Authority().refuses(sealed(key(1))) == "mailbox-unknown"


def test_a_mailbox_is_opened_on_its_own_keys_link_only() -> None:
    assert Authority().refuses(mailbox(), peer=bytes(32)) == "wrong-signer"


def test_an_offer_comes_on_the_link_of_its_outer_key_only() -> None:
    assert Authority(mailbox()).refuses(sealed(key(1)), peer=OWNER_KEY) == "wrong-signer"


def test_a_mailbox_meant_for_another_authority_is_refused() -> None:
    assert Authority().refuses(mailbox(at=bytes(SigningKey(b"x" * 32).verify_key))) == "wrong-authority"


def test_it_takes_as_many_messages_as_its_owner_asked_for() -> None:
    authority = Authority(mailbox(messages=2), sealed(key(1)), sealed(key(2)))
    assert authority.refuses(sealed(key(3))) == "mailbox-full"


def test_it_takes_as_many_bytes_as_its_owner_asked_for() -> None:
    authority = Authority(mailbox(messages=9, size=2000), sealed(key(1)))
    assert authority.refuses(sealed(key(2))) == "mailbox-full"


def test_the_last_quarter_of_the_messages_is_for_those_who_bring_a_stamp() -> None:
    authority = Authority(mailbox(messages=9), *(sealed(key(number)) for number in range(1, 8)))
    assert authority.refuses(sealed(key(8))) == "busy"
    authority.take(sealed(key(1), serial=2))  # it has its place already
    for number in (8, 9):
        authority.take(sealed(key(number)), stamped=True)
    assert authority.refuses(sealed(key(10))) == "mailbox-full"


def test_the_last_quarter_of_the_bytes_is_for_those_who_bring_a_stamp() -> None:
    size = len(sealed(key(1)).data)
    authority = Authority(mailbox(messages=100, size=4 * size), *(sealed(key(number)) for number in range(1, 4)))
    assert authority.refuses(sealed(key(4))) == "busy"
    authority.take(sealed(key(4)), stamped=True)
    assert authority.refuses(sealed(key(5))) == "mailbox-full"


@pytest.mark.parametrize("messages", [1, 2, 3])
def test_of_a_mailbox_for_few_nothing_is_kept_back(messages: int) -> None:
    size = messages * len(sealed(key(1)).data)
    authority = Authority(
        mailbox(messages=messages, size=size), *(sealed(key(number)) for number in range(1, messages + 1))
    )
    assert authority.refuses(sealed(key(9))) == "mailbox-full"


def test_what_is_admitted_and_not_yet_durable_counts_too() -> None:
    authority = Authority(mailbox(messages=1))
    authority.policy.admit(sealed(key(1)), Source(bytes(key(1).verify_key)))
    assert authority.refuses(sealed(key(2))) == "mailbox-full"


def test_the_same_bytes_again_are_admitted_again() -> None:
    authority = Authority(mailbox(messages=1), sealed(key(1)))
    authority.policy.admit(sealed(key(1)), Source(bytes(key(1).verify_key)))


def test_a_newer_serial_takes_the_place_of_the_older_one() -> None:
    older, newer = sealed(key(1)), sealed(key(1), serial=2)
    authority = Authority(mailbox(messages=1), older, newer)
    assert (authority.hands_over(older), authority.hands_over(newer)) == (False, True)
    assert authority.refuses(sealed(key(1), serial=1, expires=NOW + 2 * DAY_MS)) == "older-serial"


def test_one_signer_cannot_bring_more_than_a_few_however_many_serials_it_has() -> None:
    authority = Authority(mailbox(messages=2))
    for serial in range(1, MAX_SERIALS):
        authority.take(sealed(key(1), serial=serial))
    authority.policy.admit(sealed(key(1), serial=MAX_SERIALS), Source(bytes(key(1).verify_key)))
    assert authority.refuses(sealed(key(1), serial=MAX_SERIALS + 1)) == "mailbox-full"
    authority.take(sealed(key(2)))


def test_an_older_offer_stays_until_the_newer_one_is_durable() -> None:
    older, newer = sealed(key(1)), sealed(key(1), serial=2)
    authority = Authority(mailbox(messages=1), older)
    authority.policy.admit(newer, Source(newer.signer))
    assert authority.hands_over(older)


def test_an_older_serial_is_refused_although_the_newer_one_is_not_durable_yet() -> None:
    authority = Authority(mailbox(messages=3))
    authority.policy.admit(sealed(key(1), serial=2), Source(bytes(key(1).verify_key)))
    assert authority.refuses(sealed(key(1), serial=1)) == "older-serial"


def test_an_expired_offer_makes_room() -> None:
    authority = Authority(mailbox(messages=1), sealed(key(1)))
    authority.now = NOW + 2 * DAY_MS
    authority.take(sealed(key(2), expires=NOW + 3 * DAY_MS))


def test_what_could_not_be_committed_takes_no_room() -> None:
    authority = Authority(mailbox(messages=1))
    authority.policy.admit(sealed(key(1)), Source(bytes(key(1).verify_key)))
    authority.policy.forget(sealed(key(1)))
    authority.take(sealed(key(2)))


@pytest.mark.parametrize("body", [{}, {"cast": bytes(32), "to": "urn:byway:topic:open:t", "until": NOW + 1}])
def test_a_close_that_is_none_is_refused_before_it_is_kept(body: dict[str, object]) -> None:
    close = make_statement(OWNER, Kind.CLOSE, body, created=NOW, expires=NOW + DAY_MS)
    assert Authority(mailbox()).refuses(close) == "bad-body"


def test_what_a_renewed_mailbox_held_is_there_after_its_first_statement_has_expired() -> None:
    offer = sealed(key(1), expires=NOW + 20 * DAY_MS)
    renewal = mailbox(created=NOW + DAY_MS)
    again = MessagingPolicy(NODE, lambda: NOW + 2 * DAY_MS)
    for kind in again.remembers:
        for statement in (offer, renewal):
            if statement.kind is kind:
                again.remember(statement)
    assert again.is_delivered(offer)


def test_only_the_owner_may_collect() -> None:
    authority = Authority(mailbox())
    authority.policy.may_subscribe(mailbox_urn(OWNER_KEY), OWNER_KEY)
    with pytest.raises(Refused) as caught:
        authority.policy.may_subscribe(mailbox_urn(OWNER_KEY), bytes(key(1).verify_key))
    assert caught.value.code == "not-yours"


def test_topics_are_not_served_here() -> None:
    with pytest.raises(Refused) as caught:
        Authority().policy.may_subscribe("open:homes:**", OWNER_KEY)
    assert caught.value.code == "not-served"


def test_a_closed_mailbox_takes_no_more_but_gives_what_it_has() -> None:
    held = sealed(key(1))
    close = Close.from_wire({"cast": bytes(32), "to": "urn:byway:topic:open:t", "until": NOW + DAY_MS})
    authority = Authority(mailbox(), held, close.sign(OWNER, created=NOW, expires=NOW + DAY_MS))
    assert authority.refuses(sealed(key(2))) == "closed"
    assert authority.hands_over(held)


def test_a_later_mailbox_statement_renews_and_an_earlier_one_is_refused() -> None:
    authority = Authority(mailbox(messages=1), mailbox(messages=2, created=NOW + 1000))
    authority.take(sealed(key(1)))
    authority.take(sealed(key(2)))
    assert authority.refuses(mailbox(messages=9, created=NOW - 1000)) == "older-serial"


def test_it_comes_back_as_it_was_from_its_journal() -> None:
    history = [mailbox(messages=2), sealed(key(1)), sealed(key(1), serial=2), sealed(key(2))]
    first = Authority(*history)
    again = MessagingPolicy(NODE, lambda: NOW)
    for statement in history:
        assert statement.kind in again.remembers
        again.remember(statement)
    assert [again.is_delivered(item) for item in history] == [first.policy.is_delivered(item) for item in history]
    with pytest.raises(Refused, match="takes no more"):
        again.admit(sealed(key(3)), Source(bytes(key(3).verify_key)))


def test_casts_are_not_taken_here() -> None:
    statement = Close.from_wire({"cast": bytes(32), "to": "urn:byway:topic:open:t", "until": NOW + DAY_MS})
    assert Authority().refuses(statement.sign(OWNER, created=NOW, expires=NOW + DAY_MS)) == "mailbox-unknown"
    assert Kind.CAST not in MessagingPolicy.remembers


def test_a_mailbox_that_has_expired_is_forgotten_and_can_be_opened_again() -> None:
    authority = Authority(mailbox(messages=1), sealed(key(1)))
    authority.now = NOW + 31 * DAY_MS
    authority.policy.expire(authority.now)
    assert authority.refuses(sealed(key(2), expires=NOW + 20 * DAY_MS)) == "mailbox-unknown"
    authority.take(mailbox(messages=1, created=authority.now))
