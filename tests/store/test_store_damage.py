"""A changed bit costs what it is in, and nothing else.  It is never handed out."""

from __future__ import annotations

import mmap
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import cast

import apsw
import pytest

from byway.errors import StoreError
from byway.protocol.limits import MINUTE_MS
from byway.store.check import with_check
from byway.store.sqlite import journal
from byway.store.sqlite.database import Database
from byway.store.sqlite.opening import PAGE_BYTES
from byway.store.sqlite.store import STORE_FILE, SqliteStore
from tests.store.stores import commit, open_here
from tests.strategies.entries import ADDRESSES, make_entry

ENTRIES = [make_entry(number, address=ADDRESSES[number % 2]) for number in range(6)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with open_here(tmp_path) as store:
        commit(store, 1, ENTRIES[:3])
        commit(store, 4, ENTRIES[3:])
    return tmp_path


def change(folder: Path, table: str, column: str, key: int, position: int) -> None:
    """Flip a bit of a stored blob."""
    name = "sequence" if table == "journal" else "first"
    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        [(blob,)] = connection.execute(f"SELECT {column} FROM {table} WHERE {name} = ?", [key])  # noqa: S608 - our names
        changed = bytearray(blob)
        changed[position % len(blob)] ^= 1 << position % 8
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {name} = ?", (bytes(changed), key))  # noqa: S608 - as above
        connection.commit()


@pytest.mark.parametrize("position", [0, 100, 535, 536, 599, 600, 603])
def test_a_changed_statement_is_left_out_and_reported(position: int, folder: Path) -> None:
    """In the header, the body, the signature, which the id does not cover, or the check itself."""
    change(folder, "journal", "data", 2, position)

    with open_here(folder) as store:
        assert store.damaged == frozenset()
        assert [sequence for sequence, _ in store.read([1, 2, 3])] == [1, 3]
        assert store.damaged == {2}


def test_a_changed_statement_can_be_stored_again(folder: Path) -> None:
    change(folder, "journal", "data", 2, 100)

    with open_here(folder) as store:
        assert store.find(ENTRIES[1].id) is None
        commit(store, 7, [ENTRIES[1]])
        assert store.find(ENTRIES[1].id) == 7
    with open_here(folder) as store:
        assert store.find(ENTRIES[1].id) == 7


def test_statements_that_changed_places_are_left_out(folder: Path) -> None:
    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        connection.execute("UPDATE journal SET sequence = -sequence")
        connection.execute(
            "UPDATE journal SET sequence = CASE sequence WHEN -1 THEN 2 WHEN -2 THEN 1 ELSE -sequence END"
        )
        connection.commit()

    with open_here(folder) as store:
        assert [sequence for sequence, _ in store.read([1, 2, 3])] == [3]
        assert store.damaged == {1, 2}


def test_a_statement_that_was_never_committed_is_left_out(folder: Path) -> None:
    """Whatever its check says: the id is not the one that the leaves have for this sequence."""
    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        connection.execute("UPDATE journal SET data = ? WHERE sequence = 2", [with_check(make_entry(99).data, 2)])
        connection.commit()

    with open_here(folder) as store:
        assert [sequence for sequence, _ in store.read([1, 2, 3])] == [1, 3]
        assert store.find(make_entry(99).id) is None
        assert store.damaged == {2}


def test_changed_leaves_cost_their_commit(folder: Path) -> None:
    change(folder, "leaves", "packed", 1, 40)

    with open_here(folder) as store:
        assert store.damaged == {1, 2, 3}
        assert [store.find(entry.id) for entry in ENTRIES] == [None, None, None, 4, 5, 6]
        assert store.sequences(ADDRESSES, 0, 10) == [4, 5, 6]
        assert [sequence for sequence, _ in store.kinds(frozenset({1}))] == [4, 5, 6]
        with pytest.raises(LookupError):
            store.commit_of(2)
        assert store.sweep(2_000 * MINUTE_MS, 100) == 3


def test_a_blob_that_is_no_leaves_costs_its_commit_whatever_its_check_says(folder: Path) -> None:
    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        connection.execute("UPDATE leaves SET packed = ? WHERE first = 1", [with_check(b"\x90", 1)])
        connection.commit()

    with open_here(folder) as store:
        assert store.damaged == {1, 2, 3}
        assert [store.find(entry.id) for entry in ENTRIES] == [None, None, None, 4, 5, 6]
        with pytest.raises(LookupError):
            store.commit_of(2)


def test_leaves_that_change_while_the_store_is_open_are_left_alone(reopen: Callable[[], SqliteStore]) -> None:
    store = reopen()
    commit(store, 1, ENTRIES[:3])
    store._database._connection.execute("UPDATE leaves SET packed = zeroblob(40)")

    assert store.sweep(2_000 * MINUTE_MS, 100) == 0
    assert len(store.read([1, 2, 3])) == 3


def test_a_changed_head_gives_no_receipt(folder: Path) -> None:
    change(folder, "commits", "head", 1, 2)

    with open_here(folder) as store:
        assert store.commit_of(5).head == b"head 4"
        with pytest.raises(LookupError):
            store.commit_of(2)
        commit(store, 7, [make_entry(7)])


def test_a_page_that_makes_no_sense_costs_the_statements_on_it(folder: Path) -> None:
    """SQLite refuses the page: what is on others is still given, and nothing new is taken."""
    with open_here(folder) as store:
        commit(store, 7, [make_entry(number, size=900) for number in range(7, 20)])
        sequences = range(1, 20)
        assert len(store.read(sequences)) == len(sequences)
    with closing(apsw.Connection(str(folder / STORE_FILE))) as connection:
        query = "SELECT pageno FROM dbstat WHERE name = 'journal' AND pagetype = 'leaf'"
        pages: list[int] = [row[0] for row in connection.execute(query)]
    with (folder / STORE_FILE).open("r+b") as file:
        file.seek((pages[1] - 1) * 4096)
        file.write(b"\xff" * 8)

    with open_here(folder) as store:
        given = [sequence for sequence, _ in store.read(sequences)]
        assert 0 < len(given) < len(sequences)
        assert store.damaged == set(sequences) - set(given)
        assert [store.find(make_entry(number).id) for number in (0, 1)] == [1, 2]
        with pytest.raises(StoreError) as raised:
            commit(store, 20, [make_entry(20)])
        assert raised.value.code == "store-failed"


@pytest.mark.parametrize(("table", "commits", "of"), [("journal", 25, 4), ("commits", 115, 1)])
def test_what_could_not_be_found_again_is_not_promised(table: str, commits: int, of: int, folder: Path) -> None:
    """A signpost inside a table leads a little too far: SQLite would append beside it, and look elsewhere later."""
    beyond = 7 + commits * of
    with open_here(folder) as store:
        for first in range(7, beyond, of):
            commit(store, first, [make_entry(number) for number in range(first, first + of)])
    widen_the_last_signpost(folder / STORE_FILE, table)

    with open_here(folder) as store:
        with pytest.raises(StoreError) as raised:
            commit(store, beyond, [make_entry(number) for number in range(beyond, beyond + of)])
        assert raised.value.code == "store-damaged"
        assert raised.value.next_step
        assert store.find(make_entry(beyond).id) is None
        with pytest.raises(StoreError, match="takes nothing more"):
            commit(store, beyond, [make_entry(beyond)])


def widen_the_last_signpost(database: Path, table: str) -> None:
    """In the root of the table: the greatest key that is found to the left becomes a good deal greater.

    A cell there is the number of a page and a varint: https://www.sqlite.org/fileformat2.html, section 1.6.
    """
    with closing(apsw.Connection(str(database))) as connection:
        [(root,)] = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,))
    with database.open("r+b") as file:
        page = memoryview(mmap.mmap(file.fileno(), 0))[(root - 1) * PAGE_BYTES :][:PAGE_BYTES]
        assert page[0] == 5, "the root is a page of signposts"
        cells = int.from_bytes(page[3:5])
        at = int.from_bytes(page[12 + 2 * (cells - 1) :][:2]) + 4
        page[at] |= 0x7F


@pytest.mark.slow
def test_any_changed_byte_raises_or_is_left_out(folder: Path, tmp_path: Path) -> None:
    """Whatever byte of the file changes: no wrong statement is handed out, and only `StoreError` is raised."""
    whole = (folder / STORE_FILE).read_bytes()
    random = Random(7)  # noqa: S311 - it has to be the same each time
    for number in range(150):
        copy = tmp_path / str(number)
        copy.mkdir()
        at = random.randrange(len(whole))
        changed = whole[:at] + bytes([whole[at] ^ 1 << random.randrange(8)]) + whole[at + 1 :]
        (copy / STORE_FILE).write_bytes(changed)
        try:
            with open_here(copy) as store:
                rows = store.read([1, 2, 3, 4, 5, 6])
                assert all(data == ENTRIES[sequence - 1].data for sequence, data in rows)
                store.sweep(2_000 * MINUTE_MS, 100)
        except StoreError:
            continue


def test_a_page_that_gives_other_rows_than_were_asked_for_is_not_read_for_ever() -> None:
    class Turning:
        def query(self, _sql: str, _first: int, _limit: int) -> list[tuple[int, int, bytes, int]]:
            return [(1, 1, b"", -1), (7, 1, b"", -1), (3, 1, b"", -1)]

    assert [each.first for each in journal.held(cast("Database", Turning()))] == [1, 7, 3] * 2
