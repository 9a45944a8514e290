"""`python -m benchmarks.compare [OLD [NEW]]`: what has changed between two results beyond their noise.

OLD is `latest.json` and NEW is `last.json` in `benchmarks/results` unless they are named.  The exit status is 1 if
something got slower.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.figure import Figure, Spread
from benchmarks.rank_test import chance
from benchmarks.report.columns import columns
from benchmarks.report.numbers import spread_text, value_text
from benchmarks.report.result import LAST, LATEST, Result

BY_CHANCE: Final = 1 / 20
BETWEEN_RUNS: Final = 1 / 20
BETWEEN_SINGLES: Final = 1 / 5


class Verdict(Enum):
    """What became of a figure."""

    SAME = "as before, within the noise"
    SLOWER = "slower"
    FASTER = "faster"
    UNKNOWN = "cannot tell: one sample"
    OTHER = "other work"


class Change(NamedTuple):
    """One figure in both results."""

    name: str
    old: Spread
    new: Spread
    verdict: Verdict

    @property
    def times(self) -> float:
        """The new one as a multiple of the old one."""
        return self.new.median / self.old.median if self.old.median else float("inf")


def compare(old: Sequence[Figure], new: Sequence[Figure]) -> list[Change]:
    """Every figure that is in both, counted in limits of the machine where it has such.

    It is slower, or faster, if chance alone would order its rounds and those before so clearly at most one time in
    twenty (the rank test of Mann and Whitney, which one bad round among several does not decide), and the middle ones
    are a twentieth apart: that much may differ between two runs though none of their rounds shows it.  A single sample
    has no noise that could be seen: then they have to be a fifth apart.  Where the units are not the same, other work
    was measured, or it is counted in another limit: of such figures nothing is said.
    """
    before = {figure.name: figure for figure in old}
    return [
        Change(figure.name, before[figure.name].comparable, figure.comparable, _verdict(before[figure.name], figure))
        for figure in new
        if figure.name in before
    ]


def _verdict(old: Figure, new: Figure) -> Verdict:
    was, now = old.comparable, new.comparable
    if (new.unit, new.limit) != (old.unit, old.limit):
        return Verdict.OTHER
    if new.better == "neither":
        return Verdict.SAME
    single = 1 in (was.rounds, now.rounds)
    apart = BETWEEN_SINGLES if single else BETWEEN_RUNS
    if now.median > was.median * (1 + apart) and (single or chance(was.samples, now.samples) <= BY_CHANCE):
        return Verdict.SLOWER if new.better == "less" else Verdict.FASTER
    if now.median < was.median * (1 - apart) and (single or chance(now.samples, was.samples) <= BY_CHANCE):
        return Verdict.FASTER if new.better == "less" else Verdict.SLOWER
    return Verdict.UNKNOWN if single else Verdict.SAME


def change_lines(changes: Sequence[Change]) -> list[str]:
    """All of them, and the slower ones once more in a sentence."""
    rows = [("in limits of the machine", "old", "noise", "new", "noise", "times", "")]
    rows += [
        (
            change.name,
            value_text(change.old.median),
            spread_text(change.old),
            value_text(change.new.median),
            spread_text(change.new),
            "" if change.verdict is Verdict.OTHER else f"{change.times:.2f}",
            "" if change.verdict is Verdict.SAME else change.verdict.value,
        )
        for change in changes
    ]
    slower = [f"{change.name} ({change.times:.2f} times)" for change in changes if change.verdict is Verdict.SLOWER]
    last = f"slower beyond the noise: {', '.join(slower)}" if slower else "nothing is slower beyond the noise"
    return [*columns(rows, left=frozenset({0, 6})), "", last]


def main(words: Sequence[str]) -> int:
    """Compare two files.  Returns the exit status."""
    old, new = (Path(words[place]) if len(words) > place else path for place, path in enumerate((LATEST, LAST)))
    try:
        changes = compare(Result.read(old).figures, Result.read(new).figures)
    except FileNotFoundError as error:
        print(f"there is no {error.filename}: `make bench-full` writes latest.json, `make bench` last.json")
        return 2
    except ValueError as error:
        print(error)
        return 2
    print(*change_lines(changes), sep="\n")
    return any(change.verdict is Verdict.SLOWER for change in changes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
