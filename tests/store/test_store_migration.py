"""A store of the version before is brought to this one, whole, however often that is interrupted."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from byway.store.sqlite.schema import migrations
from byway.store.sqlite.store import STORE_FILE
from byway.store.store import CursorMove, SignedAcknowledgement
from tests.store.stores import SELLER, commit, open_here, subscribe, subscription
from tests.strategies.entries import make_entry

ROOT = Path(__file__).parent.parent.parent
ENTRIES = [make_entry(number) for number in range(1, 4)]
ROWS = [
    subscription("food", through=2)._replace(also=(4, 6), seen=0),
    subscription("homes", epoch=3)._replace(acknowledgement=b"signed", seen=0),
]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store as version 1 wrote it: no check in subscriptions and cursors."""
    folder = tmp_path / "old"
    with open_here(folder) as store:
        subscribe(store, *[row._replace(through=0, also=(), acknowledgement=None) for row in ROWS])
        store.commit(
            ENTRIES,
            first=1,
            head=b"head 1",
            frontier=b"frontier 1",
            moves=[CursorMove(SELLER, "food", 1, 0, 2, (4, 6))],
            acknowledgements=[SignedAcknowledgement(SELLER, "homes", b"signed")],
        )
    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        for table, column in (("subscriptions", "filter"), ("subscriptions", "acknowledgement"), ("cursors", "also")):
            connection.execute(f"UPDATE {table} SET {column} = substr({column}, 1, length({column}) - 4)")  # noqa: S608 - our names
        connection.commit()
        connection.execute("ALTER TABLE subscriptions DROP COLUMN seen")
        connection.execute("PRAGMA user_version = 1")
    return folder


def version(folder: Path) -> int:
    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        [(number,)] = connection.execute("PRAGMA user_version")
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return int(number)


def holds_everything(folder: Path) -> None:
    with open_here(folder) as store:
        found = store.recover(0)
        assert found.subscriptions == ROWS
        assert found.dropped == []
        assert dict(store.read([1, 2, 3])) == {number: entry.data for number, entry in enumerate(ENTRIES, 1)}
        assert store.commit_of(2).head == b"head 1"
        commit(store, 4, [make_entry(4)], [CursorMove(SELLER, "food", 1, 0, 3, ())])


def test_subscriptions_get_their_checks(old: Path) -> None:
    holds_everything(old)

    assert version(old) == len(migrations())


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_migrates_loses_nothing(old: Path, tmp_path: Path) -> None:
    """At every point of it there is the old version or the new, and the next process makes the new one of either."""
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "tests.store.killed_migrations", str(old / STORE_FILE), str(folder)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    points = done.stdout.splitlines()

    found = []
    for number in range(1, len(points) + 2):
        found.append(version(folder / str(number)))
        holds_everything(folder / str(number))

    assert sorted(found) == found
    assert set(found) == set(range(1, len(migrations()) + 1))
    assert {"row for check_subscription", "row for check_cursor", "before sync of the log"} <= set(points)
    assert {"after write of the log", "after write of the database"} <= set(points)
