"""What was committed outlives the power, and what a restart has found does too."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from byway.errors import StoreError
from byway.protocol.limits import MINUTE_MS
from byway.store.high_water import HIGH_WATER_FILE, InDoubt
from byway.store.sqlite.store import STORE_FILE, SqliteStore, open_store
from byway.store.store import CursorMove, Entry
from tests.store.power_loss import SECTOR_BYTES, Disk, Faults, Image, Unflushed, healthy
from tests.store.stores import NODE_KEY, SELLER, commit, open_here, subscribe, subscription
from tests.strategies.entries import make_entry

CUTS = 200
OPERATIONS = 400  # what the work below takes, about
COMMITS = 60


@pytest.fixture(autouse=True)
def _frequent_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byway.store.sqlite.database.CHECKPOINT_PAGES", 12)


class Work:
    """Commits, moves and sweeps until an error comes.  Remembers what it was told is durable."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.committed: dict[int, Entry] = {}
        self.through = 0
        self.now = 0

    def run(self, disk: Disk, folder: Path, before: Callable[[SqliteStore], object]) -> None:
        try:
            with open_here(folder, vfs=disk.name) as store:
                before(store)
                subscribe(store, subscription("homes"))
                for _ in range(COMMITS):
                    self._step(store)
        except StoreError:
            return

    def _step(self, store: SqliteStore) -> None:
        random = self._random
        first = len(self.committed) + 1
        entries = [
            make_entry(
                first + index,
                expires=random.randrange(1, 80) * MINUTE_MS,
                size=random.choice((130, 600, 9_000)),
            )
            for index in range(random.randrange(1, 5))
        ]
        commit(store, first, entries, [CursorMove(SELLER, "homes", 1, 0, first - 1, ())])
        self.committed.update(enumerate(entries, first))
        self.through = first - 1
        if random.random() < 0.2:
            self.now += 5 * MINUTE_MS
            store.sweep(self.now, 10)

    def lost(self, folder: Path) -> list[int]:
        """Sequences that the store in `folder` ought to have and has not; nothing else may be wrong with it."""
        with closing(sqlite3.connect(folder / STORE_FILE)) as other_build:
            assert other_build.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with open_here(folder) as store:
            expected = {sequence: entry.data for sequence, entry in self.committed.items() if entry.expires > self.now}
            found = dict(store.read(list(expected)))
            assert not store.damaged
            assert all(expected[sequence] == data for sequence, data in found.items())
            for sequence in found:
                assert store.find(self.committed[sequence].id) == sequence
                held = store.commit_of(sequence)
                assert held.head == b"head %d" % held.first
                assert held.ids[sequence - held.first] == self.committed[sequence].id
            return sorted(expected.keys() - found.keys())


def cut(
    folder: Path, seed: int, prepare: Callable[[SqliteStore], object] = id, *, mark_stays: bool = False
) -> tuple[list[int], InDoubt | None]:
    """Work until the power is cut at a random operation.  What the next boot has lost, and what it takes for lost.

    The high-water file is found as an `Unflushed` one may be, or, if the `mark_stays`, as it was written last.
    """
    random = Random(seed)  # noqa: S311 - it has to be the same each time
    disk = Disk()
    source, after = folder / f"before {seed}", folder / f"after {seed}"
    beside, faults = Unflushed(source / HIGH_WATER_FILE), Faults(random.randrange(1, OPERATIONS), stays=True)

    def before(operation: str, name: str) -> None:
        beside.look()
        faults(operation, name)

    disk.before = before
    work = Work(random)
    work.run(disk, source, prepare)
    disk.after_cut(after, random)
    disk.unregister()
    if not mark_stays:
        (after / HIGH_WATER_FILE).write_bytes(beside.after_cut(random))
    elif (source / HIGH_WATER_FILE).exists():
        shutil.copy(source / HIGH_WATER_FILE, after)
    with closing(open_store(after, node_key=NODE_KEY, random=random.randbytes)) as store:
        in_doubt = store.recover(work.now).in_doubt
    return work.lost(after), in_doubt


@pytest.mark.slow
def test_nothing_committed_is_lost_in_a_power_cut(tmp_path: Path) -> None:
    """And the high-water file raises no false alarm."""
    assert [cut(tmp_path, seed) for seed in range(CUTS)] == [([], None)] * CUTS


@pytest.mark.slow
def test_a_store_that_does_not_flush_is_found_out(tmp_path: Path) -> None:
    """The test above is worth something: with `synchronous = normal` it is red.  Each loss is in doubt at start."""

    def planted(store: SqliteStore) -> None:
        store._database._connection.pragma("synchronous", "normal")

    cuts = [cut(tmp_path, seed, planted, mark_stays=True) for seed in range(CUTS)]

    losses = [(lost, in_doubt) for lost, in_doubt in cuts if lost]
    assert len(losses) > CUTS / 4
    assert all(in_doubt and in_doubt.sequences[0] <= lost[0] <= in_doubt.sequences[1] for lost, in_doubt in losses)


def test_what_was_not_flushed_may_be_there_in_any_part_and_in_any_order() -> None:
    image = Image()
    image.do(0, b"flushed")
    image.flush()
    image.do(10, b"aaaa")
    image.do(12, b"bbbb")

    found = {image.after_cut(Random(seed)) for seed in range(500)}  # noqa: S311 - it has to be the same each time

    assert all(each.startswith(b"flushed") for each in found)
    whole = {b"flushed", b"flushed\0\0\0aaaa", b"flushed\0\0\0\0\0bbbb", b"flushed\0\0\0aabbbb", b"flushed\0\0\0aaaabb"}
    assert found > whole


def test_of_a_torn_write_any_sectors_may_be_there() -> None:
    image = Image()
    image.do(SECTOR_BYTES - 1, b"a" + b"b" * SECTOR_BYTES + b"c")

    found = {image.after_cut(Random(seed)) for seed in range(500)}  # noqa: S311 - it has to be the same each time

    assert bytes(SECTOR_BYTES) + b"b" * SECTOR_BYTES in found
    assert bytes(SECTOR_BYTES - 1) + b"a" + bytes(SECTOR_BYTES) + b"c" in found


def test_of_a_file_that_is_not_flushed_each_sector_may_be_of_another_time(tmp_path: Path) -> None:
    beside = Unflushed(tmp_path / "file")
    for content in (b"", b"1" * 2 * SECTOR_BYTES, b"2" * 2 * SECTOR_BYTES):
        (tmp_path / "file").write_bytes(content)
        beside.look()

    found = {beside.after_cut(Random(seed)) for seed in range(200)}  # noqa: S311 - it has to be the same each time

    whole = (bytes(SECTOR_BYTES), b"1" * SECTOR_BYTES, b"2" * SECTOR_BYTES)
    assert {first + second for first in whole for second in whole[1:]} | {b"", *whole[1:]} < found


def test_what_a_restart_has_found_survives_a_power_cut_after_it(tmp_path: Path) -> None:
    """A process dies between write and flush: the next one may promise what it sees there, so it flushes it first."""
    disk = Disk()
    heirs = []

    with open_here(tmp_path / "before", vfs=disk.name) as store:
        disk.before = lambda operation, _: heirs.append(disk.after_death()) if operation == "sync" else None
        commit(store, 1, [make_entry(1)])
        disk.before = healthy
    [heir, *_] = heirs

    with open_here(tmp_path / "before", vfs=heir.name) as store:
        found = store.find(make_entry(1).id)
        heir.after_cut(tmp_path / "after", Random(1))  # noqa: S311 - it has to be the same each time

    assert found == 1
    with open_here(tmp_path / "after") as store:
        assert store.find(make_entry(1).id) == 1


def test_what_a_failed_flush_left_in_memory_survives_a_power_cut_after_the_next_start(tmp_path: Path) -> None:
    """Linux keeps what it could not flush, and forgets that the disk lacks it: no later flush would write it."""
    disk = Disk()
    with open_here(tmp_path / "before", vfs=disk.name) as store:
        subscribe(store, subscription("homes"))
        commit(store, 1, [make_entry(1)])
        disk.before = Faults(1, ("sync",), stays=False)
        with pytest.raises(StoreError):
            commit(store, 2, [make_entry(2)])
        heir = disk.after_death()

    with open_here(tmp_path / "before", vfs=heir.name) as store:
        assert store.find(make_entry(2).id) == 2

        for seed in range(20):
            after = tmp_path / f"after {seed}"
            heir.after_cut(after, Random(seed))  # noqa: S311 - it has to be the same each time
            with open_here(after) as found:
                assert found.find(make_entry(2).id) == 2
