"""A store is opened by one process of one node, at a version that is known, with settings that hold."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from byway.errors import StoreError
from byway.store.high_water import HIGH_WATER_FILE
from byway.store.sqlite.opening import OLDEST_SQLITE
from byway.store.sqlite.schema import migrations
from byway.store.sqlite.store import STORE_FILE, SqliteStore, open_store
from tests.store.stores import NODE_KEY, commit, open_here
from tests.strategies.entries import make_entry


def refusal(folder: Path, *, node_key: bytes = NODE_KEY) -> StoreError:
    with pytest.raises(StoreError) as raised:
        open_store(folder, node_key=node_key, random=os.urandom)
    assert raised.value.next_step
    return raised.value


def test_a_store_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with open_here(tmp_path / "data") as store:
        commit(store, 1, [make_entry(1)])
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}

    assert modes == {STORE_FILE: 0o600, f"{STORE_FILE}-wal": 0o600, HIGH_WATER_FILE: 0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_store_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    with open_here(tmp_path):
        pass
    (tmp_path / STORE_FILE).chmod(0o644)

    with open_here(tmp_path) as store:
        commit(store, 1, [make_entry(1)])
        for name in (STORE_FILE, f"{STORE_FILE}-wal"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_store_that_lies_elsewhere_has_its_log_there(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with open_here(tmp_path / "elsewhere"):
        pass
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / STORE_FILE).symlink_to(tmp_path / "elsewhere" / STORE_FILE)

    with open_here(tmp_path / "here") as store:
        commit(store, 1, [make_entry(1)])

        assert {path.name for path in (tmp_path / "here").iterdir()} == {STORE_FILE, HIGH_WATER_FILE}


def test_a_long_log_that_a_dead_process_left_is_taken_up(tmp_path: Path) -> None:
    with open_here(tmp_path / "alive") as store:
        for number in range(1, 61):
            commit(store, number, [make_entry(number, size=9_000)])
        shutil.copytree(tmp_path / "alive", tmp_path / "dead")
    assert (tmp_path / "dead" / f"{STORE_FILE}-wal").stat().st_size > 512 * 1024

    with open_here(tmp_path / "dead") as store:
        assert store.find(make_entry(60, size=9_000).id) == 60


def test_a_second_process_is_locked_out_and_told_what_to_do(tmp_path: Path) -> None:
    """And has the store once the first has gone, however it went."""
    script = (
        "import os, sys, pathlib; from byway.store.sqlite.store import open_store;"
        "store = open_store(pathlib.Path(sys.argv[1]), node_key=b'n' * 32, random=os.urandom);"
        "print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"

        assert refusal(tmp_path).code == "store-locked"
        assert refusal(tmp_path).temporary

        other.kill()
    with open_here(tmp_path) as store:
        assert refusal(tmp_path).code == "store-locked"
        commit(store, 1, [make_entry(1)])


def test_a_store_belongs_to_one_node(tmp_path: Path) -> None:
    with open_here(tmp_path):
        pass

    error = refusal(tmp_path, node_key=b"o" * 32)
    assert (error.code, str(error)) == ("store-foreign", f"the store in {tmp_path} belongs to another node")
    assert f"mkdir {tmp_path}/other-key && mv {tmp_path}/store.db* " in error.next_step
    with open_here(tmp_path):
        pass


@pytest.mark.parametrize("closed", [STORE_FILE, ""])
def test_a_store_that_may_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str) -> None:
    """The superuser, as whom tests may run, may write anything."""
    with open_here(tmp_path):
        pass
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path / closed, os.W_OK))

    error = refusal(tmp_path)
    assert error.code == "data-unwritable"
    assert f"{tmp_path / closed} may not be written" in str(error)


def test_the_chain_is_named_once(tmp_path: Path) -> None:
    names = iter([b"first chain name", b"never asked for."])

    for _ in range(2):
        with closing(open_store(tmp_path, node_key=NODE_KEY, random=lambda count: next(names)[:count])) as store:
            assert store.recover(0).chain == b"first chain name"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM meta WHERE name = 'chain'",
        "UPDATE meta SET name = 'nodes' WHERE name = 'node'",
        "UPDATE meta SET value = zeroblob(15) WHERE name = 'chain'",
        "UPDATE meta SET value = zeroblob(33) WHERE name = 'node'",
        "INSERT INTO meta VALUES ('begins', zeroblob(8))",
        "INSERT INTO meta VALUES ('begins', x'8000000000000000')",
        "INSERT INTO meta VALUES ('begins', x'01')",
        "INSERT INTO meta VALUES ('previous', zeroblob(31))",
        "UPDATE meta SET value = zeroblob(32) WHERE name = 'node'",
        "UPDATE meta SET value = zeroblob(16) WHERE name = 'chain'",
        "UPDATE meta SET value = zeroblob(4) WHERE name = 'check'",
        "INSERT INTO meta VALUES ('begins', x'0000000000000002')",
    ],
)
def test_a_store_whose_own_facts_have_changed_is_refused(tmp_path: Path, change: str) -> None:
    with open_here(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / STORE_FILE)) as connection:
        connection.execute(change)
        connection.commit()

    assert refusal(tmp_path).code == "store-damaged"


def test_a_store_of_a_version_that_kept_no_check_of_its_facts_is_opened(tmp_path: Path) -> None:
    with open_here(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / STORE_FILE)) as connection:
        connection.execute("DELETE FROM meta WHERE name = 'check'")
        connection.commit()

    with open_here(tmp_path):
        pass


def test_a_newer_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with open_here(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / STORE_FILE)) as newer:
        newer.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    before = (tmp_path / STORE_FILE).read_bytes()

    error = refusal(tmp_path)

    assert error.code == "store-damaged"
    assert f"version {len(migrations()) + 1}" in str(error)
    assert (tmp_path / STORE_FILE).read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """With the log that its process left when it died."""
    with closing(sqlite3.connect(tmp_path / "alive.db")) as other:
        other.execute("PRAGMA journal_mode = wal")
        other.execute("CREATE TABLE recipes (title TEXT)")
        for end in ("", "-wal"):
            shutil.copy(tmp_path / f"alive.db{end}", tmp_path / f"{STORE_FILE}{end}")
    files = (tmp_path / STORE_FILE, tmp_path / f"{STORE_FILE}-wal")
    before = [file.read_bytes() for file in files]

    assert refusal(tmp_path).code == "store-damaged"
    assert [file.read_bytes() for file in files] == before


@pytest.mark.parametrize("content", [b"# Groceries\n" * 100, os.urandom(8192)])
def test_a_file_that_is_no_database_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / STORE_FILE).write_bytes(content)

    assert refusal(tmp_path).code == "store-damaged"
    assert (tmp_path / STORE_FILE).read_bytes() == content


def test_a_place_that_holds_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder")

    assert refusal(tmp_path / "data").code == "data-unwritable"


def test_a_migration_happens_in_order_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fails leaves the version before it, and what had been stored."""
    with open_here(tmp_path) as store:
        commit(store, 1, [make_entry(1)])
    scripts = migrations()
    second = "CREATE TABLE second (number INTEGER) STRICT"
    broken = "CREATE TABLE third (number INTEGER) STRICT; INSERT INTO nowhere VALUES (1)"

    def version() -> int:
        with closing(sqlite3.connect(tmp_path / STORE_FILE)) as connection:
            [(number,)] = connection.execute("PRAGMA user_version")
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        assert "third" not in tables
        assert ("second" in tables) == (number > len(scripts))
        return int(number)

    monkeypatch.setattr("byway.store.sqlite.schema.migrations", lambda *_: [*scripts, second, broken])
    refusal(tmp_path)
    assert version() == len(scripts) + 1

    monkeypatch.setattr("byway.store.sqlite.schema.migrations", lambda *_: [*scripts, second])
    with open_here(tmp_path) as store:
        assert store.find(make_entry(1).id) == 1
    assert version() == len(scripts) + 1


def test_the_settings_that_make_it_durable_hold(reopen: Callable[[], SqliteStore]) -> None:
    for _ in range(2):
        connection = reopen()._database._connection
        assert connection.pragma("journal_mode") == "wal"
        assert connection.pragma("synchronous") == 2
        assert connection.pragma("locking_mode") == "exclusive"
        assert connection.pragma("secure_delete") == 1


def test_a_file_system_on_which_a_setting_does_not_hold_is_refused(tmp_path: Path) -> None:
    """A disk in memory has no log of its own to write ahead to."""
    assert "memory" in apsw.vfs_names() or "memdb" in apsw.vfs_names()

    with pytest.raises(StoreError, match="journal_mode"):
        open_store(tmp_path, node_key=NODE_KEY, random=os.urandom, vfs="memdb")


def test_sqlite_is_new_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= OLDEST_SQLITE
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.2")

    assert "3.51.2" in str(refusal(tmp_path))


def test_a_restart_finds_everything(reopen: Callable[[], SqliteStore]) -> None:
    store = reopen()
    commit(store, 1, [make_entry(1), make_entry(2)])
    commit(store, 3, [make_entry(3)])

    store = reopen()

    assert [store.find(make_entry(number).id) for number in (1, 2, 3)] == [1, 2, 3]
    commit(store, 4, [make_entry(4)])
    assert store.commit_of(4).number == 3
