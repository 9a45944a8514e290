"""The record: what it needs for a node and for a topic, and who may sign it."""

from __future__ import annotations

from typing import Any

import pytest
from nacl.signing import SigningKey

from byway.errors import StatementError
from byway.protocol.record import Record
from byway.protocol.urn import mailbox_urn, node_urn, to_base32

KEY = SigningKey(bytes(range(32)))
OTHER_KEY = SigningKey(bytes(32))
PUBLIC = bytes(KEY.verify_key)
TOPIC = f"urn:byway:topic:{to_base32(PUBLIC)}:homes"
NODE_BODY: dict[str, Any] = {
    "name": node_urn(PUBLIC),
    "serial": 1,
    "ttl": 3600,
    "role": "router",
    "addresses": ["router.example:4433"],
}
TOPIC_BODY: dict[str, Any] = {
    "name": TOPIC,
    "serial": 2,
    "ttl": 3600,
    "homes": [node_urn(PUBLIC)],
    "messaging": node_urn(bytes(32)),
}


def code_of(body: dict[str, Any], key: SigningKey = KEY) -> str:
    try:
        Record.from_statement(Record.from_wire(body).sign(key, created=1, expires=2))
    except StatementError as refusal:
        return refusal.code
    return ""


def test_a_node_describes_itself() -> None:
    assert not code_of(NODE_BODY)
    assert not code_of(NODE_BODY | {"label": "Ferry Street router"})
    assert code_of(NODE_BODY, OTHER_KEY) == "wrong-signer"


def test_the_root_of_a_topic_describes_it() -> None:
    assert not code_of(TOPIC_BODY)
    assert not code_of(TOPIC_BODY | {"terms": ["urn:byway:terms:myterms:sd-base"]})
    assert code_of(TOPIC_BODY, OTHER_KEY) == "wrong-signer"


def test_an_open_topic_has_no_record() -> None:
    assert code_of(TOPIC_BODY | {"name": "urn:byway:topic:open:homes"}) == "wrong-signer"


@pytest.mark.parametrize("name", [mailbox_urn(PUBLIC), "urn:byway:thing:bread", "boston"])
def test_other_names_have_no_record(name: str) -> None:
    assert code_of(NODE_BODY | {"name": name}) == "bad-urn"


@pytest.mark.parametrize("field", ["role", "addresses"])
def test_a_record_about_a_node_needs_its_fields(field: str) -> None:
    assert code_of({name: value for name, value in NODE_BODY.items() if name != field}) == "bad-body"


@pytest.mark.parametrize("field", ["homes", "messaging"])
def test_a_record_about_a_topic_needs_its_fields(field: str) -> None:
    assert code_of({name: value for name, value in TOPIC_BODY.items() if name != field}) == "bad-body"


def test_a_record_has_only_fields_of_what_it_is_about() -> None:
    assert code_of(NODE_BODY | {"homes": TOPIC_BODY["homes"]}) == "bad-body"
    assert code_of(NODE_BODY | {"terms": []}) == "bad-body"
    assert code_of(TOPIC_BODY | {"role": "router"}) == "bad-body"


@pytest.mark.parametrize(
    "address",
    ["localhost:1", "192.0.2.7:65535", "router.example:4433", "[::1]:4433", "[2001:db8::192.0.2.7]:4433", "byway_1:80"],
)
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    assert not code_of(NODE_BODY | {"addresses": [address]})


@pytest.mark.parametrize(
    "address",
    [
        "", ":1", "host", "host:", "host:0", "host:01", "host:65536", "host:1 ", "host:1\n", "ho st:1", "::1:4433",
        "[::1]", "[::g]:1", "[]:1", "[1.2.3.4]:1", "[::1%lo]:1",
        ".host:1", "-:1", "host-:1", "https://host:1", "host:1/path", "ü:1", "h" * 254 + ":1",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    assert code_of(NODE_BODY | {"addresses": [address]}) == "bad-body"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"serial": 0}, "bad-body"),
        ({"serial": 2**53 + 1}, "bad-body"),
        ({"ttl": 0}, "bad-body"),
        ({"ttl": 604_801}, "bad-body"),
        ({"homes": []}, "bad-body"),
        ({"homes": TOPIC_BODY["homes"] * 9}, "bad-body"),
        ({"homes": ["urn:byway:node:short"]}, "bad-urn"),
        ({"messaging": mailbox_urn(PUBLIC)}, "bad-urn"),
        ({"label": "ü" * 33}, "bad-body"),
    ],
)
def test_each_fault_of_a_record_has_its_code(changes: dict[str, Any], code: str) -> None:
    assert code_of(TOPIC_BODY | changes) == code


def test_a_role_is_one_of_three() -> None:
    assert code_of(NODE_BODY | {"role": "seller"}) == "bad-body"
    assert code_of(NODE_BODY | {"addresses": ["localhost:1"] * 9}) == "bad-body"
