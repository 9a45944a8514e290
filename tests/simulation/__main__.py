"""Runs seeds of the simulation: `python -m tests.simulation --seeds 1000 [--first 0] [--jobs 2] [--json] [--trace]`.

It ends with 0 if every promise was kept in every seed, and, from 1,000 seeds on, every fault met every state a few
times.  With `--planted` it stops at the first seed that is red, and ends with 1.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

from tests.simulation.coverage import as_table, missing
from tests.simulation.planted import PLANTED, simulate_planted
from tests.simulation.run import Outcome
from tests.simulation.summary import Summary

ALL_STATES_FROM: Final = 1000  # seeds: so many meet every pair several times
CHUNK: Final = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Run seeds of the simulation.")
    parser.add_argument("--seeds", type=int, default=1000, metavar="N", help="how many")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
    parser.add_argument("--planted", choices=sorted(PLANTED), help="with this bug, which has to be caught")
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    parser.add_argument("--trace", action="store_true", help="tell everything that happened")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    summary = Summary()
    seeds = range(given.first, given.first + given.seeds)
    with _outcomes(seeds, partial(simulate_planted, given.planted, given.trace), given.jobs) as outcomes:
        for outcome in outcomes:
            summary.add(outcome)
            if outcome.findings and not given.json:
                sys.stdout.write(outcome.told() + "\n\n")
            if given.trace:
                sys.stdout.write(outcome.story())
            if given.planted and outcome.findings:
                break
    took = time.monotonic() - began
    unmet = missing(summary.met, given.seeds) if given.seeds >= ALL_STATES_FROM and not given.planted else []
    if given.json:
        sys.stdout.write(json.dumps(summary.as_json(took, unmet), indent=1) + "\n")
    else:
        sys.stdout.write(as_table(summary.met) + "\n")
        sys.stdout.writelines(f"too seldom met: {kind} while {state}\n" for kind, state in unmet)
        sys.stdout.write(
            f"simulation: {summary.seeds} seeds, {len(summary.failed)} failed, {summary.faults} faults, "
            f"{summary.checked} checks, {summary.virtual_s:.0f} virtual s in {took:.1f} s "
            f"({summary.seeds / took:.1f} seeds/s)\n"
        )
    return 1 if summary.failed or unmet else 0


@contextmanager
def _outcomes(seeds: Sequence[int], run: Callable[[int], Outcome], jobs: int) -> Iterator[Iterator[Outcome]]:
    """The outcomes in order of their seeds, from so many processes."""
    if jobs == 1 or len(seeds) == 1:
        yield map(run, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield pool.imap(run, seeds, CHUNK)


if __name__ == "__main__":
    sys.exit(main())
