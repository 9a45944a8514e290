"""Whatever operation on the disk fails, from the opening of a store to its end: `StoreError`, and nothing is lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from byway.errors import StoreError
from byway.protocol.limits import MINUTE_MS
from byway.store.sqlite.schema import migrations
from byway.store.sqlite.store import STORE_FILE
from tests.store.power_loss import Disk, Faults, healthy
from tests.store.stores import commit, open_here, subscribe, subscription
from tests.strategies.entries import make_entry

EARLIER = 6
LATER = 4
OPERATIONS = ("open", "read", "write", "sync", "truncate", "delete")


@pytest.fixture(autouse=True)
def _frequent_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byway.store.sqlite.database.CHECKPOINT_PAGES", 12)


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[tuple[Path, Disk]]:
    """A store whose process was killed: some of what it committed is in the log alone."""
    folder = tmp_path / "killed"
    disk = Disk()
    with open_here(folder, vfs=disk.name) as store:
        subscribe(store, subscription("homes"))
        for number in range(1, EARLIER + 1):
            commit(store, number, [make_entry(number, size=9_000)])
        left = disk.after_death()
    disk.unregister()
    yield folder, left
    left.unregister()


def life(folder: Path, disk: Disk) -> tuple[list[int], list[StoreError]]:
    """Open the store, commit, read and sweep, close it.  What it has promised until an error came, and the errors."""
    promised: list[int] = []
    errors: list[StoreError] = []
    try:
        with open_here(folder, vfs=disk.name) as store:
            for number in range(EARLIER + 1, EARLIER + 1 + LATER):
                commit(store, number, [make_entry(number, size=9_000)])
                promised.append(number)
            assert len(store.read(range(1, number + 1))) == number
            store.sweep(MINUTE_MS, 10)
    except StoreError as error:
        errors.append(error)
    return promised, errors


def check(folder: Path, promised: list[int], *, vfs: str | None = None) -> None:
    """What was committed is there when the store is opened next, on a disk that is well."""
    with open_here(folder, vfs=vfs) as store:
        expected = [*range(1, EARLIER + 1), *promised]
        rows = dict(store.read(range(1, 40)))
        assert rows.keys() >= set(expected)
        assert all(rows[number] == make_entry(number, size=9_000).data for number in expected)
        assert store.damaged == frozenset()
        commit(store, max(rows) + 1, [make_entry(99)])


@pytest.mark.slow
@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_any_operation_may_fail(operation: str, stays: bool, killed: tuple[Path, Disk]) -> None:
    """The n-th open, read, write, flush, truncation or deletion, for every n: once, or from then on.

    What fails may be told, or be made up for, but never be lost in silence.
    """
    folder, left = killed
    told = 0
    for number in range(1, 1_000):
        here = Path(shutil.copytree(folder, folder.parent / f"{operation} {number}"))
        disk = left.after_death()
        disk.images = {str(here / Path(name).name): image for name, image in disk.images.items()}
        faults = Faults(number, (operation,), stays=stays)
        disk.before = faults
        promised, errors = life(here, disk)
        disk.before = healthy
        if not faults.fired:
            assert errors == []
            break
        assert all(error.code in {"store-failed", "store-full", "store-damaged"} for error in errors)
        assert all(error.next_step for error in errors)
        told += len(errors)
        heir = disk.after_death()
        check(here, promised, vfs=heir.name)
        heir.unregister()
        after = here / "after the cut"
        disk.after_cut(after, Random(number))  # noqa: S311 - it has to be the same each time
        check(after, promised)
        disk.unregister()
    else:
        pytest.fail("there is no end to it")
    assert told > 0 or operation in {"delete", "truncate"}


@pytest.mark.parametrize("power", [False, True])
def test_a_migration_that_is_killed_anywhere_leaves_the_old_version_or_the_new(
    power: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before every operation on the disk that it takes: by a kill, or by a cut of the power."""
    folder = tmp_path / "old"
    disk = Disk()
    with open_here(folder, vfs=disk.name) as store:
        for number in range(1, EARLIER + 1):
            commit(store, number, [make_entry(number, size=9_000)])
        old = disk.after_death()
    statements = [f"CREATE TABLE further_{name} (number INTEGER) STRICT" for name in "abc"]
    before = len(migrations())
    scripts = [
        *migrations(),
        ";".join(statements),
        "INSERT INTO further_a VALUES (7); ALTER TABLE further_b RENAME TO z",
    ]
    monkeypatch.setattr("byway.store.sqlite.schema.migrations", lambda *_: scripts)
    moments: list[Disk] = []
    old.before = lambda *_: moments.append(old.after_death())
    with open_here(folder, vfs=old.name):
        old.before = healthy
    versions = set()
    for number, moment in enumerate(moments):
        after = tmp_path / str(number)
        if power:
            moment.after_cut(after, Random(number))  # noqa: S311 - it has to be the same each time
        else:
            after.mkdir()
            for name, image in moment.images.items():
                (after / Path(name).name).write_bytes(image.current)
        with closing(sqlite3.connect(after / STORE_FILE)) as found:
            [(version,)] = found.execute("PRAGMA user_version")
            tables = {name for (name,) in found.execute("SELECT name FROM sqlite_schema") if name[:8] == "further_"}
            tables |= {name for (name,) in found.execute("SELECT name FROM sqlite_schema WHERE name = 'z'")}
        expected = [set(), {"further_a", "further_b", "further_c"}, {"further_a", "further_c", "z"}]
        assert tables == expected[version - before]
        versions.add(version)
        with open_here(after) as store:
            assert len(store.read(range(1, 20))) == EARLIER
            assert store._database.query("SELECT number FROM further_a") == [(7,)]
        moment.unregister()
    assert versions == {before, before + 1, before + 2}
    old.unregister()
    disk.unregister()
