"""A row of subscriptions or cursors that is not what was written is dropped, never believed, and stops nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from byway.store.sqlite.store import STORE_FILE, open_store
from byway.store.store import CursorMove, Recovered, SignedAcknowledgement, SubscriptionRow
from tests.store.stores import NODE_KEY, SELLER, commit, open_here, subscribe, subscription
from tests.strategies.entries import make_entry

PAGE = 4096
NAMES = ("cars", "food", "homes")
ROWS = {sub: subscription(sub, through=300)._replace(also=(302, 305), acknowledgement=b"signed") for sub in NAMES}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three subscriptions that stand somewhere, each with an acknowledgement."""
    folder = tmp_path / "data"
    with open_here(folder) as store:
        commit(store, 1, [make_entry(1)])
        subscribe(store, *map(subscription, NAMES))
        store.commit(
            [],
            first=0,
            head=b"",
            frontier=b"",
            moves=[CursorMove(SELLER, sub, 1, 0, 300, (302, 305)) for sub in NAMES],
        )
        store.commit(
            [make_entry(2)],
            first=2,
            head=b"head",
            frontier=b"frontier",
            acknowledgements=[SignedAcknowledgement(SELLER, sub, b"signed") for sub in NAMES],
        )
    return folder


def recovered(folder: Path) -> Recovered:
    with closing(open_store(folder, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0)) as store:
        return store.recover(0)


def rows(found: Recovered) -> dict[str, SubscriptionRow]:
    return {row.sub: row for row in found.subscriptions}


def change(folder: Path, sql: str) -> None:
    """Change rows with another SQLite, which holds nothing against values of another type."""
    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        connection.execute("PRAGMA writable_schema = on")
        connection.execute("UPDATE sqlite_schema SET sql = replace(replace(sql, 'NOT NULL', ''), 'STRICT,', '')")
        connection.execute("PRAGMA writable_schema = reset")
        connection.execute(sql)
        connection.commit()


def test_sound_rows_come_back_as_they_were(folder: Path) -> None:
    found = recovered(folder)

    assert rows(found) == ROWS
    assert found.dropped == []


@pytest.mark.parametrize(
    "changed",
    [
        "UPDATE cursors SET through = through + 1024 WHERE sub = 'food'",
        "UPDATE cursors SET epoch = epoch + 1 WHERE sub = 'food'",
        "UPDATE cursors SET also = zeroblob(20) WHERE sub = 'food'",
        "UPDATE cursors SET also = NULL WHERE sub = 'food'",
        "UPDATE cursors SET through = 300.5 WHERE sub = 'food'",
        "UPDATE cursors SET through = x'ff' WHERE sub = 'food'",
        "UPDATE cursors SET (through, also) = (SELECT epoch, also FROM cursors) WHERE sub = 'food'",
        "UPDATE subscriptions SET pattern = 'open:home:**' WHERE sub = 'food'",
        "UPDATE subscriptions SET pattern = CAST(x'ff' AS TEXT) WHERE sub = 'food'",
        "UPDATE subscriptions SET filter = x'c1' WHERE sub = 'food'",
        "UPDATE subscriptions SET scope = 'own' WHERE sub = 'food'",
        "UPDATE subscriptions SET seen = 0 WHERE sub = 'food'",
        "UPDATE subscriptions SET seen = seen + 1 WHERE sub = 'food'",
        "UPDATE subscriptions SET acknowledgement = x'00' WHERE sub = 'food'",
        "DELETE FROM cursors WHERE sub = 'food'",
        "DELETE FROM subscriptions WHERE sub = 'food'",
    ],
)
def test_a_changed_row_is_dropped_by_name_and_the_others_stay(changed: str, folder: Path) -> None:
    change(folder, changed)

    found = recovered(folder)

    assert found.dropped == [(SELLER, "food")]
    assert rows(found) == {sub: row for sub, row in ROWS.items() if sub != "food"}
    assert recovered(folder).dropped == []


@pytest.mark.parametrize("table", ["subscriptions", "cursors"])
@pytest.mark.parametrize("value", ["CAST(x'66ff' AS TEXT)", "'fooe'", "CAST('food' AS BLOB)", "7"])
def test_a_changed_name_costs_what_had_it(value: str, table: str, folder: Path) -> None:
    """Its other half stands alone then, and goes with it."""
    change(folder, f"UPDATE {table} SET sub = {value} WHERE sub = 'food'")  # noqa: S608 - our names

    found = recovered(folder)

    assert (SELLER, "food") in found.dropped
    assert rows(found) == {sub: row for sub, row in ROWS.items() if sub != "food"}


def test_a_dropped_subscription_can_be_opened_again(folder: Path) -> None:
    change(folder, "UPDATE cursors SET through = through + 1024 WHERE sub = 'food'")
    again = subscription("food", epoch=1)

    with open_here(folder) as store:
        subscribe(store, again)
        commit(store, 0, [], [CursorMove(SELLER, "food", 1, 0, 7, ())])

    assert rows(recovered(folder))["food"] == again._replace(through=7)


def leaf_pages(folder: Path) -> dict[str, int]:
    with closing(apsw.Connection(str(folder / STORE_FILE))) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
        return {name: connection.execute(query, (name,)).get for name in ("subscriptions", "cursors")}


def used(page: bytes) -> Iterator[int]:
    """The header and the pointers of a page, and one row."""
    rows_from = next(at for at in range(100, PAGE) if page[at])
    return (at for at in range(PAGE) if at < 14 or rows_from <= at < rows_from + 75)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["subscriptions", "cursors"])
def test_whatever_bit_changes_no_start_stops_and_no_cursor_is_wrong(table: str, folder: Path, tmp_path: Path) -> None:
    """In the rows, and in what holds the page together: subscriptions are as they were, or begin anew and go on."""
    whole = (folder / STORE_FILE).read_bytes()
    start = (leaf_pages(folder)[table] - 1) * PAGE
    copy = tmp_path / "copy"
    copy.mkdir()
    dropped = 0
    for at in used(whole[start : start + PAGE]):
        changed = bytearray(whole)
        changed[start + at] ^= 1 << at % 8
        for path in copy.iterdir():
            path.unlink()
        (copy / STORE_FILE).write_bytes(changed)

        with closing(open_store(copy, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0)) as store:
            found = store.recover(0)
            assert rows(found).items() <= ROWS.items()
            dropped += len(ROWS) - len(found.subscriptions)
            subscribe(store, *[subscription(sub, epoch=9) for sub in NAMES])
            assert len(store.read([1, 2])) == 2
        again = recovered(copy)
        assert again.dropped == []
        assert {row.epoch for row in again.subscriptions} == {9}
    assert dropped > 50
