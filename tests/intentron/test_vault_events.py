"""What happened in a vault, as a follower reads it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from intentron.vault import Event, open_vault
from intentron.vault import events as module


def test_facts_are_numbered_in_order_and_read_from_any_number_on(tmp_path: Path) -> None:
    with open_vault(tmp_path) as vault:
        vault.events.add("cast_kept", now=7, cast="C-AAAA")
        vault.events.add("offer_received", now=8, cast="C-AAAA", offer="O-BBBB")

        first, second = vault.events.after(0)
        assert first == Event(1, 7, "cast_kept", {"cast": "C-AAAA"})
        assert vault.events.after(1) == [second]
        assert vault.events.after(0, limit=1) == [first]
        assert vault.events.after(2) == []


def test_a_fact_and_its_change_are_kept_together_or_not_at_all(tmp_path: Path) -> None:
    with open_vault(tmp_path) as vault:
        with suppress(ZeroDivisionError), vault.transaction():
            vault.events.add("cast_kept", now=7)
            raise ZeroDivisionError
        assert vault.events.after(0) == []


def test_the_oldest_facts_are_forgotten_and_no_number_is_given_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    with open_vault(tmp_path) as vault:
        for at in range(5):
            vault.events.add("looked", now=at)
        assert vault.events.forget() == 3
        assert vault.events.forget() == 0
        vault.events.add("looked", now=9)

        assert [event.number for event in vault.events.after(0)] == [4, 5, 6]
