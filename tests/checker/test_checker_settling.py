"""The replay of a subscription: what belongs to which of its lives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tests.checker.evidence import Event
from tests.checker.settling import Replay, Wrong

BEGUN: Mapping[str, Any] = {"epoch": 1, "from": "cursor", "cursors": [[0, 0]]}
CAME: Mapping[str, Any] = {"epoch": 1, "journal": 0, "statement": b"a cast"}
NEW = b"a new cast"
ACKED: Mapping[str, Any] = {"epoch": 1, "journal": 0, "through": 5, "also": [], "refused": []}


class _Case:
    """Knows which statement is which, and that the one called new was handed in at the instant 4."""

    def id_of(self, data: bytes) -> bytes:
        return data

    def was_known_by(self, statement_id: bytes, event: Event) -> bool:
        return statement_id != NEW or event.monotonic_ns >= 4


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


def subscribed(epoch: int, link: str) -> tuple[str, Mapping[str, Any]]:
    return "subscribed", {**BEGUN, "epoch": epoch, "link": link}


def subscribing(link: str) -> tuple[str, Mapping[str, Any]]:
    return "subscribing", {"link": link}


def came(epoch: int, link: str, statement: bytes = b"a cast") -> tuple[str, Mapping[str, Any]]:
    return "received", {**CAME, "epoch": epoch, "link": link, "statement": statement, "sequence": 3}


def test_what_was_on_its_way_may_come_over_a_link_that_was_replaced() -> None:
    life, wrongs = replay(subscribed(1, "first"), subscribed(2, "second"), came(1, "first"))
    assert not wrongs
    assert not life.open  # it comes again over the second link, and that is what counts


def test_what_was_handed_in_later_may_not_come_over_a_link_that_was_replaced() -> None:
    _, wrongs = replay(subscribed(1, "first"), subscribed(2, "second"), came(1, "first", NEW))
    assert [wrong.sentence.partition(" ")[2] for wrong in wrongs] == [
        "was sent to a link after another one had replaced it"
    ]


def test_an_epoch_that_is_over_on_a_link_does_not_come_on_it_again() -> None:
    _, wrongs = replay(subscribed(1, "first"), subscribed(2, "first"), came(1, "first"))
    assert [wrong.sentence.partition(" ")[2] for wrong in wrongs] == ["came in an epoch that was over on the same link"]


def test_an_answer_may_be_overtaken_by_that_to_another_link() -> None:
    _, wrongs = replay(
        subscribing("first"), subscribing("second"), subscribed(2, "second"), subscribed(1, "first"), came(1, "first")
    )
    assert not wrongs


def test_an_epoch_that_was_asked_for_later_may_not_be_lower() -> None:
    _, wrongs = replay(subscribing("second"), subscribed(2, "second"), subscribing("first"), subscribed(1, "first"))
    assert [wrong.sentence for wrong in wrongs] == ["epoch 1 began after epoch 2"]


def test_an_epoch_is_given_to_one_link_only() -> None:
    _, wrongs = replay(subscribing("first"), subscribing("second"), subscribed(2, "second"), subscribed(2, "first"))
    assert [wrong.sentence for wrong in wrongs] == ["epoch 2 began after epoch 2"]
