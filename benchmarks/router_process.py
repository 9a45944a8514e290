"""A real router in a process of its own, and what the operating system says it has cost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from byway.node_address import NodeAddress

STOP_WITHIN_S: Final = 20
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class RouterProcess:
    """Where the router is, and which process it is."""

    at: NodeAddress
    pid: int

    def cpu_s(self) -> float:
        """CPU seconds so far, user and system, of the router and its workers."""
        return sum(_cpu_ticks(pid) for pid in [self.pid, *_children(self.pid)]) / TICKS_PER_S


@contextmanager
def running_router() -> Iterator[RouterProcess]:
    """A router with default settings on a free port, its store in a temporary folder."""
    byway = [sys.executable, "-m", "byway"]
    with tempfile.TemporaryDirectory(prefix="byway-bench-") as folder:
        settings = Path(folder) / "byway.toml"
        made = [*byway, "init", str(settings), "--listen", "127.0.0.1:0", "--data", folder]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        process = subprocess.Popen([*byway, "run", str(settings)], stdout=subprocess.PIPE, text=True)
        try:
            yield RouterProcess(_where(process), process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=STOP_WITHIN_S)


def _where(process: subprocess.Popen[str]) -> NodeAddress:
    facts: dict[str, str] = {}
    for line in process.stdout or ():
        name, _, value = line.strip().partition(" ")
        facts[name] = value.strip()
        if name == "ready":
            return NodeAddress(facts["node"], facts["listening"])
    raise SystemExit("the router did not start")


def _children(pid: int) -> list[int]:
    """The processes that any thread of `pid` has started."""
    listed = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for children in listed for child in children.split()]


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])  # utime and stime, proc(5)
