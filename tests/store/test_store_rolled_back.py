"""A store that is older than what its node has signed for takes nothing new, and gives what it has."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from byway.clock import Uptime
from byway.errors import StoreError
from byway.protocol.limits import MINUTE_MS
from byway.store.high_water import HIGH_WATER_FILE, HighWaterFile, InDoubt
from byway.store.sqlite.store import SKIPPED, STORE_FILE, SqliteStore, open_store
from byway.store.store import LastCommit, Recovered
from tests.store.stores import NODE_KEY, commit, open_here, subscribe, subscription
from tests.strategies.entries import make_entry

LOG_FILE = f"{STORE_FILE}-wal"
NEW_CHAIN = b"the second chain"
COMMITS = 6


def killed(folder: Path, to: Path) -> Path:
    """What is on the disk of a store of six commits when its process is killed; the log has half of them."""
    with open_here(folder) as store:
        for number in range(1, COMMITS + 1):
            commit(store, number, [make_entry(number)])
            if number == COMMITS // 2:
                store._database._connection.wal_checkpoint()
        shutil.copytree(folder, to)
    return to


def recovered(folder: Path) -> Recovered:
    with closing(open_store(folder, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0)) as store:
        return store.recover(0)


@pytest.fixture
def behind(tmp_path: Path) -> Path:
    """The folder of a store that has lost its last three commits with its log."""
    folder = killed(tmp_path / "running", tmp_path / "killed")
    (folder / LOG_FILE).unlink()
    return folder


def test_a_killed_store_has_lost_nothing(tmp_path: Path) -> None:
    found = recovered(killed(tmp_path / "running", tmp_path / "killed"))

    assert found.in_doubt is None
    assert found.next_sequence == COMMITS + 1


def test_a_deleted_log_is_noticed_at_every_start(behind: Path) -> None:
    for _ in range(3):
        assert recovered(behind).in_doubt == InDoubt((4, 6), (4, 6))


def test_a_store_behind_takes_no_statement_and_gives_what_it_has(behind: Path) -> None:
    with open_here(behind) as store:
        with pytest.raises(StoreError) as raised:
            commit(store, 4, [make_entry(9)])
        assert raised.value.code == "store-rolled-back"
        assert raised.value.temporary
        assert [sequence for sequence, _ in store.read(range(1, 9))] == [1, 2, 3]
        assert store.commit_of(3).number == 3
        subscribe(store, subscription("homes"))
        assert store.sweep(2_000 * MINUTE_MS, 100) == 3

    assert recovered(behind).in_doubt == InDoubt((4, 6), (4, 6))


def test_an_old_backup_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with open_here(folder) as store:
        commit(store, 1, [make_entry(1)])
    shutil.copy(folder / STORE_FILE, tmp_path)
    with open_here(folder) as store:
        commit(store, 2, [make_entry(2), make_entry(3)])

    shutil.copy(tmp_path / STORE_FILE, folder)

    assert recovered(folder).in_doubt == InDoubt((2, 3), (2, 2))


def test_a_store_that_is_gone_is_noticed(tmp_path: Path) -> None:
    folder = killed(tmp_path / "running", tmp_path / "killed")
    for name in (STORE_FILE, LOG_FILE):
        (folder / name).unlink()

    assert recovered(folder).in_doubt == InDoubt((1, 6), None)


def test_a_newer_backup_put_back_ends_the_doubt(behind: Path, tmp_path: Path) -> None:
    assert recovered(behind).in_doubt

    for name in (STORE_FILE, LOG_FILE):
        (behind / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "running" / STORE_FILE, behind)

    assert recovered(behind).in_doubt is None


def test_a_new_chain_names_the_last_head_and_uses_no_sequence_again(behind: Path) -> None:
    before = recovered(behind)
    assert before.last is not None

    with closing(open_store(behind, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0)) as store:
        begun = store.recover(0, begin_chain=NEW_CHAIN)
        assert begun == before._replace(
            chain=NEW_CHAIN,
            last=None,
            next_sequence=COMMITS + 1 + SKIPPED,
            previous=before.last.head_id,
            in_doubt=None,
        )
        first = begun.next_sequence
        commit(store, first, [make_entry(9)])
        assert store.find(make_entry(9).id) == first
        assert store.commit_of(first).number == 1
        assert store.commit_of(2).number == 2

    again = recovered(behind)
    assert (again.chain, again.in_doubt, again.next_sequence) == (NEW_CHAIN, None, first + 1)
    assert again.last == LastCommit(1, first, 1, b"head %d" % first, b"frontier %d" % first)


def test_a_new_chain_without_a_commit_is_still_there_after_a_restart(behind: Path) -> None:
    """And is not begun twice, also where the operator says it twice."""
    with closing(open_store(behind, node_key=NODE_KEY, random=os.urandom)) as store:
        begun = store.recover(0, begin_chain=NEW_CHAIN)

    with closing(open_store(behind, node_key=NODE_KEY, random=os.urandom)) as store:
        assert store.recover(0, begin_chain=b"not needed again") == begun
    assert recovered(behind) == begun


def test_a_third_chain_goes_on_from_the_second(behind: Path) -> None:
    with closing(open_store(behind, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0)) as store:
        first = store.recover(0, begin_chain=NEW_CHAIN).next_sequence
        commit(store, first, [make_entry(9)])
    second = recovered(behind).last

    with closing(open_store(behind, node_key=NODE_KEY, random=os.urandom)) as store:
        third = store.recover(0, begin_chain=b"the third chain.")

    assert second is not None
    assert third.previous == second.head_id
    assert third.next_sequence == first + 1 + SKIPPED


def test_a_backup_of_an_earlier_chain_is_noticed(behind: Path, tmp_path: Path) -> None:
    shutil.copy(behind / STORE_FILE, tmp_path / "backup")
    with closing(open_store(behind, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0)) as store:
        first = store.recover(0, begin_chain=NEW_CHAIN).next_sequence
        commit(store, first, [make_entry(9)])

    shutil.copy(tmp_path / "backup", behind / STORE_FILE)

    assert recovered(behind).in_doubt == InDoubt((4, first), None)


@pytest.mark.parametrize("content", [None, b"", b"something else" * 80])
def test_a_lost_high_water_file_says_nothing_and_is_made_again(content: bytes | None, tmp_path: Path) -> None:
    folder = killed(tmp_path / "running", tmp_path / "killed")
    (folder / HIGH_WATER_FILE).unlink()
    if content is not None:
        (folder / HIGH_WATER_FILE).write_bytes(content)

    with open_here(folder) as store:
        assert store.high_water is None
        commit(store, COMMITS + 1, [make_entry(9)])
    (folder / STORE_FILE).unlink()
    assert recovered(folder).in_doubt == InDoubt((1, COMMITS + 1), None)


def test_the_time_of_the_node_is_noted_once_a_second(reopen: Callable[[], SqliteStore]) -> None:
    store = reopen()
    store.recover(5_000)
    assert reopen().high_water is not None

    store = reopen()
    store.recover(6_000)
    store.sweep(7_000, 10)
    store.close()

    store = reopen()
    assert store.high_water is not None
    assert store.high_water.clock_ms == 7_000


def test_with_the_time_the_uptime_of_the_computer_is_noted(behind: Path) -> None:
    """Also while something is in doubt, and never one that belongs to another time."""
    readings = iter([Uptime(b"b" * 16, 70), Uptime(b"b" * 16, 80)])
    with closing(
        open_store(behind, node_key=NODE_KEY, random=os.urandom, uptime=lambda: next(readings), reserve_bytes=0)
    ) as store:
        assert store.recover(5_000).in_doubt
        store.sweep(6_000, 10)
        subscribe(store, subscription("homes"))

    file = HighWaterFile(behind / HIGH_WATER_FILE)
    file.close()
    assert file.found is not None
    assert (file.found.clock_ms, file.found.uptime) == (6_000, Uptime(b"b" * 16, 80))
    assert file.found.next_sequence == COMMITS + 1


def test_a_high_water_file_that_cannot_be_written_ends_all_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise OSError(5, "Input/output error")

    with open_here(tmp_path) as store:
        monkeypatch.setattr(os, "pwrite", fail)
        for _ in range(2):
            with pytest.raises(StoreError) as raised:
                commit(store, 1, [make_entry(1)])
            assert raised.value.code == "store-failed"
        monkeypatch.undo()
        with pytest.raises(StoreError):
            store.sweep(0, 10)
        assert len(store.read([1])) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", [STORE_FILE, LOG_FILE])
def test_a_file_cut_anywhere_is_noticed(name: str, tmp_path: Path) -> None:
    """At the start, or where what has been lost is read; and nothing else than what was stored is ever given."""
    entries: dict[int, bytes] = {number: make_entry(number).data for number in range(1, COMMITS + 1)}
    whole = killed(tmp_path / "running", tmp_path / "killed")
    random = Random(16)  # noqa: S311 - it has to be the same each time
    refused: list[StoreError] = []
    quiet = 0
    for number in range(100):
        folder = shutil.copytree(whole, tmp_path / str(number))
        os.truncate(folder / name, random.randrange((whole / name).stat().st_size))
        try:
            with closing(open_store(folder, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0)) as store:
                doubt = store.recover(0).in_doubt
                rows = dict(store.read(range(1, 10)))
                assert rows.items() <= entries.items()
                lost = entries.keys() - rows.keys()
                in_doubt = range(doubt.sequences[0], doubt.sequences[1] + 1) if doubt else ()
                assert lost <= {*in_doubt, *store.damaged}
                quiet += not lost
        except StoreError as error:
            refused.append(error)
    assert all(error.next_step for error in refused)
    assert quiet < 50
