"""Targets: one function for each parser, which takes any bytes and returns.

A target that raises has found a fault: the parser raised something else than the error it documents, or what it gave
does not hold.  The corpus, the mutations and the fuzzer all run `TARGETS`.
"""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import Final

from tests.fuzz import api_targets, file_targets, link_targets, statement_targets, store_targets, text_targets
from tests.fuzz.verdicts import Target

HANG_S: Final = 0.05  # of processor time; what is slow once may have been interrupted, so the fastest of a few counts
_TRIES: Final = 4

TARGETS: Final = MappingProxyType(
    {
        **statement_targets.TARGETS,
        **link_targets.TARGETS,
        **text_targets.TARGETS,
        **file_targets.TARGETS,
        **api_targets.TARGETS,
        **store_targets.TARGETS,
    }
)


class Hang(AssertionError):
    """A parser needed more than HANG_S for one input."""


def run(target: Target, data: bytes, *, hang_s: float = HANG_S) -> None:
    """Run `target` on `data`.  Raises whatever it raises, or `Hang`."""
    fastest = seconds(target, data)
    for _ in range(_TRIES):
        if fastest <= hang_s:
            return
        fastest = min(fastest, seconds(target, data))
    raise Hang(f"{len(data)} bytes took {fastest:.3f} s")


def seconds(target: Target, data: bytes) -> float:
    """The processor time that `target` takes for `data`, once."""
    started = time.thread_time()
    target(data)
    return time.thread_time() - started
