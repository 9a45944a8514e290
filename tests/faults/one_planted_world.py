"""One bug planted in the simulated worlds: `python -m tests.faults.one_planted_world BUG FIRST`; prints what is broken.

FIRST is the seed of the first world; others follow until a promise is broken that this bug breaks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from tests.simulation.plan import plan
from tests.simulation.planted import simulate_planted
from tests.simulation.test_simulation_planted import BREAKS, NEEDS, WITHIN


def run_worlds(bug: str, first: int) -> dict[str, Any]:
    """What was broken by the end, and in how many worlds that have what the bug needs to show."""
    broken: set[str] = set()
    worlds = 0
    needs = NEEDS.get(bug, set())
    for seed in range(first, first + WITHIN):
        if not needs <= {each.kind for each in plan(seed).faults}:
            continue
        worlds += 1
        broken |= {finding.split()[0] for finding in simulate_planted(bug, traced=False, seed=seed).findings}
        if is_broken_by(bug, broken):
            break
    return {"name": bug, "seed": first, "worlds": worlds, "broken": sorted(broken)}


def is_broken_by(bug: str, broken: set[str]) -> bool:
    """Whether something that the bug breaks was among it."""
    return bool(BREAKS[bug] & broken)


def main(arguments: Sequence[str]) -> int:
    bug, first = arguments
    told = run_worlds(bug, int(first))
    sys.stdout.write(json.dumps(told) + "\n")
    return 0 if is_broken_by(bug, set(told["broken"])) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
