"""What a peer is to the benchmarks: a server that can be started, and what it promises."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from benchmarks.accounting import CpuTime, family

START_WITHIN_S: Final = 60.0
STOP_WITHIN_S: Final = 20.0
LOOK_EVERY_S: Final = 0.1
LOOKS: Final = 5
LOOPBACK: Final = "127.0.0.1"
PYTHON_PACKAGES: Final = "python3 setup/environment.py bench"  # the command that installs them
LAST_BYTES: Final = 2000  # of what a server wrote before it failed


class PeerFailed(Exception):
    """The server of a peer did not start: what it wrote stands behind it."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    address: str
    pid: int

    def cpu_time(self) -> CpuTime:
        """CPU seconds so far of all its processes.  Raises `OSError` if it has ended.

        It may start others now and then that do not run for long, as RabbitMQ does to look at the disk.
        """
        for _ in range(LOOKS):
            with suppress(OSError):  # one of its children may end between the two calls
                return CpuTime.of(family(self.pid))
        raise ChildProcessError(f"the server at {self.address} has ended, or its processes are others at each look")


@dataclass(frozen=True, slots=True)
class Peer:
    """One server to compare with."""

    name: str
    checks: bool
    """Whether the server verifies signatures; where it does not, the consumer has to."""
    program: str
    install: str
    """The command that installs the program."""
    library: str
    """What its client is imported as."""
    running: Callable[[], AbstractContextManager[Server]]
    versions: Callable[[], dict[str, str]]
    """Of the server and of its client, by name."""
    slower: int = 1
    """It gets this many times fewer casts, so that its rounds take no longer."""

    def some(self, count: int) -> int:
        """What it gets of `count` casts."""
        return max(1, count // self.slower)

    def missing(self) -> str | None:
        """What to say if it is not on this machine, with the command that installs what is missing."""
        if not _found(self.program):
            return f"{self.name}, because {self.program} is not here: {self.install}"
        if not find_spec(self.library):
            return f"{self.name}, because its client is not here: {PYTHON_PACKAGES}"
        return None


def _found(program: str) -> str | None:
    """Where it is: beside this Python, on the path, or where servers are that are for administrators."""
    folders = (str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin")
    return shutil.which(program, path=os.pathsep.join(folders))


def command(program: str, *arguments: str | Path) -> list[str]:
    """The command that runs a program with these arguments.  Raises `PeerFailed` if the program is not there."""
    if (path := _found(program)) is None:
        raise PeerFailed(f"{program} is not here")
    return [path, *map(str, arguments)]


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def server_folder() -> Generator[Path]:
    """A folder of its own for the data of a server; it is thrown away."""
    with tempfile.TemporaryDirectory(prefix="byway-bench-peer-") as name:
        yield Path(name)


@contextmanager
def started(
    command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str] | None = None
) -> Generator[Server]:
    """Start a server in the foreground, wait until it listens, and end it.  Raises `PeerFailed`."""
    said = folder / "said.txt"
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_listening(process, port, said)
        yield Server(f"{LOOPBACK}:{port}", process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, said: Path) -> None:
    until = time.monotonic() + START_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            time.sleep(LOOK_EVERY_S)
        else:
            return
    raise PeerFailed(f"{process.args!r} does not listen: {said.read_text(errors='replace')[-LAST_BYTES:]}")


def packages(*names: str) -> dict[str, str]:
    """The versions of Python packages."""
    return {name: version(name) for name in names}


def output_of(command: Sequence[str]) -> str:
    """What a command that tells its version writes."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.strip()
