"""What the operating system says that processes have used: CPU time to the nanosecond, and memory."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_PAGE_FIELDS: Final = ("VmRSS:",)
_SCHEDULED: Final = 2  # CPUCLOCK_SCHED of the kernel: time on a CPU, user and system, of all threads that ever were


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds so far of these processes, without their children: see `family`.

    Read from the CPU clock of each process (clock_getcpuclockid(3)), which counts nanoseconds and remembers the
    threads that have ended; `/proc/<pid>/stat` counts hundredths of a second.  Raises `OSError` for a process that is
    gone.
    """
    return sum(time.clock_gettime_ns(~pid << 3 | _SCHEDULED) for pid in pids) / 1e9


def family(pid: int) -> list[int]:
    """The process, and all that it and its children have started and that still run."""
    found = [pid]
    for member in found:  # which grows while we walk along it
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            found += map(int, _read(children).split())
    return found


def memory_bytes(pids: Iterable[int]) -> int:
    """Resident memory of these processes together."""
    return sum(_resident_bytes(pid) for pid in pids)


def _resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, *amount = line.split()
        if name in _PAGE_FIELDS:
            return int(amount[0]) * 1024
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:  # the thread has ended meanwhile
        return ""
