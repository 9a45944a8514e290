"""A damaged end of the chain of heads: the node stops, or goes on in a new chain as its operator says."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from byway.errors import StoreError
from byway.store.high_water import HIGH_WATER_FILE
from byway.store.sqlite.store import SKIPPED, STORE_FILE, open_store
from byway.store.store import LastCommit, Recovered
from tests.store.stores import NODE_KEY, commit, open_here
from tests.strategies.entries import ADDRESSES, make_entry

ENTRIES = [make_entry(number, address=ADDRESSES[number % 2]) for number in range(9)]
NEW_CHAIN = b"the second chain"
SECOND = LastCommit(2, 4, 3, b"head 4", b"frontier 4")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three commits of three statements."""
    with open_here(tmp_path) as store:
        for first in (1, 4, 7):
            commit(store, first, ENTRIES[first - 1 : first + 2])
    return tmp_path


def change(folder: Path, sql: str, *values: int) -> None:
    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        connection.execute(sql, values)
        connection.commit()


def recovered(folder: Path, *, begin_chain: bytes | None = None) -> Recovered:
    with closing(open_store(folder, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0)) as store:
        return store.recover(0, begin_chain=begin_chain)


DAMAGE = [
    "UPDATE commits SET head = zeroblob(10) WHERE first = 7",
    "UPDATE commits SET count = 4 WHERE first = 7",
    "UPDATE commits SET number = 5 WHERE first = 7",
    "UPDATE commits SET first = 15 WHERE first = 7",
    "UPDATE commits SET first = 3 WHERE first = 7",
    "DELETE FROM commits WHERE first = 7",
]


@pytest.mark.parametrize("damage", [*DAMAGE, "UPDATE commits SET frontier = NULL WHERE first = 7"])
def test_a_damaged_end_stops_the_start_until_the_operator_decides(damage: str, folder: Path) -> None:
    change(folder, damage)
    (folder / HIGH_WATER_FILE).unlink()

    for _ in range(2):
        with pytest.raises(StoreError) as raised:
            recovered(folder)
        assert raised.value.code == "chain-damaged"


@pytest.mark.parametrize("has_mark", [True, False])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_new_chain_goes_on_from_the_last_sound_head_and_gives_no_sequence_twice(
    damage: str, has_mark: bool, folder: Path
) -> None:
    change(folder, damage)
    if not has_mark:
        (folder / HIGH_WATER_FILE).unlink()

    with closing(open_store(folder, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0)) as store:
        begun = store.recover(0, begin_chain=NEW_CHAIN)

        assert (begun.chain, begun.last, begun.previous) == (NEW_CHAIN, None, SECOND.head_id)
        assert begun.without_head is not None
        assert begun.without_head[0] == 7
        assert 9 <= begun.without_head[1] <= 15
        assert begun.next_sequence > begun.without_head[1] + SKIPPED
        assert [sequence for sequence, _ in store.read(range(1, 12))] == list(range(1, 10))
        assert store.sequences(ADDRESSES, 0, 20) == list(range(1, 10))
        assert store.commit_of(6).number == 2
        with pytest.raises(LookupError):
            store.commit_of(8)
        first = begun.next_sequence
        commit(store, first, [make_entry(20)])
        assert store.commit_of(first).number == 1

    again = recovered(folder)
    assert (again.chain, again.next_sequence, again.without_head) == (NEW_CHAIN, first + 1, None)


def test_a_damaged_commit_stays_in_the_store(folder: Path) -> None:
    """It is evidence, of what receipts may be held against."""
    change(folder, DAMAGE[0])
    recovered(folder, begin_chain=NEW_CHAIN)

    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        rows = connection.execute("SELECT first, head FROM commits ORDER BY first").fetchall()
    assert [first for first, _ in rows] == [1, 4, 7]
    assert rows[2] == (7, bytes(10))


def test_a_new_chain_is_begun_once(folder: Path) -> None:
    change(folder, DAMAGE[0])
    begun = recovered(folder, begin_chain=NEW_CHAIN)

    for name in (b"not needed again", None):
        assert recovered(folder, begin_chain=name) == begun._replace(without_head=None)


def test_only_what_nothing_can_be_built_on_is_damaged_where_the_head_is_sound(folder: Path) -> None:
    change(folder, "UPDATE commits SET frontier = x'00' WHERE first = 7")

    begun = recovered(folder, begin_chain=NEW_CHAIN)

    third = LastCommit(3, 7, 3, b"head 7", b"frontier 7")
    assert (begun.previous, begun.without_head, begun.next_sequence) == (third.head_id, None, 10 + SKIPPED)


def test_several_damaged_commits_are_passed_over(folder: Path) -> None:
    change(folder, "UPDATE commits SET head = x'00' WHERE first > 1")

    begun = recovered(folder, begin_chain=NEW_CHAIN)

    first = LastCommit(1, 1, 3, b"head 1", b"frontier 1")
    assert (begun.previous, begun.without_head) == (first.head_id, (4, 9))


@pytest.mark.parametrize("has_leaves", [True, False])
def test_a_chain_without_any_sound_head_still_uses_no_sequence_again(has_leaves: bool, folder: Path) -> None:
    change(folder, "UPDATE commits SET head = x'00'")
    if not has_leaves:
        change(folder, "DELETE FROM leaves")
    (folder / HIGH_WATER_FILE).unlink()

    begun = recovered(folder, begin_chain=NEW_CHAIN)

    assert begun.previous is None
    assert begun.without_head == (1, 9)  # the statements themselves say it too
    assert begun.next_sequence > 9 + SKIPPED // 2


def test_the_end_of_a_second_chain_can_be_damaged_too(folder: Path) -> None:
    change(folder, DAMAGE[0])
    with closing(open_store(folder, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0)) as store:
        first = store.recover(0, begin_chain=NEW_CHAIN).next_sequence
        commit(store, first, [make_entry(20)])
        commit(store, first + 1, [make_entry(21)])
    change(folder, "UPDATE commits SET head = x'00' WHERE first = ?", first + 1)

    with pytest.raises(StoreError):
        recovered(folder)
    begun = recovered(folder, begin_chain=b"the third chain.")

    assert begun.previous == LastCommit(1, first, 1, b"head %d" % first, b"").head_id
    assert begun.without_head == (first + 1, first + 1)
    assert begun.next_sequence == first + 2 + SKIPPED


def test_a_commit_that_claims_the_last_sequences_there_are_is_not_gone_beyond(folder: Path) -> None:
    change(folder, "UPDATE commits SET first = ? WHERE first = 7", 2**62)

    with pytest.raises(StoreError) as raised:
        recovered(folder, begin_chain=NEW_CHAIN)
    assert raised.value.code == "store-damaged"


@pytest.mark.parametrize("table", ["commits", "leaves", "journal"])
def test_a_blob_that_has_become_a_text_is_read_as_before(table: str, folder: Path) -> None:
    """One bit makes one of the other, and what it says is sound."""
    column = {"commits": "head", "leaves": "packed", "journal": "data"}[table]
    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        connection.execute("PRAGMA writable_schema = on")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '')")
        connection.execute("PRAGMA writable_schema = reset")
        connection.execute(f"UPDATE {table} SET {column} = CAST({column} AS TEXT)")  # noqa: S608 - our names
        connection.commit()

    with open_here(folder) as store:
        assert len(store.read(range(1, 10))) == 9
        assert store.commit_of(8).number == 3
        commit(store, 10, [make_entry(20)])
