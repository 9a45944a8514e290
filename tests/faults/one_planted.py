"""One planted bug, or one control, in a process of its own: `python -m tests.faults.one_planted NAME SEED`.

Prints what is seen broken, or under `untold` why this run does not tell.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
import trio

from tests.crash.parties import seeded
from tests.faults.one_case import why
from tests.faults.planted import TooLittleError, is_right, red


def run_one(name: str, seed: str, folder: Path) -> dict[str, Any]:
    """The name, and what came of it."""
    told: dict[str, Any] = {"name": name, "seed": seed}
    try:
        told["broken"] = sorted(trio.run(red, name, folder, seeded(f"{seed} {name}")))
    except* TooLittleError as group:
        told["untold"] = why(group)
    return told


def main(arguments: Sequence[str]) -> int:
    name, seed = arguments
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="byway-planted-") as folder:
        told = run_one(name, seed, Path(folder))
    sys.stdout.write(json.dumps(told) + "\n")
    return 0 if "broken" in told and is_right(name, set(told["broken"])) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
