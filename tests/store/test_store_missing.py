"""A statement that is not where it was written is missed: what leads to it, or away from it, had changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from byway.errors import StoreError
from byway.protocol.limits import MINUTE_MS
from byway.store.sqlite.store import STORE_FILE
from tests.store.stores import commit, open_here
from tests.strategies.entries import ADDRESSES, make_entry

ENTRIES = [make_entry(number, address=ADDRESSES[number % 2], expires=(1 + number) * MINUTE_MS) for number in range(6)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with open_here(tmp_path) as store:
        commit(store, 1, ENTRIES[:3])
        commit(store, 4, ENTRIES[3:])
    return tmp_path


def change(folder: Path, sql: str, *values: int) -> None:
    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        connection.execute(sql, values)
        connection.commit()


def test_a_statement_that_has_gone_is_damaged(folder: Path) -> None:
    change(folder, "DELETE FROM journal WHERE sequence = 2")

    with open_here(folder) as store:
        assert [sequence for sequence, _ in store.read(store.sequences(ADDRESSES, 0, 10))] == [1, 3, 4, 5, 6]
        assert store.damaged == {2}


def test_one_that_was_looked_for_by_its_id_is_damaged_too(folder: Path) -> None:
    change(folder, "DELETE FROM journal WHERE sequence = 2")

    with open_here(folder) as store:
        assert store.find(ENTRIES[1].id) is None
        assert store.damaged == {2}


def test_what_was_never_there_and_what_was_swept_is_not(folder: Path) -> None:
    with open_here(folder) as store:
        assert store.sweep(3 * MINUTE_MS, 10) == 3
        commit(store, 7, [make_entry(10 + number, expires=number * MINUTE_MS) for number in (3, 9)])
        assert store.sweep(5 * MINUTE_MS, 10) == 3
        assert [sequence for sequence, _ in store.read(range(1, 20))] == [6, 8]
        assert store.damaged == frozenset()


def test_a_statement_in_another_place_is_damaged_in_both(folder: Path) -> None:
    """The one where it was is missed when it is read, and the other one would be in the way of a later commit."""
    change(folder, "UPDATE journal SET sequence = 40 WHERE sequence = 2")

    with pytest.raises(StoreError) as raised, open_here(folder):
        pass
    assert raised.value.code == "chain-damaged"


@pytest.mark.parametrize("sql", ["DELETE FROM leaves WHERE first = 1", "UPDATE leaves SET first = 2 WHERE first = 1"])
def test_statements_without_leaves_are_damaged(sql: str, folder: Path) -> None:
    change(folder, sql)

    with open_here(folder) as store:
        assert {1} <= store.damaged <= {1, 2, 3, 4}
        assert store.sequences(ADDRESSES, 0, 10) == [4, 5, 6]


def test_leaves_of_the_last_commit_that_have_gone_are_missed(folder: Path) -> None:
    change(folder, "DELETE FROM leaves WHERE first = 4")

    with open_here(folder) as store:
        assert store.damaged == {4, 5, 6}


def test_what_claims_to_be_swept_before_its_time_is_still_given(folder: Path) -> None:
    change(folder, "INSERT INTO swept (first, until) VALUES (4, ?)", 2**40)

    with open_here(folder, now=2 * MINUTE_MS) as store:
        assert store.sequences(ADDRESSES, 0, 10) == [1, 2, 3, 4, 5, 6]
        assert len(store.read(range(4, 7))) == 3
