"""What came of many seeds, in numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.coverage import Pair
from tests.simulation.run import Outcome


@dataclass(slots=True)
class Summary:
    """Counts over seeds, and the failed ones with what was found."""

    seeds: int = 0
    met: Counter[Pair] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)  # by invariant
    failed: dict[int, list[str]] = field(default_factory=dict)
    virtual_s: float = 0.0
    faults: int = 0

    @property
    def checked(self) -> int:
        return self.checks.total()

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.met.update(outcome.met)
        self.checks.update(outcome.checked)
        self.virtual_s += outcome.virtual_s
        self.faults += outcome.faults
        if outcome.findings:
            self.failed[outcome.seed] = outcome.findings

    def as_json(self, took_s: float, unmet: Sequence[Pair]) -> dict[str, Any]:
        """For `tests/results/faults.json` and other programs."""
        met: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for (kind, state), count in sorted(self.met.items()):
            met[kind][state] = count
        return {
            "seeds": self.seeds,
            "faults": self.faults,
            "seconds": round(took_s, 1),
            "virtual_seconds": round(self.virtual_s),
            "checked": dict(sorted(self.checks.items())),
            "failed": {str(seed): findings for seed, findings in self.failed.items()},
            "met": met,
            "seldom_met": [list(pair) for pair in unmet],
        }
