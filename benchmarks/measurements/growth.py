"""Whether storing a cast costs more the more there are."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from benchmarks.figure import Figure
from benchmarks.limits import VERIFICATION, verification_s
from benchmarks.load.stored import BATCH, FilledStore, entries
from benchmarks.measurements.sizes_text import short
from benchmarks.router_process import router_folder
from byway.store.store import Entry

NOT_COUNTED: Final = 5  # the first commits of a new store, which prepare what all others use


@dataclass(frozen=True, slots=True)
class GrowthSizes:
    """At how many rows it is measured, ascending, in how many rounds, and how many commits each round has."""

    steps: Sequence[int]
    rounds: int
    commits: int


def measure(sizes: GrowthSizes) -> list[Figure]:
    """CPU per cast in a store that grows, as a multiple of the same in one that is new in each round."""
    casts = entries()
    at_zero: list[tuple[float, float]] = []
    figures = []
    with router_folder() as folder, FilledStore(folder) as many:
        rows = 0
        for step in sizes.steps:
            many.fill(casts, step - rows)
            rounds = [_round(many, casts, sizes.commits) for _ in range(sizes.rounds)]
            rows = step + sizes.rounds * sizes.commits * BATCH
            at_zero += [(cost, cost / verification) for cost, _, verification in rounds]
            ratios = [grown / cost for cost, grown, _ in rounds]
            unit = f"times the CPU of a cast in a new store, at {step:,} rows"
            figures.append(Figure.of(f"growth_{short(step)}", ratios, unit))
    costs, verifications = zip(*at_zero, strict=True)
    return [
        Figure.of(
            "store_cast_us",
            [cost * 1e6 for cost in costs],
            "µs of CPU to store a cast, in a new store, batches of 64",
            limit=VERIFICATION,
            in_limits=verifications,
        ),
        *figures,
    ]


def _round(many: FilledStore, casts: Iterator[Entry], commits: int) -> tuple[float, float, float]:
    """CPU seconds of a cast in a new store and in the one with many, whose commits take turns, and of a verification.

    The new one never has more casts than the commits of one round.
    """
    batches = [list(islice(casts, BATCH)) for _ in range(2 * commits)]
    small = large = 0.0
    with router_folder() as folder, FilledStore(folder) as few:
        few.fill(casts, NOT_COUNTED * BATCH, (BATCH,))
        gc.collect()
        gc.freeze()  # as a router does: a collection that looks at every row would be counted as growth
        for number in range(commits):
            small += _cpu_s(few, batches[2 * number])
            large += _cpu_s(many, batches[2 * number + 1])
        gc.unfreeze()
    return small / commits / BATCH, large / commits / BATCH, verification_s()


def _cpu_s(filled: FilledStore, batch: Sequence[Entry]) -> float:
    started = time.thread_time()
    filled.commit(batch)
    return time.thread_time() - started
