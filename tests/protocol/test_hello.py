"""The hello: it is good for one link, one direction, one handshake, and five minutes."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import pytest
from nacl.signing import SigningKey

from byway.errors import StatementError
from byway.protocol.hello import Hello, Role, check_hello, hello_body, make_hello
from byway.protocol.limits import MAX_CLOCK_SKEW_MS, MINUTE_MS
from byway.protocol.statement import Kind, make_statement
from byway.protocol.urn import node_urn

CLIENT = SigningKey(bytes(range(32)))
SERVER = SigningKey(bytes(32))
KEYS: dict[Role, SigningKey] = {"client": CLIENT, "server": SERVER}
NOW = 1_790_000_000_000


def hello(role: Role, **changes: Any) -> Hello:
    link: dict[str, Any] = {
        "versions": ([1], [1, 2]),
        "nonces": (b"c" * 16, b"s" * 16),
        "nodes": (node_urn(bytes(CLIENT.verify_key)), node_urn(bytes(SERVER.verify_key))),
        "server_key": bytes(SERVER.verify_key),
    }
    return hello_body(role, **(link | changes))


def code_of(statement: Any, expected: Hello, now: int = NOW) -> str:
    try:
        check_hello(statement, expected, now=now)
    except StatementError as refusal:
        return refusal.code
    return ""


@pytest.mark.parametrize("role", ["client", "server"])
def test_the_expected_hello_is_good_for_five_minutes(role: Role) -> None:
    statement = make_hello(KEYS[role], hello(role), now=NOW)

    assert Hello.from_statement(statement) == hello(role)
    assert not code_of(statement, hello(role))
    assert not code_of(statement, hello(role), NOW + 5 * MINUTE_MS - 1)
    assert not code_of(statement, hello(role), NOW - MAX_CLOCK_SKEW_MS)
    assert code_of(statement, hello(role), NOW + 5 * MINUTE_MS) == "clock-differs"
    assert code_of(statement, hello(role), NOW - MAX_CLOCK_SKEW_MS - 1) == "clock-differs"


def test_the_key_of_the_certificate_is_in_it_as_a_hash() -> None:
    key = bytes(SERVER.verify_key)

    assert hello("client").tls == blake2b(key, digest_size=32, person=b"byway/tls").digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"versions": ([1], [1])},
        {"versions": ([1, 2], [1])},
        {"nonces": (b"c" * 16, b"x" * 16)},
        {"nonces": (b"s" * 16, b"c" * 16)},
        {"nodes": (node_urn(bytes(CLIENT.verify_key)), node_urn(bytes(32)))},
        {"server_key": bytes(CLIENT.verify_key)},
    ],
)
def test_a_hello_made_for_another_link_is_refused(changes: dict[str, Any]) -> None:
    statement = make_hello(CLIENT, hello("client", **changes), now=NOW)

    assert code_of(statement, hello("client")) == "hello-mismatch"


def test_a_hello_cannot_be_turned_round() -> None:
    assert code_of(make_hello(CLIENT, hello("client"), now=NOW), hello("server")) == "hello-mismatch"
    assert code_of(make_hello(CLIENT, hello("server"), now=NOW), hello("server")) == "hello-mismatch"


def test_a_hello_with_another_key_in_it_is_refused() -> None:
    """In a hello everything is expected: a key that another body would ignore is one too many."""
    body = hello("client").wire() | {"more": 1}
    statement = make_statement(CLIENT, Kind.HELLO, body, created=NOW, expires=NOW + 1)

    assert code_of(statement, hello("client")) == "hello-mismatch"


def test_only_a_signed_hello_is_one() -> None:
    expected = hello("client")
    decline = make_statement(CLIENT, Kind.DECLINE, expected.wire(), created=NOW, expires=NOW + 1)
    good = make_hello(CLIENT, expected, now=NOW)
    unsigned = type(good)(good.data[:-1] + bytes([good.data[-1] ^ 1]), good.kind, good.signer, NOW, NOW + 1, good.id)

    assert code_of(decline, expected) == "hello-mismatch"
    assert code_of(unsigned, expected) == "hello-mismatch"


def test_what_a_start_says_has_to_fit_into_a_hello() -> None:
    with pytest.raises(StatementError) as refusal:
        hello("server", nodes=("urn:byway:node:short", node_urn(bytes(32))))
    assert refusal.value.code == "bad-urn"
    with pytest.raises(StatementError) as refusal:
        hello("server", nonces=(b"short", b"s" * 16))
    assert refusal.value.code == "bad-body"
