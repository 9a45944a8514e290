"""Short collections: while the interpreter looks for cyclic garbage, nothing else is done.

A full collection looks at every object that is not frozen.  Among 10,000 links that took 0.6 s, and came again with
every quarter more, though a link that ends leaves nothing behind that only a collection would free.
`docs/decisions/0017-collections-are-short.md` has the measurements.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

FULL: Final = 2  # the oldest generation, and with it all others
LONG_S: Final = 0.01  # of CPU; a node is to answer within 0.1 s
THRESHOLDS: Final = (5_000, 2, 1)  # each has to be exceeded: all are looked at after some 45,000 new objects


@contextmanager
def short_collections(clock: Callable[[], float] = time.thread_time) -> Iterator[None]:
    """Freeze what there is now and, as long as the block runs, whatever made a full collection long.

    What is frozen is freed when nothing refers to it any more, as before.  Only a cycle is not found of which a part
    was frozen before it became garbage.  It stays frozen after the block.  `clock` tells the CPU seconds of the thread
    that calls it.
    """
    began = clock()

    def watch(phase: str, info: Mapping[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = clock()
        elif info["generation"] == FULL and clock() - began >= LONG_S:
            gc.freeze()

    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.collect()  # of nothing: by what this one finds the interpreter decides how much more is worth a full one
    gc.set_threshold(*THRESHOLDS)
    gc.callbacks.append(watch)
    try:
        yield
    finally:
        gc.callbacks.remove(watch)
        gc.set_threshold(*before)
