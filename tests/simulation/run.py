"""One seed: the world lives, things go wrong, it heals, and the checker judges what the witnesses saw."""

from __future__ import annotations

import gc
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from byway.store import directory
from tests.checker.evidence import EvidenceError
from tests.checker.verdict import judge
from tests.simulation.coverage import Pair
from tests.simulation.nemesis import Nemesis
from tests.simulation.parts import Parts
from tests.simulation.plan import plan
from tests.simulation.quiet import measure, overheard
from tests.simulation.world import Line, World, as_text

LONGEST_S: Final = 600.0  # on the virtual clock: a world that takes longer does not end
LAST_ACKS_S: Final = 1.5  # a subscriber signs for them once a second
SWITCH: Final = "_ALLOW_DETERMINISTIC_SCHEDULING"  # of trio, which has no public one
SLOT: Final = "MINUTE_MS"  # of the calendar of a store
SLOT_MS: Final = 100
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
MISTAKES: Final = frozenset(["link_failed", "statement_failed"])  # of our own, in a log


@dataclass(slots=True)
class Outcome:
    """What came of one seed."""

    seed: int
    findings: list[str] = field(default_factory=list)
    trace: list[Line] = field(default_factory=list)
    met: Counter[Pair] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    virtual_s: float = 0.0
    faults: int = 0

    def story(self) -> str:
        """Everything that happened, in order; the same seed gives the same bytes."""
        return "".join(f"{as_text(line)}\n" for line in self.trace)

    def told(self) -> str:
        """What was broken, and how to see it again."""
        again = f"again: python -m tests.simulation --first {self.seed} --seeds 1 --trace"
        return "\n".join([f"seed {self.seed}", *self.findings[:10], again])


def simulate(seed: int, parts: Parts | None = None) -> Outcome:
    """Run one seed.  Whatever goes wrong in it is a finding, and not raised."""
    with _without_collector():
        return _simulate(seed, parts or Parts())


def _simulate(seed: int, parts: Parts) -> Outcome:
    outcome = Outcome(seed)
    folder = Path(tempfile.mkdtemp(prefix="byway-simulation-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        with capture_logs() as logs, deterministic_scheduling(seed), _swept_soon():
            trio.run(_main, outcome, folder, parts, clock=MockClock(autojump_threshold=0))
        outcome.findings += [f"log: {line}" for line in logs if line["event"] in MISTAKES]
        heard = overheard(outcome.trace, logs, folder)
        outcome.trace += [("log", line["event"], line.get("code", "")) for line in logs]
        stores = sorted(folder.glob("*/store.db"))
        with _temporary_files_in(folder):
            tallies = judge(folder / "evidence", stores=stores, scanned=[heard, *(store.parent for store in stores)])
        for tally in tallies.values():
            outcome.checked[tally.code] += tally.checked
            outcome.findings += [
                f"{finding.code} {finding.sentence} ({', '.join(finding.evidence)})" for finding in tally.findings
            ]
    except EvidenceError as error:
        outcome.findings.append(f"the evidence cannot be read: {error}")
    except Exception:  # noqa: BLE001 - whatever ends a world is a finding
        outcome.findings.append(traceback.format_exc())
    finally:
        shutil.rmtree(folder)
    return outcome


async def _main(outcome: Outcome, folder: Path, parts: Parts) -> None:
    faults = plan(outcome.seed)
    world = World(str(outcome.seed), folder, parts, skew_ms=faults.skew_ms)
    outcome.trace = world.trace
    outcome.faults = len(faults.faults)
    with trio.fail_after(LONGEST_S):
        async with trio.open_nursery() as nursery:
            with world.witness("nemesis") as witness:
                nemesis = Nemesis(world, faults, witness, outcome.met)
                async with trio.open_nursery() as busy:
                    busy.start_soon(world.live, nursery)
                    busy.start_soon(nemesis.run)
                witness.note("heal")
                await world.drain()
                world.over.set()
                await trio.sleep(LAST_ACKS_S)
                measure(world, witness)
                witness.note("end-of-drain")
            for machine in world.machines:
                await machine.kill()
            nursery.cancel_scope.cancel()
    for machine in world.machines:
        machine.leave_store()
    outcome.virtual_s = trio.current_time()


@contextmanager
def deterministic_scheduling(seed: int) -> Generator[None]:
    """Have trio run what is ready at one time in an order that depends on the seed alone (python-trio issue 3089)."""
    scheduler: dict[str, Any] = vars(trio._core._run)
    before, state = scheduler[SWITCH], scheduler["_r"].getstate()
    scheduler[SWITCH] = True
    scheduler["_r"].seed(seed)
    try:
        yield
    finally:
        scheduler[SWITCH] = before
        scheduler["_r"].setstate(state)


@contextmanager
def _without_collector() -> Generator[None]:
    """A world is small and short, and takes a tenth more time with the collector."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _swept_soon() -> Generator[None]:
    """A store deletes what has expired by the full minute, and no world lives that long."""
    calendar: dict[str, Any] = vars(directory)
    before, calendar[SLOT] = calendar[SLOT], SLOT_MS
    try:
        yield
    finally:
        calendar[SLOT] = before


@contextmanager
def _temporary_files_in(folder: Path) -> Generator[None]:
    """The checker copies stores: into memory too."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
