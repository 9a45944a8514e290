"""What the operating system says that processes have used: CPU time to the nanosecond, and memory."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

PROC: Final = Path("/proc")

_PAGE_FIELDS: Final = ("VmRSS:",)
_SCHEDULED: Final = 2  # CPUCLOCK_SCHED of the kernel: time on a CPU, user and system, of all threads that ever were


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU seconds so far of each of some processes, by pid."""

    seconds: Mapping[int, float]

    @classmethod
    def of(cls, pids: Iterable[int]) -> Self:
        """Of these processes, without their children: see `family`.

        Read from the CPU clock of each process (clock_getcpuclockid(3)), which counts nanoseconds and remembers the
        threads that have ended; `/proc/<pid>/stat` counts hundredths of a second.  Raises `OSError` for a process that
        is gone.
        """
        return cls({pid: time.clock_gettime_ns(~pid << 3 | _SCHEDULED) / 1e9 for pid in pids})

    def since(self, before: CpuTime) -> float:
        """CPU seconds in between, of all of them together.

        Raises `ChildProcessError` if they are not the same processes: what one that has ended used is not known.
        """
        if self.seconds.keys() != before.seconds.keys():
            was, now = sorted(before.seconds), sorted(self.seconds)
            raise ChildProcessError(f"the processes that are measured were {was} and are {now}: what they used is lost")
        return sum(seconds - before.seconds[pid] for pid, seconds in self.seconds.items())

    def since_in_both(self, before: CpuTime) -> float:
        """CPU seconds in between, of the processes that are in both: what has come or gone is not counted."""
        both = self.seconds.keys() & before.seconds.keys()
        return sum(self.seconds[pid] - before.seconds[pid] for pid in both)


def family(pid: int) -> list[int]:
    """The process, and all that it and its children have started and that still run.

    Raises `ChildProcessError` if the process is gone, or if the kernel does not tell what a process has started.
    """
    if not (PROC / f"{pid}/task/{pid}/children").exists():
        raise ChildProcessError(f"process {pid} has ended, or this kernel does not know its children (PROC_CHILDREN)")
    found = [pid]
    for member in found:  # which grows while we walk along it
        for children in (PROC / f"{member}/task").glob("*/children"):
            found += map(int, _read(children).split())
    return found


def thread_cpu_s(pid: int) -> float:
    """CPU seconds so far of the main thread of a process.  Raises `OSError` if the process is gone."""
    nanoseconds, *_ = (PROC / f"{pid}/task/{pid}/schedstat").read_text().split()
    return int(nanoseconds) / 1e9


def memory_bytes(pids: Iterable[int]) -> int:
    """Resident memory of these processes together."""
    return sum(_resident_bytes(pid) for pid in pids)


def _resident_bytes(pid: int) -> int:
    for line in (PROC / f"{pid}/status").read_text().splitlines():
        name, *amount = line.split()
        if name in _PAGE_FIELDS:
            return int(amount[0]) * 1024
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:  # the thread has ended meanwhile
        return ""
