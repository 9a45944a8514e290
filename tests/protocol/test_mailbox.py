"""The mailbox statement: its bounds."""

from __future__ import annotations

from typing import Any

import pytest
from nacl.signing import SigningKey

from byway.errors import StatementError
from byway.protocol.mailbox import Mailbox
from byway.protocol.urn import node_urn

BODY: dict[str, Any] = {"at": node_urn(bytes(32)), "messages": 20, "bytes": 400_000}


def test_a_mailbox_is_asked_for_at_one_authority() -> None:
    statement = Mailbox.from_wire(BODY).sign(SigningKey(bytes(32)), created=1, expires=2)

    assert Mailbox.from_statement(statement).wire() == BODY


@pytest.mark.parametrize("changes", [{"messages": 1}, {"messages": 1000}, {"bytes": 1}, {"bytes": 16_777_216}])
def test_the_bounds_are_allowed(changes: dict[str, Any]) -> None:
    assert Mailbox.from_wire(BODY | changes).wire() == BODY | changes


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"at": "urn:byway:mailbox:" + "a" * 52}, "bad-urn"),
        ({"messages": 0}, "bad-body"),
        ({"messages": 1001}, "bad-body"),
        ({"bytes": 0}, "bad-body"),
        ({"bytes": 16_777_217}, "bad-body"),
        ({"bytes": b"1"}, "bad-body"),
    ],
)
def test_what_lies_beyond_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(StatementError) as refusal:
        Mailbox.from_wire(BODY | changes)
    assert refusal.value.code == code
