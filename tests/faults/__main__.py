"""Runs everything that can go wrong: `python -m tests.faults [--kills N] [--cuts N] [--seeds N] [--planted] [CASE...]`.

Two things run beside each other, but for those that compare times or memory.  Each has a time to be done in.  It ends
with 0 if every promise was kept and no case was left out, and leaves what it found in tests/results/faults.json.  The
`--seed` it prints repeats the chance in all cases and with all planted bugs, and where the simulation and the power
cuts begin.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

import trio

from tests.crash.router_process import ROOT
from tests.faults.cases import CASES, Case
from tests.faults.child import told
from tests.faults.figures import PAGE, write_page
from tests.faults.one_planted_world import is_broken_by
from tests.faults.planted import CONTROLS, RUNS, is_right
from tests.faults.report import FULL, RESULTS, Run, first_seed, write_results
from tests.faults.stage import Outcome
from tests.simulation.planted import PLANTED

BESIDE: Final = 2
PLANTED_BESIDE: Final = 3  # these mostly wait
JOBS: Final = 1  # processes of the simulation: the other core has the cases
SEED_WITHIN_S: Final = 3.0  # of the simulation, beside something else
CUT_WITHIN_S: Final = 1.0
PLANTED_WITHIN_S: Final = 300.0
TO_BEGIN_S: Final = 60.0  # more for each, on a machine that is busy


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Run what can go wrong.")
    parser.add_argument("--kills", type=int, default=FULL["kills"], metavar="N", help="of router processes")
    parser.add_argument("--cuts", type=int, default=FULL["cuts"], metavar="N", help="of the power, under a store")
    parser.add_argument("--seeds", type=int, default=FULL["seeds"], metavar="N", help="of the simulation")
    parser.add_argument("--seed", default=os.urandom(4).hex(), help="of the chance in all cases")
    parser.add_argument("--planted", action="store_true", help="only see whether the planted bugs are caught")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="only some of: " + ", ".join(c.name for c in CASES))
    given = parser.parse_args(arguments)
    if unknown := set(given.cases) - {case.name for case in CASES}:
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    sizes = {} if given.planted else {name: getattr(given, name) for name in FULL}
    run = Run(given.seed, sizes, given.cases, only_planted=given.planted)
    began = time.monotonic()
    _say(f"seed {run.seed}")
    if given.planted:
        trio.run(plant_all, run)
    else:
        trio.run(run_all, run, given)
    run.seconds = time.monotonic() - began
    written = write_results(RESULTS, run)
    if run.is_full or run.only_planted:
        write_page(PAGE, written)
    for sentence in run.broken:
        _say(f"broken: {sentence}")
    for sentence in run.left_out:
        _say(f"left out: {sentence}")
    if run.left_out and not given.cases:
        _say("this run was not a full one: make possible what was left out, and run it again")
    if given.planted:
        _say(f"control: {sum(run.controls.values())}/{len(CONTROLS)} green")
        _say(f"planted: {sum(run.planted.values())}/{len(RUNS) + len(PLANTED)} caught")
    else:
        _say(f"faults: {len(run.broken)} broken promises, {run.losses} casts lost, {RESULTS.relative_to(ROOT)}")
    return 1 if run.broken or run.left_out else 0


async def run_all(run: Run, given: argparse.Namespace) -> None:
    """Every case, the power cuts and the simulation."""
    chosen = [case for case in CASES if not given.cases or case.name in given.cases]
    limiter = trio.CapacityLimiter(BESIDE)
    async with trio.open_nursery() as nursery:
        if not given.cases and given.seeds:
            nursery.start_soon(_simulate, run, given.seeds, limiter)
        for case in chosen:
            if not case.alone:
                nursery.start_soon(_case, run, case, given.kills, limiter)
        if not given.cases and given.cuts:
            nursery.start_soon(_cut, run, given.cuts, limiter)
    for case in chosen:
        if case.alone:
            await _case(run, case, given.kills, limiter)


async def plant_all(run: Run) -> None:
    """Each planted bug, and each run of them without a bug, a few at a time."""
    limiter = trio.CapacityLimiter(PLANTED_BESIDE)
    async with trio.open_nursery() as nursery:
        for name in (*CONTROLS, *RUNS):
            nursery.start_soon(_plant, run, name, limiter)
        for bug in PLANTED:
            nursery.start_soon(_plant_in_worlds, run, bug, limiter)


async def _case(run: Run, case: Case, kills: int, limiter: trio.CapacityLimiter) -> None:
    times = case.rounds(kills)
    async with limiter:
        found = await told(["tests.faults.one_case", case.name, str(times), run.seed], case.within_s(times))
    outcome = Outcome(**found) if "case" in found else Outcome(case.name, findings=[found["failed"]])
    run.outcomes.append(outcome)
    result = f"skipped: {outcome.skipped}" if outcome.skipped else f"{len(outcome.findings)} broken"
    _say(f"{case.name:32} {outcome.faults:>6} faults {outcome.checked:>9,} checks {outcome.seconds:>6} s  {result}")


async def _cut(run: Run, cuts: int, limiter: trio.CapacityLimiter) -> None:
    first = first_seed(run.seed, "cuts")
    async with limiter:
        words = ["tests.faults.store_cuts", str(first), str(cuts)]
        _say(f"power cuts under a store: {cuts} from {first}, python -m {' '.join(words)}")
        found = await told(words, TO_BEGIN_S + CUT_WITHIN_S * cuts)
    run.cuts = found if "cuts" in found else {"findings": [found["failed"]]}
    _say(f"{'power cuts under a store':32} {cuts:>6} faults {len(run.cuts['findings'])} broken")


async def _simulate(run: Run, seeds: int, limiter: trio.CapacityLimiter) -> None:
    first = first_seed(run.seed, "simulation")
    async with limiter:
        words = ["tests.simulation", "--seeds", str(seeds), "--first", str(first)]
        _say(f"simulation: {seeds} seeds from {first}, python -m {' '.join(words)}")
        found = await told([*words, "--jobs", str(JOBS), "--json"], TO_BEGIN_S + SEED_WITHIN_S * seeds)
    run.simulation = {"first": first} | (found if "seeds" in found else {"failed": {str(first): [found["failed"]]}})
    _say(f"{'simulation':32} {seeds:>6} seeds, {len(run.simulation['failed'])} failed")


async def _plant(run: Run, name: str, limiter: trio.CapacityLimiter) -> None:
    async with limiter:
        found = await told(["tests.faults.one_planted", name, run.seed], PLANTED_WITHIN_S)
    _keep(run, name, found, right="broken" in found and is_right(name, set(found["broken"])))


async def _plant_in_worlds(run: Run, bug: str, limiter: trio.CapacityLimiter) -> None:
    words = ["tests.faults.one_planted_world", bug, str(first_seed(run.seed, bug))]
    async with limiter:
        found = await told(words, PLANTED_WITHIN_S)
    _keep(run, f"{bug} in the simulation", found, right="broken" in found and is_broken_by(bug, set(found["broken"])))


def _keep(run: Run, name: str, found: dict[str, Any], *, right: bool) -> None:
    """Note and say what came of a planted bug or of a control."""
    (run.controls if name in CONTROLS else run.planted)[name] = right
    if "broken" not in found:
        run.untold[name] = found.get("untold") or found["failed"]
    seen = " ".join(found.get("broken", [])) or run.untold.get(name, "nothing")
    wanted = "green" if name in CONTROLS else "caught"
    _say(f"{name:38} {wanted if right else f'NOT {wanted.upper()}'}: {seen}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
