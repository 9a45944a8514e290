"""What came of a run: what is broken, and `tests/results/faults.json`, where no run hides what another has found.

| section | written by |
|---|---|
| `full` | a run of everything, no smaller than `FULL`, with no case left out |
| `planted` | the planted bugs |
| `parts` | any other run: for each case, the power cuts and the simulation the last time that it was run so |

Each says when, where and at which commit it was made, and how large it was.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import apsw

from tests.crash.parties import seeded
from tests.crash.router_process import ROOT
from tests.faults.stage import Outcome

RESULTS: Final = ROOT / "tests" / "results" / "faults.json"
SECTIONS: Final = ("full", "planted", "parts")
FULL: Final[Mapping[str, int]] = {"kills": 200, "cuts": 1000, "seeds": 1000}
MOST_S: Final = 1200.0  # for a run of that size
TRIED_ELSEWHERE: Final = 1000  # `make test` has the worlds and cuts below
SEEDS: Final = 10**9


@dataclass(slots=True)
class Run:
    """What was to be done, and what came of it.  Without `chosen` cases it was everything, in these `sizes`."""

    seed: str
    sizes: Mapping[str, int]
    chosen: Sequence[str] = ()
    only_planted: bool = False
    outcomes: list[Outcome] = field(default_factory=list)
    cuts: dict[str, Any] = field(default_factory=dict)
    simulation: dict[str, Any] = field(default_factory=dict)
    planted: dict[str, bool] = field(default_factory=dict)  # whether each bug was caught
    controls: dict[str, bool] = field(default_factory=dict)  # whether each run without a bug was green
    untold: dict[str, str] = field(default_factory=dict)  # why such a run with a bug or without does not tell
    seconds: float = 0.0

    @property
    def losses(self) -> int:
        return sum(outcome.losses for outcome in self.outcomes) + int(self.cuts.get("lost", 0))

    @property
    def is_full(self) -> bool:
        """Whether it was everything: with a case left out it was not."""
        if self.chosen or self.only_planted or self.left_out:
            return False
        return all(self.sizes[name] >= FULL[name] for name in FULL)

    @property
    def left_out(self) -> list[str]:
        """A sentence for each case that this machine cannot do."""
        return [f"{outcome.case}: {outcome.skipped}" for outcome in self.outcomes if outcome.skipped]

    @property
    def broken(self) -> list[str]:
        """A sentence for everything that is not as promised."""
        sentences = [f"{outcome.case}: {finding}" for outcome in self.outcomes for finding in outcome.findings]
        sentences += self.cuts.get("findings", [])
        failed = self.simulation.get("failed", {})
        sentences += [f"simulation, seed {seed}: {finding}" for seed, found in failed.items() for finding in found]
        sentences += [
            f"too seldom met in the simulation: {kind} while {state}"
            for kind, state in self.simulation.get("seldom_met", [])
        ]
        sentences += [
            f"the planted bug {bug} was not {f'tried: {self.untold[bug]}' if bug in self.untold else 'caught'}"
            for bug, caught in self.planted.items()
            if not caught
        ]
        sentences += [
            f"the run {name} without a bug was not {f'made: {self.untold[name]}' if name in self.untold else 'green'}"
            for name, green in self.controls.items()
            if not green
        ]
        if self.is_full and dict(self.sizes) == FULL and self.seconds > MOST_S:
            sentences.append(f"the run took {self.seconds / 60:.1f} minutes, and may take {MOST_S / 60:.0f}")
        return sentences


def first_seed(seed: str, what: str) -> int:
    """Where the simulation or the power cuts of a run with this seed begin: beyond what `make test` has tried."""
    return seeded(f"{seed} {what}").randrange(TRIED_ELSEWHERE, SEEDS)


def write_results(path: Path, run: Run) -> dict[str, Any]:
    """Put what came of the run beside what the file says of others; returns all of it."""
    told = merged(_before(path), run, _stamp(run))
    path.parent.mkdir(exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    new.replace(path)
    return told


def merged(before: Mapping[str, Any], run: Run, stamp: Mapping[str, Any]) -> dict[str, Any]:
    """The sections after this run.  `stamp` says when and where it was made."""
    told = {name: before[name] for name in SECTIONS if name in before}
    if run.only_planted:
        told["planted"] = {
            **stamp,
            "seconds": round(run.seconds),
            "caught": dict(sorted(run.planted.items())),
            "green": dict(sorted(run.controls.items())),
        }
    elif run.is_full:
        told["full"] = {
            **stamp,
            "seconds": round(run.seconds),
            "losses": run.losses,
            "broken": run.broken,
            "cuts": run.cuts,
            "simulation": run.simulation,
            "cases": [asdict(outcome) for outcome in run.outcomes],
        }
    else:
        parts = {outcome.case: asdict(outcome) for outcome in run.outcomes}
        parts |= {name: each for name, each in (("cuts", run.cuts), ("simulation", run.simulation)) if each}
        told["parts"] = told.get("parts", {}) | {name: {**stamp, **each} for name, each in parts.items()}
    return told


def _before(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _stamp(run: Run) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {"cores": os.cpu_count(), "system": platform.platform()},
        "versions": {"python": platform.python_version(), "sqlite": apsw.sqlite_lib_version()},
        "seed": run.seed,
        "sizes": dict(run.sizes),
    }


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, check=False)
    return found.stdout.decode().strip() or "unknown"
