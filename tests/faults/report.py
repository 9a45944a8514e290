"""The figures of a run: as JSON, and between two markers of the page about reliability."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import apsw

from tests.crash.router_process import ROOT
from tests.faults.stage import Outcome

RESULTS: Final = ROOT / "tests" / "results" / "faults.json"
PAGE: Final = ROOT / "docs" / "explanation" / "reliability.md"
BEGIN: Final = "<!-- figures of the last full run: written by `make faults` -->"
END: Final = "<!-- end of the figures -->"
FULL: Final = {"kills": 200, "cuts": 1000, "seeds": 1000}  # a smaller run leaves the page as it is


@dataclass(slots=True)
class Run:
    """What was done, and what came of it.  `planted` says of each bug whether it was caught."""

    seed: str
    outcomes: list[Outcome] = field(default_factory=list)
    cuts: dict[str, Any] = field(default_factory=dict)
    simulation: dict[str, Any] = field(default_factory=dict)
    planted: dict[str, bool] = field(default_factory=dict)
    seconds: float = 0.0

    def count(self, *names: str) -> int:
        return sum(outcome.counts.get(name, 0) for outcome in self.outcomes for name in names)

    @property
    def kills(self) -> int:
        return self.count("kills", "kills at named points")

    @property
    def losses(self) -> int:
        return sum(outcome.losses for outcome in self.outcomes) + int(self.cuts.get("lost", 0))

    @property
    def broken(self) -> list[str]:
        """A sentence for everything that is not as promised."""
        sentences = [f"{outcome.case}: {finding}" for outcome in self.outcomes for finding in outcome.findings]
        sentences += self.cuts.get("findings", [])
        failed = self.simulation.get("failed", {})
        sentences += [f"simulation, seed {seed}: {finding}" for seed, found in failed.items() for finding in found]
        sentences += [f"never met in the simulation: {pair}" for pair in self.simulation.get("never_met", [])]
        sentences += [f"the planted bug {bug} was not caught" for bug, caught in self.planted.items() if not caught]
        return sentences

    @property
    def is_full(self) -> bool:
        done = {"kills": self.kills, "cuts": self.cuts.get("cuts", 0), "seeds": self.simulation.get("seeds", 0)}
        return all(done[name] >= least for name, least in FULL.items())


def write_results(run: Run) -> None:
    """Write `tests/results/faults.json`, and after a full run the figures on the page."""
    RESULTS.parent.mkdir(exist_ok=True)
    told = {
        "machine": {"cores": os.cpu_count(), "system": platform.platform()},
        "versions": {"python": platform.python_version(), "sqlite": apsw.sqlite_lib_version()},
        "commit": _commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": run.seed,
        "seconds": round(run.seconds),
        "kills": run.kills,
        "losses": run.losses,
        "broken": run.broken,
        "cuts": run.cuts,
        "simulation": {name: value for name, value in run.simulation.items() if name != "met"},
        "planted": run.planted,
        "cases": [asdict(outcome) for outcome in run.outcomes],
    }
    RESULTS.write_text(json.dumps(told, indent=1) + "\n")
    if run.is_full:
        write_page(PAGE, figures(run))


def write_page(page: Path, lines: Sequence[str]) -> None:
    """Put the lines between the markers."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]), encoding="utf-8")


def figures(run: Run) -> list[str]:
    """For a person."""
    when = datetime.now(UTC).date().isoformat()
    cuts, seeds = run.cuts.get("cuts", 0), run.simulation.get("seeds", 0)
    worlds, failed = run.simulation, len(run.simulation.get("failed", {}))
    kills, under_load = run.kills, run.count("power cuts under a router")
    lines = [
        f"{when}, commit {_commit()}, {run.seconds / 60:.0f} minutes: {len(run.broken)} promises broken.",
        "",
        "| what was done | times | lost | at 95 % confidence fewer than |",
        "|---|---|---|---|",
        f"| router processes killed | {kills:,} | {_lost(run, 'killed')} | {_bound(kills)} |",
        f"| power cut under a store | {cuts:,} | {cuts and run.cuts['lost']} | {_bound(cuts)} |",
        f"| power cut under a router process | {under_load:,} | {_lost(run, 'power')} | {_bound(under_load)} |",
        f"| worlds simulated, {worlds.get('faults', 0):,} faults | {seeds:,} | {failed} failed | {_bound(seeds)} |",
        "",
        "| case with real processes | faults | things checked | broken | |",
        "|---|---|---|---|---|",
    ]
    for outcome in run.outcomes:
        name = outcome.case.replace("_", " ")
        more = outcome.skipped and f"left out: {outcome.skipped}"
        more = more or ", ".join(f"{number:,} {what}" for what, number in outcome.counts.items())
        lines.append(f"| {name} | {outcome.faults:,} | {outcome.checked:,} | {len(outcome.findings)} | {more} |")
    return lines


def _lost(run: Run, word: str) -> int:
    return sum(outcome.losses for outcome in run.outcomes if word in outcome.case)


def _bound(times: int) -> str:
    return f"1 in {times // 3:,} loses something" if times >= 3 else "nothing can be said"


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, check=False)
    return found.stdout.decode().strip() or "unknown"
