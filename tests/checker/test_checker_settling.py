"""The replay of a subscription: what belongs to which of its lives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tests.checker.evidence import Event
from tests.checker.settling import Replay, Wrong

BEGUN: Mapping[str, Any] = {"epoch": 1, "from": "cursor", "cursors": [[0, 0]]}
CAME: Mapping[str, Any] = {"epoch": 1, "journal": 0, "statement": b"a cast"}
ACKED: Mapping[str, Any] = {"epoch": 1, "journal": 0, "through": 5, "also": [], "refused": []}


class _Case:
    """Knows no more than which statement is which."""

    def id_of(self, data: bytes) -> bytes:
        return data


def replay(*events: tuple[str, Mapping[str, Any]]) -> tuple[Replay, list[Wrong]]:
    life = Replay(cast("Any", _Case()))
    lines = [Event("seller", seq, seq, seq, name, dict(fields)) for seq, (name, fields) in enumerate(events, 1)]
    return life, [wrong for line in lines for wrong in life.feed(line)]


def test_an_ack_settles_what_came_before_it() -> None:
    life, wrongs = replay(
        ("subscribed", BEGUN), ("received", {**CAME, "sequence": 3}), ("ack-sent", ACKED), ("acked", ACKED)
    )
    assert not wrongs
    assert life.confirmed.keys() == {b"a cast"}


def test_what_came_after_a_subscription_was_ended_is_not_settled_by_the_acks_of_the_next_one() -> None:
    """Its epochs begin with 1 again."""
    life, wrongs = replay(
        ("subscribed", BEGUN),
        ("unsubscribed", {}),
        ("received", {**CAME, "sequence": 3}),
        ("subscribed", BEGUN),
        ("ack-sent", ACKED),
        ("acked", ACKED),
    )
    assert not wrongs
    assert not life.confirmed
