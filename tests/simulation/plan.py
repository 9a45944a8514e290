"""What goes wrong in which seed.

Each fault is one of `coverage.KINDS` and has a state that it waits for.  Seeds take the pairs in turn, each round in
another order, so that a thousand of them meet every pair many times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.simulation import coverage as fault
from tests.simulation.states import AWAITING, COMMITTING, DELIVERING, IDLE, PAGING, RECOVERING, SWEEPING, VERIFYING

FAULTS: Final = 4  # of one seed
SELDOM_MET: Final[Sequence[fault.Pair]] = (
    *((fault.DISK_ERROR, state) for state in (VERIFYING, DELIVERING, AWAITING, PAGING)),
    *((fault.DISK_FULL, state) for state in (RECOVERING, VERIFYING, DELIVERING, AWAITING)),
    *((kind, state) for kind in (fault.DUPLICATE, fault.REORDER) for state in (IDLE, VERIFYING, PAGING)),
    *((kind, PAGING) for kind in (fault.CUT, fault.RIVAL, fault.SLOW, fault.EFFECT)),
    (fault.RIVAL, COMMITTING),
    *((kind, SWEEPING) for kind in (fault.EFFECT, fault.REORDER, fault.DUPLICATE, fault.DISK_ERROR, fault.DISK_FULL)),
    *((fault.REORDER, VERIFYING), (fault.REORDER, VERIFYING), (fault.DISK_ERROR, DELIVERING)),
)  # although they are waited for: each time it stands here a pair is planned once more in a round
ROUND: Final = (*fault.WANTED, *SELDOM_MET)
JUMPS_MS: Final = (400 * 86_400_000, -400 * 86_400_000, 2 * 3_600_000, -2 * 3_600_000)
NUDGES_MS: Final = (500, -500, 5_000, -5_000)
AFTER_POWER_CUT_MS: Final = 15_000  # a computer that was off knows its last note of the time, and not how old it is


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault: when it begins to wait, and for which state."""

    kind: str
    state: str
    begins_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All faults of one seed, and how far they may set clocks apart."""

    faults: Sequence[Planned]
    nudge_ms: int
    jump_ms: int

    @property
    def skew_ms(self) -> int:
        kinds = {each.kind for each in self.faults}
        nudged = abs(self.nudge_ms) if fault.NUDGE in kinds else 0
        return nudged + (AFTER_POWER_CUT_MS if {fault.JUMP, fault.POWER} <= kinds else 0)


def plan(seed: int) -> Plan:
    """What happens in this seed."""
    random = Random(f"{seed} plan")  # noqa: S311 - a simulation
    pairs = [_pair(seed * FAULTS + number) for number in range(FAULTS)]
    faults = [Planned(kind, state, random.uniform(0, 2.0)) for kind, state in pairs]
    power_cut = any(each.kind == fault.POWER for each in faults)
    jumps = JUMPS_MS[:2] if power_cut else JUMPS_MS  # off for two hours is what a computer that was off may believe
    return Plan(faults, random.choice(NUDGES_MS), random.choice(jumps))


def _pair(number: int) -> fault.Pair:
    """The pair with this number, of all seeds."""
    turn, place = divmod(number, len(ROUND))
    pairs = list(ROUND)
    Random(f"{turn} round").shuffle(pairs)  # noqa: S311 - a simulation
    return pairs[place]
