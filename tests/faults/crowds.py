"""Crowds of clients, in processes of their own, and what the system says of the node that has to bear them."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trio

from tests.crash.router_process import ROOT, RouterProcess
from tests.faults.crowd import NICED
from tests.faults.stage import NotPossible

PROCESSES: Final = 2
APART: Final = 100  # address prefixes between those of one process and those of the next
LEAVE_WITHIN_S: Final = 15.0
ATTACKERS_NICED: Final = "attacking processes niced"
LATENCY_MOST: Final = 5  # times as long as undisturbed, at the 99th of a hundred
CONNECT_MOST_S: Final = 2.0


def allow_open_files(number: int) -> None:
    """Let us and what we start have so many descriptors.  Raises `NotPossible`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < number:
        raise NotPossible(f"a process may have {hard} descriptors and needs {number}: ulimit -n {number}, as root")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@dataclass(slots=True)
class Gathered:
    """Those who are `there`, how many subscriptions they have `held` then, and how many of their processes are `niced`.

    Once they are gone: what they `told` of what came of it, how often in a second it came since all were there, and how
    long a process of theirs `lasted_s`, from before the first of them to after the last.
    """

    there: int = 0
    held: int = 0
    niced: int = 0
    told: Counter[str] = field(default_factory=Counter)
    per_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    lasted_s: float = 0.0


@asynccontextmanager
async def crowd(router: RouterProcess, kind: str, count: int, *, first: int = 10) -> AsyncGenerator[Gathered]:
    """Two processes of `count` each, from the address prefixes 127.0.`first` and on."""
    processes: list[trio.Process] = []
    gathered = Gathered(niced=PROCESSES if kind in NICED else 0)
    try:
        for number in range(PROCESSES):
            given = [kind, router.at.address, router.at.node, str(count), str(first + APART * number)]
            processes.append(
                await trio.lowlevel.open_process(
                    [sys.executable, "-m", "tests.faults.crowd", *given],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    cwd=ROOT,
                )
            )
        for process in processes:
            assert process.stdout is not None
            _, there, held = (await process.stdout.receive_some()).split() or (b"", 0, 0)
            gathered.there += int(there)
            gathered.held += int(held)
        yield gathered
    finally:
        with trio.CancelScope(shield=True):
            for process in processes:
                await _leave(process, gathered)


async def _leave(process: trio.Process, gathered: Gathered) -> None:
    """Let a crowd say what came of it, if it does so in time."""
    assert process.stdin is not None
    assert process.stdout is not None
    text = b""
    with trio.move_on_after(LEAVE_WITHIN_S):
        await process.stdin.aclose()
        while piece := await process.stdout.receive_some():
            text += piece
    process.kill()
    await process.wait()
    if text:
        said = json.loads(text)
        gathered.told.update(said["told"])
        gathered.lasted_s = max(gathered.lasted_s, said["lasted_s"])
        for what, number in said["per_s"].items():
            gathered.per_s[what] += number


def slow_end(took: Sequence[float]) -> float:
    """The 99th of a hundred of these times; 0 if there are none."""
    return sorted(took)[(len(took) * 99 - 1) // 100] if took else 0.0


def resident_kb(pid: int) -> int:
    """The memory of the process, as the system counts it."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return next(int(line[1]) for line in lines if line[0] == "VmRSS:")
