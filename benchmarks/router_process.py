"""A real router as a process, in a folder of its own, and what the operating system says it has cost."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nacl.signing import SigningKey

from benchmarks.accounting import CpuTime, family, memory_bytes
from byway.key_file import create_key
from byway.node_address import NodeAddress
from byway.settings import RouterSettings, write_settings

STOP_WITHIN_S: Final = 20
WORKERS: Final = os.cpu_count() or 1  # of a router with default settings

# All the load comes from one address and over few links, and would share what a router gives to one address prefix
# and to one key.
SETTINGS: Final[dict[str, Any]] = {
    "listen": ["127.0.0.1:0"],
    "max_handshakes_per_prefix": 64,
    "handshakes_per_s_per_prefix": 10_000.0,
    "max_links_per_prefix": 10_000,
    "statements_per_s_per_link": 1e6,
    "statements_per_s_per_prefix": 1e6,
}


class RouterFailed(Exception):
    """The router did not get ready, or has lost a worker: the reason stands in what it wrote to standard error."""


@dataclass(frozen=True, slots=True)
class RouterFolder:
    """Settings, key and store of a router that need not run."""

    folder: Path
    key: SigningKey

    @property
    def settings(self) -> Path:
        return self.folder / "byway.toml"


@dataclass(frozen=True, slots=True)
class RouterProcess:
    """Where the router is, which process it is, and how long it took from its start until it was ready."""

    at: NodeAddress
    pid: int
    start_s: float

    def cpu_time(self) -> CpuTime:
        """CPU seconds so far, user and system, of the router and its workers.

        Raises `RouterFailed` unless all workers are there, and `OSError` if the router is not.
        """
        found = CpuTime.of(family(self.pid))
        if len(found.seconds) != 1 + WORKERS:
            raise RouterFailed(f"the router has {len(found.seconds) - 1} workers, and should have {WORKERS}")
        return found

    def memory_bytes(self) -> int:
        """Resident memory of the router's own process.  That of its workers does not grow."""
        return memory_bytes([self.pid])


@contextmanager
def router_folder() -> Generator[RouterFolder]:
    """A folder for a router, with an empty store; it is thrown away."""
    with tempfile.TemporaryDirectory(prefix="byway-bench-") as name:
        folder = Path(name)
        given = SETTINGS | {"data": str(folder)}
        settings = write_settings(folder / "byway.toml", RouterSettings, given)
        yield RouterFolder(folder, SigningKey(create_key(settings.data / "key", os.urandom)))


@contextmanager
def running_router(in_: RouterFolder | None = None) -> Generator[RouterProcess]:
    """A router in its folder, by default a new one.  Raises `RouterFailed`.

    Default settings, but for the shares of one address prefix and of one key.
    """
    if in_ is None:
        with router_folder() as folder, running_router(folder) as router:
            yield router
        return
    started = time.perf_counter()
    command = [sys.executable, "-m", "byway", "run", str(in_.settings)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        at = _where(process)
        yield RouterProcess(at, process.pid, time.perf_counter() - started)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _where(process: subprocess.Popen[str]) -> NodeAddress:
    facts: dict[str, str] = {}
    for line in process.stdout or ():
        name, _, value = line.strip().partition(" ")
        facts[name] = value.strip()
        if name == "ready":
            return NodeAddress(facts["node"], facts["listening"])
    raise RouterFailed("the router did not start")
