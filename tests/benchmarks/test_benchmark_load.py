"""What the measurements stand on: what processes have used, statements that were signed beforehand, load processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from benchmarks import accounting, router_process
from benchmarks.accounting import CpuTime, family, memory_bytes
from benchmarks.limits import measure_limits
from benchmarks.load.prepared import TOPIC, Supply, prepare, read
from benchmarks.load.process import LoadFailed, load_processes
from benchmarks.load.stored import MIXED, FilledStore, entries
from benchmarks.measurements.sizes_text import short
from benchmarks.router_process import RouterFailed, RouterProcess, router_folder
from byway.node_address import NodeAddress
from byway.protocol.intentcast import Cast
from byway.protocol.limits import CREATED_STEP_MS
from byway.protocol.statement import parse_statement

IN_A_THREAD_THAT_ENDS = """
import threading, time
def work():
    while time.thread_time() < 0.2: pass
thread = threading.Thread(target=work); thread.start(); thread.join()
"""
IN_A_GRANDCHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "print('ready', flush=True); input()"])
child.wait()
"""


@contextmanager
def waiting(script: str) -> Generator[int]:
    """A process that has run the script, says `ready`, and then waits."""
    command = [sys.executable, "-c", script + "\nprint('ready', flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.pid
        process.kill()


def test_the_cpu_of_a_thread_that_has_ended_is_counted() -> None:
    with waiting(IN_A_THREAD_THAT_ENDS) as pid:
        assert CpuTime.of([pid]).seconds[pid] > 0.2


def test_a_process_that_waits_costs_nothing() -> None:
    with waiting("") as pid:
        before = CpuTime.of([pid])
        assert before.seconds[pid] > 0
        assert CpuTime.of([pid]).since(before) == 0
        assert memory_bytes([pid]) > 1_000_000


def test_a_family_has_the_children() -> None:
    with waiting(IN_A_GRANDCHILD) as pid:
        parent, child = family(pid)
        assert parent == pid
        assert CpuTime.of([child]).seconds[child] > 0


@pytest.mark.parametrize("after", [{1: 5.0}, {1: 5.0, 3: 0.1}, {1: 5.0, 2: 2.0, 3: 0.1}])
def test_what_a_process_that_was_replaced_has_used_is_not_guessed(after: dict[int, float]) -> None:
    before = CpuTime({1: 4.0, 2: 2.0})

    assert CpuTime({2: 2.5, 1: 5.0}).since(before) == 1.5
    with pytest.raises(ChildProcessError, match=r"were \[1, 2\]"):
        CpuTime(after).since(before)


def test_programs_that_come_and_go_are_not_counted_for_a_peer() -> None:
    assert CpuTime({1: 5.0, 3: 0.1}).since_in_both(CpuTime({1: 4.0, 2: 2.0})) == 1.0


def test_a_kernel_that_does_not_tell_children_is_not_believed_to_have_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(accounting, "PROC", tmp_path)
    (tmp_path / "7" / "task" / "7").mkdir(parents=True)

    with pytest.raises(ChildProcessError, match="PROC_CHILDREN"):
        family(7)


def test_a_router_is_counted_only_with_all_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    with waiting(IN_A_GRANDCHILD) as pid:
        router = RouterProcess(NodeAddress("node", "nowhere"), pid, start_s=0.1)
        monkeypatch.setattr(router_process, "WORKERS", 1)
        assert len(router.cpu_time().seconds) == 2
        monkeypatch.setattr(router_process, "WORKERS", 2)
        with pytest.raises(RouterFailed, match="has 1 workers, and should have 2"):
            router.cpu_time()


def test_prepared_casts_are_as_people_make_them(tmp_path: Path) -> None:
    prepare(tmp_path / "casts", 5)
    casts = read(tmp_path / "casts", 0, 5)

    for cast in casts:
        cast.verify()
        assert Cast.from_statement(cast).to == TOPIC
        assert cast.created % CREATED_STEP_MS == 0
    assert len({cast.signer for cast in casts}) == len({cast.body()["demand"]["name"] for cast in casts}) == 5
    assert {len(cast.data) for cast in casts} == {56 + 1024 + 64}
    assert read(tmp_path / "casts", 3, 2) == casts[3:]
    with pytest.raises(ValueError, match="no 2 casts from number 4"):
        read(tmp_path / "casts", 4, 2)


def test_a_supply_gives_nothing_twice(tmp_path: Path) -> None:
    supply = Supply(tmp_path, 10)

    assert [supply.take(4), supply.take(6)] == [0, 4]
    with pytest.raises(ValueError, match="only 10"):
        supply.take(1)


def test_a_store_is_filled_with_casts_that_can_be_found() -> None:
    casts = list(islice(entries(), 700))
    with router_folder() as folder:
        with FilledStore(folder) as filled:
            filled.fill(iter(casts), 700)
        with FilledStore(folder) as again:
            assert again.store.find(casts[650].id) == 651
            assert again.store.commit_of(651).first == 513
            ((_, data),) = again.store.read([651])
    assert parse_statement(data).id == casts[650].id
    assert Cast.from_statement(parse_statement(data)).to == casts[650].address


def test_a_store_is_filled_with_commits_of_given_sizes() -> None:
    with router_folder() as folder, FilledStore(folder) as filled:
        filled.fill(entries(), 12, (1, 4))
        firsts = [filled.store.commit_of(seq).first for seq in range(1, 13)]

    assert firsts == [1, 2, 2, 2, 2, 6, 7, 7, 7, 7, 11, 12]


def test_more_than_half_of_the_commits_that_a_start_reads_have_a_single_cast() -> None:
    assert MIXED.count(1) > len(MIXED) / 2


def test_limits_are_measured() -> None:
    limits = measure_limits()

    assert 0 < limits.copy_s < limits.verification_s < 1
    assert limits.flush_s > 0


def test_a_load_process_that_fails_is_an_error() -> None:
    with pytest.raises(LoadFailed, match="did not get ready"), load_processes("benchmarks.load.none", ()):
        pass


@pytest.mark.parametrize(("number", "text"), [(64, "64"), (1000, "1k"), (1500, "1500"), (5_000_000, "5m")])
def test_sizes_are_short_in_names(number: int, text: str) -> None:
    assert short(number) == text
