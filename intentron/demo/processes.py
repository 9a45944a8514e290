"""The processes of the demonstration: started, killed, started again, and all gone at the end."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Final

import trio

from byway.errors import SetupError

READY_WITHIN_S: Final = 120.0  # a crowded machine is slow, and no reason to give up
STOP_WITHIN_S: Final = 15.0


def free_address() -> str:
    """An address on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


async def run_to_end(*words: str) -> dict[str, str]:
    """Run one of our commands and return its facts, the first word of each line being the name of one.

    Raises `SetupError` with what it said, if it fails.
    """
    done = await trio.run_process([sys.executable, "-m", *words], capture_stdout=True, capture_stderr=True, check=False)
    if done.returncode:
        raise SetupError(f"{' '.join(words[:3])} failed: {done.stderr.decode(errors='replace').strip()}")
    return _facts(done.stdout.decode().splitlines())


class Daemon:
    """One of our daemons as an operating system process."""

    def __init__(self, words: Sequence[str], log: Path, everybody: list[Daemon]) -> None:
        self._words = words
        self._log = log
        self._everybody = everybody
        self._process: trio.Process | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    async def start(self) -> dict[str, str]:
        """Start it and wait until it says `ready`; returns the facts that it has printed.

        It is in `everybody` from then on, so that whatever happens it can be stopped.
        """
        if self not in self._everybody:
            self._everybody.append(self)
        with self._log.open("ab") as log:
            self._process = await trio.lowlevel.open_process(
                [sys.executable, "-m", *self._words], stdout=subprocess.PIPE, stderr=log
            )
        lines: list[str] = []
        with trio.move_on_after(READY_WITHIN_S):
            async with contextlib.aclosing(_lines(self._process)) as printed:
                async for line in printed:
                    lines.append(line)
                    if line == "ready":
                        return _facts(lines)
        await self.kill()
        said = self._log.read_text(errors="replace").strip() or "nothing"
        sentence = f"{' '.join(self._words)} was not ready within {READY_WITHIN_S:g} s; it said: {said}"
        raise SetupError(sentence, code="unreachable", next_step="make demo, when the machine is less busy")

    async def kill(self) -> None:
        """SIGKILL: no warning, no last write."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if that does not end it in time."""
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with trio.CancelScope(shield=True):
            process.send_signal(how)
            with trio.move_on_after(STOP_WITHIN_S):
                await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()
            if process.stdout:
                await process.stdout.aclose()


async def _lines(process: trio.Process) -> AsyncGenerator[str]:
    rest = b""
    while process.stdout and (data := await process.stdout.receive_some()):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace").strip()


def _facts(lines: Sequence[str]) -> dict[str, str]:
    return {name: value.strip() for name, _, value in (line.partition(" ") for line in lines)}
