"""What a router takes, what it hands over, and who may collect."""

from __future__ import annotations

from typing import Any

import pytest
from nacl.signing import SigningKey

from byway.errors import BywayError, Refused, StatementError
from byway.protocol.acknowledgement import Acknowledgement
from byway.protocol.close import Close
from byway.protocol.facets import Integer
from byway.protocol.intentcast import Cast
from byway.protocol.limits import DAY_MS, HOUR_MS
from byway.protocol.statement import Kind, Statement, make_statement
from byway.protocol.topic import Topic
from byway.protocol.urn import mailbox_urn, node_urn
from byway.router.policy import NO_ADDRESS, RouterPolicy, Source

NOW = 1_800_000_000_000
NODE = bytes(SigningKey(b"n" * 32).verify_key)
BUYER = SigningKey(b"b" * 32)
SELLER = SigningKey(b"s" * 32)
PEER = bytes(SELLER.verify_key)
SOURCE = Source(PEER)
TOPIC = "urn:byway:topic:open:homes:boston"


def cast(*, key: SigningKey = BUYER, number: int = 0, **changes: Any) -> Statement:
    body = {
        "to": TOPIC,
        "facets": {"beds": ["integer", 2, 2]},
        "demand": {"number": number},
        "reply": [[1, bytes(32)]],
        "authority": node_urn(NODE),
        "offers": 1,
        "terms": [],
    }
    return make_statement(key, Kind.CAST, body | changes, created=NOW, expires=NOW + DAY_MS)


def close(of: Statement, *, key: SigningKey = BUYER, to: str = TOPIC, lives_ms: int = DAY_MS) -> Statement:
    return Close(cast=of.id, to=to, until=of.expires).sign(key, created=NOW, expires=NOW + lives_ms)


def acknowledgement(*, key: SigningKey = SELLER, router: bytes = NODE) -> Statement:
    body = {"router": node_urn(router), "sub": "homes", "epoch": 1, "journal": 0, "after": 0, "through": 3}
    made = Acknowledgement.from_wire(body | {"digest": bytes(32), "refused": []})
    return made.sign(key, created=NOW, expires=NOW + HOUR_MS)


def refusal(policy: RouterPolicy, statement: Statement) -> str:
    with pytest.raises(BywayError) as caught:
        policy.admit(statement, SOURCE)
    assert isinstance(caught.value, Refused | StatementError)
    return caught.value.code


def test_a_cast_is_taken_from_anybody_and_matched_by_topic_and_facets() -> None:
    admitted = RouterPolicy(NODE).admit(cast(), SOURCE)
    assert (admitted.address, admitted.topic) == (TOPIC, Topic("open", ("homes", "boston")))
    assert admitted.facets == {"beds": Integer(2, 2)}
    assert admitted.ends is None


def test_a_close_is_matched_by_topic_alone_and_ends_what_its_own_key_has_signed() -> None:
    over = cast()
    admitted = RouterPolicy(NODE).admit(close(over), SOURCE)
    assert (admitted.address, admitted.facets) == (TOPIC, None)
    assert admitted.ends == (over.id, bytes(BUYER.verify_key))


def test_a_closed_cast_is_neither_taken_nor_handed_over_once_the_close_is_durable() -> None:
    policy, over, other = RouterPolicy(NODE), cast(), cast(number=1)
    ending = close(over)
    policy.admit(ending, SOURCE)
    assert policy.is_delivered(over)  # it is admitted, and not yet in the journal
    policy.remember(ending)
    assert not policy.is_delivered(over)
    assert refusal(policy, over) == "closed"
    assert policy.is_delivered(other)
    assert policy.is_delivered(ending)
    policy.admit(ending, SOURCE)  # again: it has its receipt


def test_a_close_by_another_key_ends_nothing() -> None:
    policy, over = RouterPolicy(NODE), cast()
    policy.remember(close(over, key=SELLER))
    assert policy.is_delivered(over)
    policy.admit(over, SOURCE)


def test_a_close_is_remembered_as_long_as_the_longest_that_came() -> None:
    policy, over = RouterPolicy(NODE), cast()
    policy.remember(close(over))
    policy.remember(close(over, lives_ms=HOUR_MS))
    policy.expire(NOW + 2 * HOUR_MS)
    assert not policy.is_delivered(over)
    policy.expire(NOW + DAY_MS)
    assert not policy._closed


def test_an_acknowledgement_is_kept_for_its_subscription_and_delivered_to_nobody() -> None:
    policy, signed = RouterPolicy(NODE), acknowledgement()
    admitted = policy.admit(signed, SOURCE)
    assert (admitted.acknowledges, admitted.address, admitted.topic) == ("homes", NO_ADDRESS, None)
    assert not policy.is_delivered(signed)


def test_an_acknowledgement_comes_on_the_link_of_its_key_and_to_the_router_it_names() -> None:
    policy = RouterPolicy(NODE)
    assert refusal(policy, acknowledgement(key=BUYER)) == "wrong-signer"
    assert refusal(policy, acknowledgement(router=bytes(BUYER.verify_key))) == "bad-body"


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.CAST, Kind.CLOSE, Kind.ACKNOWLEDGEMENT}))
def test_nothing_else_is_taken(kind: Kind) -> None:
    statement = make_statement(BUYER, kind, {}, created=NOW, expires=NOW + 1000)
    assert refusal(RouterPolicy(NODE), statement) == "not-admitted"
    assert not RouterPolicy(NODE).is_delivered(statement)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": "urn:byway:topic:open"}, "bad-urn"),
        ({"to": node_urn(NODE)}, "bad-urn"),
        ({"facets": {"beds": ["integer"]}}, "bad-facet"),
        ({"offers": 0}, "bad-body"),
        ({"!new": 1}, "unknown-critical-key"),
    ],
)
def test_a_body_is_refused_for_its_exact_reason(changes: dict[str, Any], code: str) -> None:
    assert refusal(RouterPolicy(NODE), cast(**changes)) == code


def test_what_is_not_known_is_carried() -> None:
    statement = cast(colour="blue")
    admitted = RouterPolicy(NODE).admit(statement, SOURCE)
    assert admitted.statement is statement
    assert Cast.from_statement(admitted.statement).to == TOPIC


def test_topics_are_open_to_everybody_and_mailboxes_are_elsewhere() -> None:
    policy = RouterPolicy(NODE)
    policy.may_subscribe("open:homes:**", PEER)
    with pytest.raises(Refused) as caught:
        policy.may_subscribe(mailbox_urn(PEER), PEER)
    assert caught.value.code == "not-served"


def test_a_close_that_ends_before_its_cast_is_refused() -> None:
    body = Close.from_wire({"cast": bytes(32), "to": TOPIC, "until": NOW + 2 * HOUR_MS})
    early = body.sign(SigningKey(bytes(32)), created=NOW, expires=NOW + HOUR_MS)
    with pytest.raises(StatementError) as caught:
        RouterPolicy(NODE).admit(early, SOURCE)
    assert caught.value.code == "bad-body"
