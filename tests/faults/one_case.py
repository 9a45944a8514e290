"""One case in a process of its own: `python -m tests.faults.one_case NAME TIMES SEED`; prints its outcome as JSON."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import structlog
import trio

from tests.crash.parties import seeded
from tests.faults.cases import CASES, Case
from tests.faults.stage import NotPossible, Outcome, Stage


def run_case(case: Case, times: int, seed: str, folder: Path) -> Outcome:
    """Run it in an empty folder.  Whatever goes wrong in it is a finding."""
    outcome = Outcome(case.name)
    stage = Stage(folder, seeded(f"{seed} {case.name}"), times, outcome)
    began = time.monotonic()
    try:
        trio.run(case.run, stage)
    except* NotPossible as group:
        outcome.skipped = why(group)
    outcome.seconds = round(time.monotonic() - began, 1)
    return outcome


def why(error: BaseException) -> str:
    """What the first error in nested groups says."""
    return why(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else str(error)


def main(arguments: Sequence[str]) -> int:
    name, times, seed = arguments
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    case = next(case for case in CASES if case.name == name)
    with tempfile.TemporaryDirectory(prefix="byway-faults-") as folder:
        try:
            outcome = run_case(case, int(times), seed, Path(folder))
        except Exception:  # noqa: BLE001 - a case that falls over is a finding too
            outcome = Outcome(name, findings=[f"the case fell over: {traceback.format_exc()[-2000:]}"])
    sys.stdout.write(json.dumps(outcome.as_json()) + "\n")
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
