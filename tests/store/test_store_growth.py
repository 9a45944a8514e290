"""What a store costs is bounded by what it holds: on the disk, in memory and in work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from byway.protocol.limits import MINUTE_MS
from byway.store.sqlite.store import STORE_FILE, STRETCH, SqliteStore
from byway.store.store import MAX_ALSO_KEPT, CursorMove
from tests.store.stores import SELLER, commit, open_here, subscribe, subscription
from tests.strategies.entries import ADDRESSES, make_entry

BATCH = 64


def generation(store: SqliteStore, number: int, commits: int = 8) -> None:
    """Some commits that expire in the given minute."""
    for at in range(number * commits * BATCH, (number + 1) * commits * BATCH, BATCH):
        entries = [
            make_entry(at + index, address=ADDRESSES[index % 3], expires=number * MINUTE_MS) for index in range(BATCH)
        ]
        commit(store, at + 1, entries)


@pytest.mark.slow
def test_a_store_that_is_swept_stops_growing(tmp_path: Path) -> None:
    """Heads stay, and they are small beside the statements."""
    sizes = []
    with open_here(tmp_path) as store:
        for number in range(8):
            generation(store, number)
            while store.sweep((number - 1) * MINUTE_MS, 100):
                pass
            store._database._connection.wal_checkpoint()
            sizes.append((tmp_path / STORE_FILE).stat().st_size)
        assert len(store._statements.directory._sequences) == 8 * BATCH

    assert sizes[-1] < 1.2 * sizes[2]


def test_the_log_is_kept_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byway.store.sqlite.database.CHECKPOINT_PAGES", 50)
    with open_here(tmp_path) as store:
        for number in range(4):
            generation(store, number)
        log = (tmp_path / f"{STORE_FILE}-wal").stat().st_size

    assert log < (50 + 40) * 4200


def test_a_commit_takes_as_many_calls_whatever_its_size(tmp_path: Path) -> None:
    """Each call may have to wait for its turn beside a busy loop."""
    calls: list[str] = []
    with open_here(tmp_path) as store:
        store._database._connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: calls.append(event["sql"]))
        commit(store, 1, [make_entry(0)])
        single = calls.copy()
        calls.clear()
        commit(store, 2, [make_entry(number) for number in range(1, 513)])

    assert calls == single


def firsts(store: SqliteStore) -> list[int]:
    return [first for (first,) in store._database.query("SELECT first FROM leaves ORDER BY first")]


@pytest.mark.parametrize("restarts", [False, True])
def test_small_commits_are_joined_for_a_fast_start(restarts: bool, reopen: Callable[[], SqliteStore]) -> None:
    """Nothing else changes by it, also where the last expire first: then what is joined is due before its beginning."""
    count = 2 * STRETCH + 5
    entries = {number: make_entry(number, expires=(1_000 - number) * MINUTE_MS) for number in range(1, count + 1)}
    store = reopen()
    for number, entry in entries.items():
        commit(store, number, [entry])
    store = reopen() if restarts else store

    assert firsts(store) == [1, STRETCH + 1, *range(2 * STRETCH + 1, count + 1)]
    assert [store.find(entry.id) for entry in entries.values()] == list(entries)
    assert [store.commit_of(number).ids for number in entries] == [(entry.id,) for entry in entries.values()]
    for number in range(count, count - 2 * STRETCH, -30):
        assert store.sweep(entries[number].expires - 1, 100) == min(29, count - number)
        assert store.sweep(entries[number].expires, 100) == 1


def test_what_was_joined_is_swept_once(reopen: Callable[[], SqliteStore]) -> None:
    """Its beginning stands in the calendar for itself, and for all of it."""
    store = reopen()
    for number in range(1, STRETCH + 1):
        commit(store, number, [make_entry(number, expires=MINUTE_MS)])

    assert store.sweep(MINUTE_MS, 10 * STRETCH) == STRETCH
    assert store.sweep(MINUTE_MS, 10 * STRETCH) == 0
    assert firsts(store) == []


def test_what_was_swept_and_what_lies_beyond_it_are_not_joined(reopen: Callable[[], SqliteStore]) -> None:
    """A stretch is a beginning and a number of statements that follow: none may be missing, and none come back."""
    entries = [make_entry(number) for number in range(1, STRETCH + 2)]
    entries[20] = make_entry(21, expires=MINUTE_MS)
    entries[30] = make_entry(31, expires=MINUTE_MS)
    store = reopen()
    for number in range(1, STRETCH):
        if number == 30:
            commit(store, 30, entries[29:31])
        elif number != 31:
            commit(store, number, [entries[number - 1]])
    assert store.sweep(MINUTE_MS, 100) == 2

    commit(store, STRETCH, entries[STRETCH - 1 : STRETCH + 1])

    assert firsts(store) == [1, 22, 30, 32]
    expected = [None if entry.expires == MINUTE_MS else number for number, entry in enumerate(entries, 1)]
    assert [store.find(entry.id) for entry in entries] == expected
    store = reopen()
    assert [store.find(entry.id) for entry in entries] == expected
    assert store.sweep(2 * MINUTE_MS, 100) == 0


def test_nothing_on_the_way_of_a_commit_is_a_random_index(reopen: Callable[[], SqliteStore]) -> None:
    """Tables that grow with the statements have their sequence as the only key."""
    connection = reopen()._database._connection

    indexes = connection.execute(
        "SELECT tbl_name FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('journal', 'commits', 'leaves')"
    ).fetchall()

    assert indexes == []


def test_what_has_been_swept_is_overwritten(tmp_path: Path) -> None:
    entry = make_entry(1, expires=MINUTE_MS)
    with open_here(tmp_path) as store:
        commit(store, 1, [entry, make_entry(2)])
    assert entry.data[:100] in (tmp_path / STORE_FILE).read_bytes()

    with open_here(tmp_path) as store:
        assert store.sweep(MINUTE_MS, 10) == 1

    assert entry.data[:100] not in (tmp_path / STORE_FILE).read_bytes()


def test_heads_stay_and_the_chain_goes_on_when_everything_has_expired(reopen: Callable[[], SqliteStore]) -> None:
    store = reopen()
    commit(store, 1, [make_entry(1, expires=MINUTE_MS)])
    commit(store, 2, [make_entry(2, expires=MINUTE_MS)])
    assert store.sweep(MINUTE_MS, 100) == 2

    store = reopen()

    connection = store._database._connection
    assert connection.execute("SELECT count(*) FROM commits").get == 2
    assert connection.execute("SELECT count(*) FROM leaves").get == 0
    assert connection.execute("SELECT first FROM commits WHERE frontier IS NULL").fetchall() == [(1,)]
    with pytest.raises(LookupError):
        store.commit_of(2)
    commit(store, 3, [make_entry(3)])
    assert store.commit_of(3).number == 3


def test_a_cursor_keeps_so_many_sequences_beyond_it_and_no_more(reopen: Callable[[], SqliteStore]) -> None:
    """Those that are left out are delivered once more after a restart, which is allowed."""
    store = reopen()
    subscribe(store, subscription("homes"))
    also = tuple(range(20, 20 + 2 * MAX_ALSO_KEPT))
    commit(store, 0, [], [CursorMove(SELLER, "homes", 1, 0, 7, tuple(reversed(also)))])

    store.close()

    store = reopen()
    [row] = store.recover(0).subscriptions
    assert (row.through, row.also) == (7, also[:MAX_ALSO_KEPT])


@pytest.mark.parametrize("count", [1, 127, 128, 129, 300])
def test_many_cursors_move_in_one_commit(count: int, reopen: Callable[[], SqliteStore]) -> None:
    store = reopen()
    names = [f"sub {number}" for number in range(count)]
    store.commit([], first=0, head=b"", frontier=b"", subscriptions=[subscription(name) for name in names])

    commit(store, 0, [], [CursorMove(SELLER, name, 1, 0, number, (number + 2,)) for number, name in enumerate(names)])

    rows = {row.sub: (row.through, row.also) for row in reopen().recover(0).subscriptions}
    assert rows == {name: (number, (number + 2,)) for number, name in enumerate(names)}


def test_another_journal_is_refused(reopen: Callable[[], SqliteStore]) -> None:
    with pytest.raises(ValueError, match="one journal"):
        commit(reopen(), 0, [], [CursorMove(SELLER, "homes", 1, 1, 5, ())])
