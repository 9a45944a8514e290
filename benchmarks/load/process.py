"""Starting load processes, and what they say.

A load process is `python -m MODULE ARGUMENT...`.  It gets ready (reads its statements, connects), prints the line
`ready`, waits for a line on its standard input, works, and prints one line of JSON: its results.  It holds its links
until its standard input ends.
Instants in results are those of `time.monotonic()`, which all processes of a machine share.
"""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, Any, Final

from benchmarks.accounting import CpuTime, family

END_WITHIN_S: Final = 5.0
RESULTS_WITHIN_S: Final = 300.0

Results = dict[str, Any]


class LoadFailed(Exception):
    """A load process has ended before it said what it should: the reason stands in what it wrote to standard error."""


class LoadProcess:
    """One load process; made by `load_processes`."""

    def __init__(self, module: str, arguments: Sequence[object]) -> None:
        self.module = module
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        """Raises `LoadFailed`."""
        if self._line() != "ready\n":
            raise LoadFailed(f"{self.module} did not get ready")

    def go(self) -> None:
        """Have it begin."""
        stdin = _pipe(self.process.stdin)
        stdin.write("go\n")
        stdin.flush()

    def results(self) -> Results:
        """Wait for its results.  Raises `LoadFailed`."""
        line = self._line()
        if not line:
            raise LoadFailed(f"{self.module} gave no results")
        results: Results = json.loads(line)
        return results

    def end(self) -> None:
        """End it, if it still runs."""
        try:
            _pipe(self.process.stdin).close()
            self.process.wait(END_WITHIN_S)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        _pipe(self.process.stdout).close()

    def _line(self) -> str:
        return _pipe(self.process.stdout).readline()


@contextmanager
def load_processes(module: str, *arguments: Sequence[object]) -> Generator[list[LoadProcess]]:
    """One process of `module` for each list of arguments, all of them ready.  Raises `LoadFailed`."""
    with ExitStack() as stack:
        started = []
        for each in arguments:
            started.append(LoadProcess(module, each))
            stack.callback(started[-1].end)
        for process in started:
            process.wait_until_ready()
        yield started


def run_all(processes: Sequence[LoadProcess]) -> list[Results]:
    """Have all begin at once, and wait for all their results.

    Raises `LoadFailed` as soon as one fails, whatever the others wait for, and when nobody has said a word for long.
    """
    results: dict[LoadProcess, Results] = {}
    with selectors.DefaultSelector() as waiting:
        for process in processes:
            waiting.register(_pipe(process.process.stdout), selectors.EVENT_READ, process)
            process.go()
        while len(results) < len(processes):
            heard = waiting.select(RESULTS_WITHIN_S)
            if not heard:
                raise LoadFailed(f"there were no results within {RESULTS_WITHIN_S:.0f} seconds")
            for key, _ in heard:
                results[key.data] = key.data.results()
                waiting.unregister(key.fileobj)
    return [results[process] for process in processes]


def load_time(processes: Sequence[LoadProcess]) -> CpuTime:
    """CPU seconds that the processes have used so far.  Raises `OSError` if one is gone."""
    return CpuTime.of(pid for each in processes for pid in family(each.process.pid))


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise AssertionError("the process was started with pipes")
    return pipe
