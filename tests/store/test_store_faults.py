"""The n-th operation on the disk fails, for each n: nothing committed is lost, and nothing is promised after it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import apsw
import pytest

from byway.errors import StoreError
from byway.protocol.limits import MINUTE_MS
from byway.store.sqlite.store import STORE_FILE
from byway.store.store import CursorMove, Entry, Store
from tests.store.power_loss import Disk, Faults, healthy
from tests.store.stores import NODE_KEY, SELLER, commit, open_here, subscribe, subscription, unsubscribe
from tests.strategies.entries import make_entry

COMMITS = 8


@pytest.fixture(autouse=True)
def _frequent_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byway.store.sqlite.database.CHECKPOINT_PAGES", 12)


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.unregister()


class Run:
    """Some commits and a sweep in between, until one raises."""

    def __init__(self) -> None:
        self.committed: dict[int, Entry] = {}
        self.error: StoreError | None = None

    def step(self, store: Store) -> None:
        first = len(self.committed) + 1
        entries = [make_entry(first, expires=MINUTE_MS), make_entry(first + 1, size=9_000)]
        commit(store, first, entries)
        self.committed.update(enumerate(entries, first))

    def work(self, store: Store) -> None:
        for number in range(COMMITS):
            try:
                self.step(store)
                if number == COMMITS // 2:
                    store.sweep(MINUTE_MS, 100)
            except StoreError as error:
                self.error = error
                return

    def lasting(self) -> list[tuple[int, bytes]]:
        return [(sequence, entry.data) for sequence, entry in self.committed.items() if entry.expires > MINUTE_MS]

    def check(self, store: Store) -> None:
        assert [row for row in store.read(range(1, 6 * COMMITS)) if row in self.lasting()] == self.lasting()
        assert store.damaged == frozenset()


def every(operation: str, folder: Path, *, stays: bool, error: type[apsw.Error]) -> Iterator[tuple[Run, Store, Disk]]:
    """A run for each n, with the n-th operation of this sort failing, until n is more than there are."""
    for number in range(1, 1_000):
        disk = Disk()
        run = Run()
        with open_here(folder / f"{operation} {number}", vfs=disk.name) as store:
            faults = Faults(number, (operation,), stays=stays, error=error)
            disk.before = faults
            run.work(store)
            disk.before = healthy
            if not faults.fired:
                assert run.error is None
                return
            yield run, store, disk
        disk.unregister()


def check_after_death(run: Run, disk: Disk, folder: Path) -> None:
    """If the process ended now, or the power, what was committed would be there when it is started again."""
    heir = disk.after_death()
    [path] = [Path(name) for name in disk.images if name.endswith(STORE_FILE)]
    with open_here(path.parent, vfs=heir.name) as reopened:
        run.check(reopened)
    heir.unregister()
    after = Path(mkdtemp(dir=folder)) / "cut"
    disk.after_cut(after, Random(len(run.committed)))  # noqa: S311 - it has to be the same each time
    with open_here(after) as reopened:
        run.check(reopened)


@pytest.mark.slow
@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("operation", ["sync", "write"])
def test_after_an_io_error_nothing_is_taken_and_nothing_is_lost(operation: str, stays: bool, tmp_path: Path) -> None:
    """Also when the disk works again, as it seems: nobody knows then what is on it."""
    runs = 0
    for run, store, disk in every(operation, tmp_path, stays=stays, error=apsw.IOError):
        assert run.error is not None
        assert run.error.code == "store-failed"
        run.check(store)
        for call in (
            partial(run.step, store),
            partial(subscribe, store, subscription("homes")),
            partial(unsubscribe, store, NODE_KEY, "homes"),
            partial(store.sweep, 0, 100),
        ):
            with pytest.raises(StoreError) as raised:
                call()
            assert raised.value.code == "store-failed"
            assert raised.value.next_step
        check_after_death(run, disk, tmp_path)
        runs += 1
    assert runs > COMMITS


@pytest.mark.slow
def test_a_full_disk_refuses_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    runs = 0
    for run, store, disk in every("write", tmp_path, stays=True, error=apsw.FullError):
        assert run.error is not None
        assert run.error.code == "store-full"
        assert run.error.temporary
        run.check(store)

        run.work(store)

        run.check(store)
        assert len(run.committed) > 2 * COMMITS - 2
        check_after_death(run, disk, tmp_path)
        runs += 1
    assert runs > COMMITS


def test_the_log_goes_on_while_the_database_has_no_room_to_grow(disk: Disk, tmp_path: Path) -> None:
    """What it has is durable there, and moves over when there is room."""
    run = Run()

    def full_beside_the_log(operation: str, name: str) -> None:
        if operation == "write" and name == STORE_FILE:
            raise apsw.FullError("the disk is full")

    with open_here(tmp_path, vfs=disk.name) as store:
        disk.before = full_beside_the_log
        run.work(store)
        assert run.error is None
        disk.before = healthy
        run.work(store)
        run.check(store)
        assert len(disk.images[str(tmp_path / STORE_FILE)].current) > 9_000 * COMMITS


def test_a_sweep_that_found_no_room_is_made_up_for(disk: Disk, tmp_path: Path) -> None:
    with open_here(tmp_path, vfs=disk.name) as store:
        commit(store, 1, [make_entry(1, expires=MINUTE_MS), make_entry(2)])
        disk.before = Faults(1, ("write",), stays=True, error=apsw.FullError)
        with pytest.raises(StoreError) as raised:
            store.sweep(MINUTE_MS, 10)
        assert raised.value.code == "store-full"
        assert len(store.read([1, 2])) == 2
        disk.before = healthy

        assert store.sweep(MINUTE_MS, 10) == 1
        assert len(store.read([1, 2])) == 1


def test_a_failed_checkpoint_is_noticed(disk: Disk, tmp_path: Path) -> None:
    """It comes before the transaction that it makes room for, which nobody has been promised."""
    run = Run()

    def fail_beside_the_log(operation: str, name: str) -> None:
        if operation == "write" and name == STORE_FILE:
            raise apsw.IOError("the disk fails")

    with open_here(tmp_path, vfs=disk.name) as store:
        disk.before = fail_beside_the_log
        run.work(store)

        assert run.error is not None
        assert run.error.code == "store-failed"
        assert run.committed
        run.check(store)


def test_after_an_io_error_closing_leaves_the_disk_as_it_is(disk: Disk, tmp_path: Path) -> None:
    """The next process has to find what the error left, not what this one makes of it."""
    operations = []
    with open_here(tmp_path, vfs=disk.name) as store:
        disk.before = Faults(1, ("sync",), stays=False)
        Run().work(store)
        disk.before = lambda *operation: operations.append(operation)

    assert operations == []


def test_a_start_that_fails_leaves_the_disk_as_it_is(disk: Disk, tmp_path: Path) -> None:
    """To close is to move the log into the database, and nobody knows whether the log is on the disk."""
    with open_here(tmp_path, vfs=disk.name) as store:
        commit(store, 1, [make_entry(1)])
        heir = disk.after_death()
    operations: list[tuple[str, ...]] = []

    def fail_the_first_flush(operation: str, name: str) -> None:
        if operations or operation == "sync":
            operations.append((operation, name))
        if len(operations) == 1:
            raise apsw.IOError("the disk fails")

    heir.before = fail_the_first_flush
    with pytest.raises(StoreError):
        open_here(tmp_path, vfs=heir.name).__enter__()

    assert operations == [("sync", f"{STORE_FILE}-wal")]


def test_a_node_starts_while_the_database_has_no_room_to_grow(disk: Disk, tmp_path: Path) -> None:
    """The log has everything, and is flushed."""
    with open_here(tmp_path, vfs=disk.name) as store:
        for number in range(1, 9):
            commit(store, number, [make_entry(number, size=9_000)])
        heir = disk.after_death()

    def full_beside_the_log(operation: str, name: str) -> None:
        if operation == "write" and name == STORE_FILE:
            raise apsw.FullError("the disk is full")

    heir.before = full_beside_the_log
    with open_here(tmp_path, vfs=heir.name) as store:
        assert store.find(make_entry(8, size=9_000).id) == 8
        commit(store, 9, [make_entry(9)])
        heir.before = healthy


def test_entries_are_refused_before_the_disk_is_full(tmp_path: Path) -> None:
    """What has been promised needs room to come to its end: cursors, sweeps and known subscriptions go on."""
    with open_here(tmp_path) as store:
        commit(store, 1, [make_entry(1, expires=MINUTE_MS)])
        subscribe(store, subscription("homes"), subscription("food"))
        store._reserve_bytes = 2**62

        with pytest.raises(StoreError) as raised:
            commit(store, 2, [make_entry(2)])

        assert raised.value.code == "store-full"
        commit(store, 0, [], [CursorMove(SELLER, "homes", 1, 0, 1, ())])
        subscribe(store, subscription("homes", epoch=2))
        unsubscribe(store, SELLER, "food")
        for further in ("boats", "food"):
            with pytest.raises(StoreError) as raised:
                subscribe(store, subscription("homes", epoch=3), subscription(further))
            assert raised.value.code == "store-full"
        assert store.sweep(MINUTE_MS, 10) == 1
        store._reserve_bytes = 0
        subscribe(store, subscription("boats"))
        commit(store, 2, [make_entry(2)])
        assert store.find(make_entry(2).id) == 2


def test_a_database_that_may_not_grow_refuses_and_goes_on(tmp_path: Path) -> None:
    with open_here(tmp_path) as store:
        connection = store._database._connection
        connection.pragma("max_page_count", connection.pragma("page_count") + 4)

        with pytest.raises(StoreError) as raised:
            commit(store, 1, [make_entry(number, size=9_000) for number in range(20)])

        assert raised.value.code == "store-full"
        connection.pragma("max_page_count", 10_000)
        commit(store, 1, [make_entry(1)])
        assert store.find(make_entry(1).id) == 1


def test_a_mistake_of_the_caller_leaves_no_trace(tmp_path: Path) -> None:
    with open_here(tmp_path) as store:
        with pytest.raises(ValueError, match="the next sequence is 1"):
            commit(store, 7, [make_entry(1)])
        with pytest.raises(AttributeError):
            subscribe(store, subscription("homes")._replace(scope=object()))  # type: ignore[arg-type]  # the point

        commit(store, 1, [make_entry(1)])
        assert store.find(make_entry(1).id) == 1


def test_a_closed_store_takes_nothing(tmp_path: Path) -> None:
    with open_here(tmp_path) as store:
        store.close()
        store.close()

        with pytest.raises(StoreError) as raised:
            commit(store, 1, [make_entry(1)])
        assert raised.value.code == "store-failed"
