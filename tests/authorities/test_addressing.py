"""The addressing authority's decisions: who may say what about a name, and what it answers."""

from __future__ import annotations

from typing import Any

import pytest
from nacl.signing import SigningKey

from authorities.addressing.authority import AddressingPolicy
from authorities.addressing.record_room import RecordRoom
from byway.errors import Refused, StatementError
from byway.protocol.limits import DAY_MS, MAX_HOMES, MAX_NODE_RECORD_BYTES, MAX_TOPIC_RECORD_BYTES
from byway.protocol.record import Record
from byway.protocol.statement import Kind, Statement, make_statement
from byway.protocol.urn import node_urn, to_base32
from byway.router.policy import Source

NOW = 1_800_000_000_000
ZONE = SigningKey(b"z" * 32)
HOME = SigningKey(b"h" * 32)
MAIL = SigningKey(b"m" * 32)
TOPIC = f"urn:byway:topic:{to_base32(bytes(ZONE.verify_key))}:homes:boston"


def urn(key: SigningKey) -> str:
    return node_urn(bytes(key.verify_key))


def node(key: SigningKey, *, role: str = "router", serial: int = 1, port: int = 7400) -> Statement:
    return sign(key, {"name": urn(key), "serial": serial, "ttl": 60, "role": role, "addresses": [f"192.0.2.1:{port}"]})


def topic(key: SigningKey = ZONE, *, name: str = TOPIC) -> Statement:
    return sign(key, {"name": name, "serial": 1, "ttl": 60, "homes": [urn(HOME)], "messaging": urn(MAIL)})


def sign(key: SigningKey, body: dict[str, Any]) -> Statement:
    return Record.from_wire(body).sign(key, created=NOW, expires=NOW + DAY_MS)


def authority(*statements: Statement) -> AddressingPolicy:
    policy = AddressingPolicy(bytes(ZONE.verify_key), lambda: NOW)
    for statement in statements:
        policy.admit(statement, Source(bytes(32)))
        policy.remember(statement)
    return policy


def refusal(policy: AddressingPolicy, statement: Statement) -> str:
    with pytest.raises((Refused, StatementError)) as caught:
        policy.admit(statement, Source(bytes(32)))
    return caught.value.code


def test_a_topic_is_answered_with_the_nodes_that_it_names() -> None:
    records = [topic(), node(HOME), node(MAIL, role="messaging")]
    assert list(authority(*records).resolve(TOPIC)) == [record.data for record in records]


def test_nodes_find_no_room_beyond_the_share_of_their_network_nor_beyond_all_there_is() -> None:
    size = len(node(HOME).data)
    room = RecordRoom(most_bytes=8 * size)
    records = [node(SigningKey(bytes([number]) * 32)) for number in range(9)]

    def answer(statement: Statement, prefix: str) -> str:
        try:
            room.admit(statement, prefix, NOW)
        except Refused as refusal:
            return refusal.code if refusal.temporary else ""
        room.hold(statement)
        return "held"

    assert [answer(each, "198.51.100.0/24") for each in records[:3]] == ["held", "held", "busy"]
    assert answer(records[0], "198.51.100.0/24") == "held"  # it is there already
    others = [answer(each, f"203.0.{number}.0/24") for number, each in enumerate(records[2:])]
    assert others == ["held"] * 6 + ["busy"]
    room.expire(NOW + DAY_MS)
    assert answer(records[8], "203.0.113.0/24") == "held"


def test_a_record_that_was_replaced_takes_room_until_it_expires() -> None:
    room = RecordRoom(most_bytes=2 * len(node(HOME).data))
    for serial in (1, 2):
        room.hold(node(HOME, serial=serial))
    with pytest.raises(Refused):
        room.admit(node(MAIL), "203.0.113.0/24", NOW)


def test_room_is_counted_again_from_the_journal_and_topics_take_none() -> None:
    policy = AddressingPolicy(bytes(ZONE.verify_key), lambda: NOW)
    for record in (topic(), node(HOME), node(MAIL)):
        policy.remember(record)
    assert policy._room._used == len(node(HOME).data) + len(node(MAIL).data)
    policy.expire(NOW + DAY_MS)
    assert policy._room._used == 0


def test_a_node_renews_its_record_rather_than_having_it_kept_for_ever() -> None:
    body = {"name": urn(HOME), "serial": 1, "ttl": 60, "role": "router", "addresses": ["192.0.2.1:7400"]}
    forever = Record.from_wire(body).sign(HOME, created=NOW, expires=NOW + 61 * DAY_MS)
    assert refusal(authority(), forever) == "lifetime-too-long"


def test_what_is_not_known_is_left_out_and_no_name_is_no_answer() -> None:
    policy = authority(topic(), node(HOME))
    assert list(policy.resolve(TOPIC)) == [topic().data, node(HOME).data]
    assert list(policy.resolve(urn(MAIL))) == []


@pytest.mark.parametrize(("name", "most"), [(TOPIC, MAX_TOPIC_RECORD_BYTES), (urn(HOME), MAX_NODE_RECORD_BYTES)])
def test_a_record_that_is_padded_is_not_registered_so_that_no_answer_is_without_end(name: str, most: int) -> None:
    key, record = (ZONE, topic()) if name == TOPIC else (HOME, node(HOME))

    def padded(size: int) -> Statement:
        return make_statement(
            key, Kind.RECORD, record.body() | {"x-pad": bytes(size)}, created=NOW, expires=NOW + DAY_MS
        )

    fits = most - len(padded(300).data) + 300
    assert refusal(authority(), padded(fits + 1)) == "too-large"
    assert list(authority(padded(fits)).resolve(name)) == [padded(fits).data]


def test_an_answer_is_at_most_16_kb() -> None:
    assert MAX_TOPIC_RECORD_BYTES + (MAX_HOMES + 1) * MAX_NODE_RECORD_BYTES <= 16_384


def test_a_bad_name_is_refused() -> None:
    with pytest.raises(StatementError) as caught:
        authority().resolve("urn:byway:topic:open:HOMES")
    assert caught.value.code == "bad-urn"


def test_nobody_speaks_for_another_node() -> None:
    body = {"name": urn(HOME), "serial": 1, "ttl": 60, "role": "router", "addresses": ["192.0.2.1:1"]}
    assert refusal(authority(), sign(MAIL, body)) == "wrong-signer"


def test_a_topic_of_another_root_is_not_registered_here() -> None:
    other = f"urn:byway:topic:{to_base32(bytes(HOME.verify_key))}:homes"
    assert refusal(authority(), topic(HOME, name=other)) == "wrong-authority"


def test_only_the_root_of_a_topic_signs_its_record() -> None:
    assert refusal(authority(), topic(HOME)) == "wrong-signer"


def test_the_highest_serial_is_the_answer_and_lower_ones_are_refused() -> None:
    policy = authority(node(HOME), node(HOME, serial=2, port=7500))
    assert list(policy.resolve(urn(HOME))) == [node(HOME, serial=2, port=7500).data]
    assert refusal(policy, node(HOME, port=7600)) == "older-serial"


def test_a_record_that_has_expired_stands_in_nobodys_way() -> None:
    now = [NOW]
    policy = AddressingPolicy(bytes(ZONE.verify_key), lambda: now[0])
    policy.remember(node(HOME, serial=2))
    now = [NOW + DAY_MS]
    body = {"name": urn(HOME), "serial": 1, "ttl": 60, "role": "router", "addresses": ["192.0.2.1:7500"]}
    later = Record.from_wire(body).sign(HOME, created=now[0], expires=now[0] + DAY_MS)
    policy.admit(later, Source(bytes(32)))
    policy.remember(later)
    assert list(policy.resolve(urn(HOME))) == [later.data]


def test_the_same_record_again_is_admitted_again() -> None:
    authority(node(HOME)).admit(node(HOME), Source(bytes(32)))


def test_an_expired_record_is_no_answer() -> None:
    policy = AddressingPolicy(bytes(ZONE.verify_key), lambda: NOW + 2 * DAY_MS)
    policy.remember(node(HOME))
    assert list(policy.resolve(urn(HOME))) == []


def test_it_keeps_nothing_but_records_and_delivers_nothing() -> None:
    policy = authority(node(HOME))
    assert not policy.is_delivered(node(HOME))
    with pytest.raises(Refused, match="this node answers for names"):
        policy.may_subscribe("open:homes:**", bytes(32))


def test_what_has_expired_is_forgotten_and_may_be_registered_again() -> None:
    policy = authority(node(HOME, serial=9))
    policy.expire(NOW + 2 * DAY_MS)
    policy.admit(node(HOME, serial=1), Source(bytes(32)))
