"""Judges the evidence of a run: `python -m tests.checker EVIDENCE_DIR [--store FILE] [--scan PATH] [--json]`.

It believes no router.  It was written from docs/reference/wire-protocol.md, imports nothing of what it judges, and
verifies with another library.  It ends with 0 if every promise was kept, 1 if one was broken, and 2 if the evidence
cannot be read.

Of the invariants I1 to I15, I2 (no phantom loss report) waits for notices and I9 (revocation) for delegation; where
I7 and I13 speak of notices they wait as well.  Forwarding between routers adds to I1, I3 and I7 when it comes.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tests.checker.evidence import EvidenceError
from tests.checker.tally import Tally
from tests.checker.verdict import judge

SHOWN: Final = 10  # findings of one invariant; --json has all of them


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.checker", description="Judge the evidence of a run.")
    parser.add_argument("evidence", type=Path, metavar="EVIDENCE_DIR", help="the folder with the witnesses' files")
    parser.add_argument("--store", type=Path, action="append", default=[], help="the store.db of a node that has ended")
    parser.add_argument("--scan", type=Path, action="append", default=[], help="where no planted secret may be")
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    given = parser.parse_args(arguments)
    gc.disable()  # there are millions of small values, no cycles, and an end soon
    try:
        tallies = judge(given.evidence, stores=given.store, scanned=given.scan)
    except EvidenceError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(as_json(tallies) if given.json else as_table(tallies))
    return 1 if any(tally.findings for tally in tallies.values()) else 0


def as_json(tallies: Mapping[str, Tally]) -> str:
    """Every count and every finding."""
    return json.dumps({code: asdict(tally) for code, tally in tallies.items()}, indent=1) + "\n"


def as_table(tallies: Mapping[str, Tally]) -> str:
    """A line for each invariant, and under it the first of its findings."""
    lines = [f"{'':4} {'promise':18} {'checked':>10} {'broken':>8}"]
    for tally in tallies.values():
        lines.append(f"{tally.code:4} {tally.promise:18} {tally.checked:>10,} {len(tally.findings):>8,}")
        lines += [f"     {each.sentence} ({', '.join(each.evidence)})" for each in tally.findings[:SHOWN]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
