"""Functions that are measured in this process, in turns, with verifications between them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from benchmarks.limits import verification_s

CALLS: Final = 3  # of each function in a round: the middle one counts, because each may look for something else


def in_turns(functions: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """CPU seconds of each function, one for each round; behind them, of one verification."""
    samples: list[list[float]] = [[] for _ in range(len(functions) + 1)]
    gc.collect()
    gc.freeze()  # as a router does with what it has recovered
    for _ in range(rounds):
        for function, measured in zip(functions, samples, strict=False):
            measured.append(median(_cpu_s(function) for _ in range(CALLS)))
        samples[-1].append(verification_s())
    gc.unfreeze()
    return samples


def _cpu_s(function: Callable[[], object]) -> float:
    started = time.thread_time()
    function()
    return time.thread_time() - started
