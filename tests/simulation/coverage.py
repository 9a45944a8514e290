"""Which faults met which states, over all seeds, and which pairs cannot be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from tests.simulation.states import COMMITTED, IDLE, PAGING, RECOVERING, STATES

KILL: Final = "kill"  # of a router's or authority's process
POWER: Final = "power cut"
DISK_ERROR: Final = "disk error"  # the n-th write or sync fails, once or for ever
DISK_FULL: Final = "disk full"
CUT: Final = "link cut"  # after any byte
DELAY: Final = "delay"
STALL: Final = "stall"  # of one direction of a link
HALF_OPEN: Final = "half-open link"  # neither end is told that it is over
PARTITION: Final = "partition"  # of one client and one node
REPLAY: Final = "replay"  # of all that a client said on an earlier link
RIVAL: Final = "second link"  # for the same subscription, while the first is late: its frames overtake
NUDGE: Final = "clock nudge"  # seconds, which are believed
JUMP: Final = "clock jump"  # more than a year, which is not
SLOW: Final = "slow subscriber"
EFFECT: Final = "crash after effect"  # of a subscriber, before its ack
SUBSCRIBER: Final = "subscriber crash"
PUBLISHER: Final = "publisher crash"
BUSY: Final = "overload"  # more is handed in than a node takes without stamps
DUPLICATE: Final = "duplicate"  # what a node says arrives twice
REORDER: Final = "reorder"  # what a node says about one thing overtakes what it says about another
KINDS: Final = (
    KILL,
    POWER,
    DISK_ERROR,
    DISK_FULL,
    CUT,
    DELAY,
    STALL,
    HALF_OPEN,
    PARTITION,
    REPLAY,
    RIVAL,
    NUDGE,
    JUMP,
    SLOW,
    EFFECT,
    SUBSCRIBER,
    PUBLISHER,
    BUSY,
    DUPLICATE,
    REORDER,
)

Pair = tuple[str, str]

CANNOT_BE: Final[Mapping[Pair, str]] = {
    **{
        (kind, RECOVERING): "no link is open while a node recovers"
        for kind in (
            CUT,
            DELAY,
            STALL,
            HALF_OPEN,
            PARTITION,
            REPLAY,
            RIVAL,
            SLOW,
            EFFECT,
            BUSY,
            DUPLICATE,
            REORDER,
        )
    },
    **dict.fromkeys(((SLOW, IDLE), (EFFECT, IDLE)), "what is in somebody's hands and not acked is awaited"),
    **dict.fromkeys(((DISK_ERROR, IDLE), (DISK_FULL, IDLE)), "nobody asks anything of the disk"),
    **dict.fromkeys(
        ((DISK_ERROR, COMMITTED), (DISK_FULL, COMMITTED)), "one call of a store at a time, and this is over"
    ),
    (DISK_FULL, PAGING): "a page is read, and not written",
}
WANTED: Final[tuple[Pair, ...]] = tuple(
    (kind, state) for kind in KINDS for state in STATES if (kind, state) not in CANNOT_BE
)
LEAST: Final = 10  # case 64; each is planned twice as often, and some states do not come in time


def missing(met: Mapping[Pair, int], seeds: int = 1000) -> list[Pair]:
    """The pairs that could be, and were met less than `LEAST` times in a thousand of so many seeds."""
    least = max(1, LEAST * seeds // 1000)
    return [pair for pair in WANTED if met.get(pair, 0) < least]


def as_table(met: Mapping[Pair, int]) -> str:
    """A line for each fault, a column for each state.  A dash stands where there can be nothing."""
    width = max(map(len, KINDS))
    lines = [" " * width + "".join(f"{state:>14}" for state in STATES)]
    for kind in KINDS:
        cells = ["-" if (kind, state) in CANNOT_BE else str(met.get((kind, state), 0)) for state in STATES]
        lines.append(f"{kind:{width}}" + "".join(f"{cell:>14}" for cell in cells))
    reasons: dict[str, Counter[str]] = {}
    for (kind, state), reason in CANNOT_BE.items():
        reasons.setdefault(f"{state}: {reason}", Counter())[kind] += 1
    lines += [f"- {reason} ({', '.join(kinds)})" for reason, kinds in reasons.items()]
    return "\n".join(lines) + "\n"
