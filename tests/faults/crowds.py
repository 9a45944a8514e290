"""Crowds at a router's door, beside one honest client that is measured against itself, undisturbed, in the same run."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import trio
from nacl.signing import SigningKey

from byway.clock import now_ms
from byway.errors import LinkError, Refused, RemoteProtocolError
from byway.link.client import Client, connect
from byway.link.dialer import open_link
from byway.protocol.limits import HOUR_MS
from tests.crash.parties import make_cast
from tests.crash.router_process import ROOT, RouterProcess
from tests.faults.peers import open_files
from tests.faults.stage import NotPossible, Stage

PROCESSES: Final = 2
APART: Final = 100  # address prefixes between those of one process and those of the next
LEAVE_WITHIN_S: Final = 15.0
MANY: Final[dict[str, Any]] = {
    "handshakes_per_s_per_prefix": 2000.0,
    "max_handshakes_per_prefix": 64,
    "max_links": 20_000,
}
SPARE_FILES: Final = 500
STAY: Final = 0.99  # a busy machine answers a ping too late now and then; who is cut off comes again
LINK_KB: Final = 128  # of the router's memory, for each idle one
MEASURED_S: Final = 7.0
EVERY_S: Final = 0.02
LATENCY_MOST: Final = 5  # times as long as undisturbed, at the 99th of a hundred
QUICK_S: Final = 0.02  # where undisturbed it is next to nothing, five times that says little
GOODPUT_LEAST: Final = 0.5  # of what got through undisturbed
CONNECT_MOST_S: Final = 2.0


async def many_idle_links(stage: Stage) -> None:
    """`stage.times` links that say nothing; what each costs beyond the first half, and whether others are served."""
    half = stage.times // 2
    allow_open_files(stage.times + SPARE_FILES)
    async with RouterProcess(stage.folder, **MANY) as router:
        await router.start()
        async with crowd(router, "idle", half // PROCESSES) as there:
            memory = resident_kb(router.pid)
            async with crowd(router, "idle", half // PROCESSES, first=50) as more:
                each = (resident_kb(router.pid) - memory) / half
                got_in = there.there + more.there
                stage.expect(got_in >= stage.times, f"only {got_in} of {stage.times} links got in")
                links = open_files(router.pid)
                stage.expect(links >= STAY * stage.times, f"only {links} of {stage.times} links are still there")
                stage.outcome.counts |= {"idle links": got_in, "kB for an idle link": round(each)}
                async with stage.market(router, stop=False) as market:
                    market.measured("kB of memory for an idle link", round(each, 1), LINK_KB)
                    with market.fault("idle links"):
                        stage.expect(await market.load(20, 10.0) >= 20, "nobody else was served beside them")


def allow_open_files(number: int) -> None:
    """Let us and what we start have so many descriptors.  Raises `NotPossible`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < number:
        raise NotPossible(f"a process may have {hard} descriptors and needs {number}: ulimit -n {number}, as root")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def bad_signatures(stage: Stage) -> None:
    """A flood of statements that nobody has signed."""
    await _beside(stage, "bad-signatures", 8)


async def fresh_keys(stage: Stage) -> None:
    """A flood of well-signed casts, each of a key of its own."""
    await _beside(stage, "fresh-keys", 4)


async def _beside(stage: Stage, kind: str, count: int) -> None:
    """Undisturbed, then beside the crowd.  What it hands in is its own: there is no market to see it."""
    settings: dict[str, Any] = {"statements_per_s_per_prefix": 200.0} if kind == "fresh-keys" else {}
    async with RouterProcess(stage.place("router"), **settings) as router:
        await router.start()
        async with stage.measuring(router, all_seen=False) as witness:
            for number in range(stage.times):
                quiet, calm, _ = await _measure(stage, router)
                async with crowd(router, kind, count):
                    busy, done, connected = await _measure(stage, router)
                stage.outcome.faults += 1
                missing = round(1 - done / calm, 2)
                for what, value, most in (
                    (
                        "latency at the 99th of a hundred, times undisturbed",
                        round(busy / max(quiet, QUICK_S), 2),
                        LATENCY_MOST,
                    ),
                    ("goodput that is missing", missing, 1 - GOODPUT_LEAST),
                    ("seconds to connect", round(connected, 2), CONNECT_MOST_S),
                ):
                    witness.note("measured", what=f"{what}, beside {kind} {number}", value=value, most=most)
                stage.count("percent of the undisturbed goodput", round(100 * done / calm))


async def _measure(stage: Stage, router: RouterProcess) -> tuple[float, int, float]:
    """Latency of an honest client's casts at the 99th of a hundred, how many got through, and the time to connect."""
    took, done, slowest = list[float](), 0, 0.0
    ends = trio.current_time() + MEASURED_S
    while trio.current_time() < ends:
        began = trio.current_time()
        try:
            async with _client(stage, router) as client:
                slowest = max(slowest, trio.current_time() - began)
                while trio.current_time() < ends:
                    asked = trio.current_time()
                    cast = make_cast(stage.chance, router.at.node, lifetime_ms=HOUR_MS).statement
                    (answer,) = await client.submit([cast])
                    took.append(trio.current_time() - asked)
                    done += not isinstance(answer, Refused)
                    await trio.sleep(EVERY_S)
        except (LinkError, RemoteProtocolError):
            took.append(trio.current_time() - began)
    return slow_end(took) or MEASURED_S, done, slowest or MEASURED_S


@asynccontextmanager
async def _client(stage: Stage, router: RouterProcess) -> AsyncGenerator[Client]:
    at, key = router.at, SigningKey(stage.chance.randbytes(32))
    async with (
        open_link(at.address, node=at.node, key=key, now_ms=now_ms, random=os.urandom) as link,
        connect(link) as client,
    ):
        yield client


@dataclass(slots=True)
class Gathered:
    """Those who are `there`; what they `told` of what came of it, once they are gone."""

    there: int = 0
    told: Counter[str] = field(default_factory=Counter)


@asynccontextmanager
async def crowd(router: RouterProcess, kind: str, count: int, *, first: int = 10) -> AsyncGenerator[Gathered]:
    """Two processes of `count` each, from the address prefixes 127.0.`first` and on."""
    processes: list[trio.Process] = []
    gathered = Gathered()
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
            line = await process.stdout.receive_some()
            gathered.there += int(line.split()[1]) if line else 0
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
        gathered.told.update(json.loads(text))


def slow_end(took: Sequence[float]) -> float:
    """The 99th of a hundred of these times; 0 if there are none."""
    return sorted(took)[(len(took) * 99 - 1) // 100] if took else 0.0


def resident_kb(pid: int) -> int:
    """The memory of the process, as the system counts it."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return next(int(line[1]) for line in lines if line[0] == "VmRSS:")
