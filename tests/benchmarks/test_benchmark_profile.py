"""What a profile says of a router, from what py-spy saw."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter

from benchmarks.accounting import thread_cpu_s
from benchmarks.profile import WORK, account_table, count_parts, table

LOOP = "run (trio/_core/_run.py:2431)"
ADMIT = "RouterPolicy.admit (byway/router/policy.py:85)"
UNPACK = "unpackb (msgpack/__init__.py:45)"


def test_a_look_counts_for_the_innermost_part_that_is_known() -> None:
    assert count_parts([f"{LOOP};{ADMIT};{UNPACK} 3", f"{LOOP};{ADMIT};strange (nowhere.py:1) 2", f"{LOOP} 1"]) == {
        "reading and checking casts": 5,
        "the event loop": 1,
    }


def test_who_waits_is_not_at_work() -> None:
    assert not count_parts(
        [
            f"{LOOP};EpollIOManager.get_events (trio/_core/_io_epoll.py:212) 9",
            "main (byway/router/verifier_worker.py:24);SocketIO.readinto (socket.py:706) 9",
        ]
    )


def test_a_read_of_the_socket_below_tls_is_work_of_tls() -> None:
    found = count_parts(
        [f"{LOOP};Link.receive (byway/link/link.py:90);TlsStream._fill (byway/link/tls_stream.py:106) 4"]
    )
    assert found == {"TLS, and its reads and writes": 4}


def test_what_nobody_knows_is_counted_too() -> None:
    assert count_parts(["main (elsewhere.py:1) 4"]) == {"else": 4}


def test_the_table_has_a_column_for_each_work_and_a_row_for_each_part() -> None:
    lines = list(table({name: Counter({"TLS": 3, "else": 1}) for name in WORK}))
    assert lines[0].count("|") == len(WORK) + 2
    assert {line.split("|")[1].strip() for line in lines[2:]} == {"TLS", "else"}
    assert lines[2].count("75 %") == len(WORK)


def test_an_account_has_a_row_for_each_who_used_something() -> None:
    lines = list(account_table({name: {"the event loop": 80.0, "the workers": 96.4} for name in WORK}))
    assert lines[0].count("|") == len(WORK) + 2
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["the event loop", "the workers"]
    assert lines[2].count("80") == len(WORK)


def test_what_another_thread_uses_is_not_of_the_main_one() -> None:
    def work() -> None:
        until = time.thread_time() + 0.1
        while time.thread_time() < until:
            pass

    before = thread_cpu_s(os.getpid())
    other = threading.Thread(target=work)
    other.start()
    other.join()
    beside = thread_cpu_s(os.getpid()) - before
    work()
    assert beside < 0.05 < thread_cpu_s(os.getpid()) - before
