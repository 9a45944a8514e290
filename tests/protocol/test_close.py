"""The close: only the cast's own key ends a cast, and only that cast."""

from __future__ import annotations

import pytest
from nacl.signing import SigningKey

from byway.errors import StatementError
from byway.protocol.close import Close, check_close, make_close
from byway.protocol.limits import CREATED_STEP_MS
from byway.protocol.statement import Kind, Statement, make_statement
from byway.protocol.urn import node_urn

KEY = SigningKey(bytes(range(32)))
OTHER_KEY = SigningKey(bytes(32))
CREATED = 1_790_000_000_000
EXPIRES = CREATED + 3_600_000
TOPIC = "urn:byway:topic:open:homes"


def cast(key: SigningKey = KEY, offers: int = 1) -> Statement:
    body = {
        "to": TOPIC,
        "facets": {},
        "demand": {},
        "reply": [[1, bytes(32)]],
        "authority": node_urn(bytes(32)),
        "offers": offers,
        "terms": [],
    }
    return make_statement(key, Kind.CAST, body, created=CREATED, expires=EXPIRES)


def test_a_close_names_the_cast_its_topic_and_its_end() -> None:
    close = make_close(KEY, cast(), now_ms=CREATED + 5)

    assert Close.from_statement(close).wire() == {"cast": cast().id, "to": TOPIC, "until": EXPIRES}
    assert close.expires == EXPIRES
    close.verify()
    check_close(close, cast())


@pytest.mark.parametrize("after_ms", [-1000, 0, 1, CREATED_STEP_MS, EXPIRES - CREATED - 1])
def test_a_close_shows_no_more_of_its_time_than_a_cast(after_ms: int) -> None:
    close = make_close(KEY, cast(), now_ms=CREATED + after_ms)

    assert close.created == CREATED or close.created % CREATED_STEP_MS == 0
    assert CREATED <= close.created < EXPIRES


def test_another_key_cannot_close() -> None:
    close = Close(cast=cast().id, to=TOPIC, until=EXPIRES).sign(OTHER_KEY, created=CREATED, expires=EXPIRES)

    with pytest.raises(StatementError) as refusal:
        check_close(close, cast())
    assert refusal.value.code == "wrong-signer"
    with pytest.raises(StatementError) as refusal:
        make_close(OTHER_KEY, cast(), now_ms=CREATED)
    assert refusal.value.code == "wrong-signer"


@pytest.mark.parametrize(
    "close",
    [
        Close(cast=cast(offers=2).id, to=TOPIC, until=EXPIRES),
        Close(cast=cast().id, to=TOPIC + ":boston", until=EXPIRES),
        Close(cast=cast().id, to=TOPIC, until=EXPIRES + 1),
    ],
)
def test_a_close_of_something_else_closes_nothing(close: Close) -> None:
    with pytest.raises(StatementError) as refusal:
        check_close(close.sign(KEY, created=CREATED, expires=EXPIRES), cast())
    assert refusal.value.code == "bad-body"


def test_an_expired_cast_needs_no_close() -> None:
    with pytest.raises(StatementError) as refusal:
        make_close(KEY, cast(), now_ms=EXPIRES + CREATED_STEP_MS)
    assert refusal.value.code == "bad-lifetime"
