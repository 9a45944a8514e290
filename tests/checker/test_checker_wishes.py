"""What a subscription is owed: from where it goes on, also when somebody asked to end it and was refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checker.evidence import Event
from tests.checker.wishes import last_wish


def subscribed(epoch: int, pattern: str, cursor: int) -> Event:
    fields = {"epoch": epoch, "pattern": pattern, "filter": None, "from": "cursor", "cursors": [[0, cursor]]}
    return event("subscribed", **fields)


def event(name: str, **fields: Any) -> Event:
    return Event("seller", 1, 0, 0, name, fields)


UNSUBSCRIBED = event("unsubscribed")


def test_a_subscription_that_was_ended_is_owed_nothing() -> None:
    assert last_wish([subscribed(1, "open:food", 0), UNSUBSCRIBED]) is None


def test_one_of_the_same_name_after_it_is_new() -> None:
    wish = last_wish([subscribed(3, "open:food", 5), UNSUBSCRIBED, subscribed(1, "open:homes", 0)])
    assert wish is not None
    assert wish.is_new
    assert wish.pattern == "open:homes"


@pytest.mark.parametrize("pattern", ["open:food", "open:homes"])
def test_one_whose_end_was_refused_goes_on_from_its_cursor(pattern: str) -> None:
    again = subscribed(3, pattern, 7)
    wish = last_wish([subscribed(1, "open:food", 0), subscribed(2, "open:homes", 6), UNSUBSCRIBED, again])
    assert wish is not None
    assert not wish.is_new
    assert wish.begun is again


def test_what_came_late_changes_nothing() -> None:
    last = subscribed(2, "open:homes", 6)
    wish = last_wish([subscribed(1, "open:food", 0), last, subscribed(1, "open:food", 0)])
    assert wish is not None
    assert wish.begun is last
