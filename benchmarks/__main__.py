"""`python -m benchmarks [--full] [MEASUREMENT...]`: measure, show, compare with the last full result, keep.

Without names everything is measured.  `make bench` takes at most five minutes; `make bench-full` adds the other sizes
and the peers, and unless something was left out writes `benchmarks/results/latest.json`, the figures in
`docs/performance.md`, and its plots.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from benchmarks import peers
from benchmarks.compare import change_lines, compare
from benchmarks.disk import is_in_memory
from benchmarks.figure import Figure
from benchmarks.report.columns import figure_lines
from benchmarks.report.page import write_page
from benchmarks.report.result import LAST, LATEST, Result
from benchmarks.sizes import FULL, QUICK, Sizes
from benchmarks.suite import MEASUREMENTS, left_out_if_it_fails, measure

PEERS: Final = "peers"


class Run:
    """What was measured so far, and with what."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []
        self.versions: dict[str, str] = {}
        self.left_out: list[str] = []
        self._started = time.monotonic()

    def say(self, what: str) -> None:
        """To whoever waits."""
        print(f"{time.monotonic() - self._started:5.0f} s  {what}", flush=True)

    def look_for_peers(self) -> None:
        """Say at once which are not here, and how they can be."""
        self.left_out = peers.missing()
        self.versions = peers.versions()
        for sentence in self.left_out:
            self.say(sentence)

    def measure(self, names: Sequence[str], sizes: Sizes) -> None:
        """Ours."""
        self.figures += measure(names, sizes, self.say, self.leave_out)

    def measure_peers(self) -> None:
        """Those that are here."""
        self.say(PEERS)
        with tempfile.TemporaryDirectory(prefix="byway-bench-") as folder, left_out_if_it_fails(PEERS, self.leave_out):
            self.figures += peers.measure(peers.FULL, Path(folder), self.leave_out)

    def leave_out(self, sentence: str) -> None:
        """Say why something that failed has no figures, here and in the result."""
        self.left_out.append(sentence)
        self.say(f"left out: {sentence}")

    def result(self) -> Result:
        seconds = time.monotonic() - self._started
        return Result.now(self.figures, seconds=seconds, peers=self.versions, left_out=self.left_out)


def main(words: Sequence[str]) -> int:
    """Returns the exit status: 1 if something was left out, whatever else was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what a router costs.")
    parser.add_argument("--full", action="store_true", help="with all sizes, and the peers")
    names = [*MEASUREMENTS, PEERS]
    parser.add_argument("names", nargs="*", metavar="MEASUREMENT", help=f"of {', '.join(names)}; all without")
    asked = parser.parse_args(words)
    if unknown := set(asked.names) - set(names):
        parser.error(f"there is no measurement {min(unknown)!r}, but {', '.join(names)}")
    wanted = asked.names or (names if asked.full else list(MEASUREMENTS))
    folder = Path(tempfile.gettempdir())
    if is_in_memory(folder):
        parser.error(f"{folder} is memory, where nothing is flushed: set TMPDIR to a folder on a disk")
    signal.signal(signal.SIGTERM, _end)
    run = Run()
    if PEERS in wanted:
        run.look_for_peers()
    if ours := [name for name in wanted if name in MEASUREMENTS]:
        run.measure(ours, FULL if asked.full else QUICK)
    if PEERS in wanted:
        run.measure_peers()
    keep(run.result(), whole=asked.full and not asked.names)
    return int(bool(run.left_out))


def _end(*_: object) -> NoReturn:
    """Raised and not died from, so that every process that was started ends too."""
    raise SystemExit(128 + signal.SIGTERM)


def keep(result: Result, *, whole: bool) -> None:
    """Write the result, and show it beside the last full one.

    A whole one takes the place of that one, and of the page, unless something was left out.
    """
    before = _last_full()
    full = whole and not result.left_out
    path = LATEST if full else LAST
    result.write(path)
    if full:
        write_page(Result.read(path))  # with what is kept of each figure, so that the page says the same as the file
    print("", *figure_lines(result.figures), sep="\n")
    print("", *(f"left out: {sentence}" for sentence in result.left_out), sep="\n")
    if before:
        print(*change_lines(compare(before.figures, result.figures)), "", sep="\n")
    if whole and not full:
        print(f"not all of it was measured: {LATEST.name} and the page stay those of the last full run")
    print(f"{result.seconds} s; written to {path}")


def _last_full() -> Result | None:
    """None if there is none, or if it was written when results had another form."""
    try:
        return Result.read(LATEST)
    except FileNotFoundError:
        print("nothing to compare with: `make bench-full` writes it")
    except ValueError as error:
        print(f"nothing to compare with: {error}")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
