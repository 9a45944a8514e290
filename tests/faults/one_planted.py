"""One planted bug in a process of its own: `python -m tests.faults.one_planted BUG`; prints what is seen broken."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from pathlib import Path

import structlog
import trio

from tests.crash.parties import seeded
from tests.faults.planted import is_caught, red


def main() -> int:
    (bug,) = sys.argv[1:]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="byway-planted-") as folder:
        broken = trio.run(red, bug, Path(folder), seeded(bug))
    sys.stdout.write(json.dumps({"bug": bug, "broken": sorted(broken)}) + "\n")
    return 0 if is_caught(bug, broken) else 1


if __name__ == "__main__":
    sys.exit(main())
