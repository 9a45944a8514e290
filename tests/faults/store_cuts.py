"""Many power cuts under a store alone: `python -m tests.faults.store_cuts FIRST COUNT`; prints what came of them."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.faults.kill_points import hurry
from tests.store.test_power_loss import cut

SHOWN: Final = 5


def cut_many(first: int, count: int, folder: Path) -> dict[str, Any]:
    """How many cuts, how many statements they lost, and a sentence for each wrong one.

    Of a store that cannot be read nobody knows how many: it counts as one at least.
    """
    lost, findings = 0, []
    for seed in range(first, first + count):
        try:
            gone, in_doubt = cut(folder, seed)
        except Exception as error:  # noqa: BLE001 - a store that cannot be opened is a finding
            findings.append(f"power cut {seed}: {error!r}")
            lost += 1
            continue
        lost += len(gone)
        if gone:
            findings.append(f"power cut {seed} lost the sequences {gone[:SHOWN]}")
        if in_doubt:
            findings.append(f"power cut {seed} raised a false alarm: {in_doubt}")
        for name in ("before", "after"):
            shutil.rmtree(folder / f"{name} {seed}")
    return {"first": first, "cuts": count, "lost": lost, "findings": findings}


def main() -> int:
    hurry()
    first, count = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="byway-cuts-") as folder:
        told = cut_many(first, count, Path(folder))
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if told["findings"] else 0


if __name__ == "__main__":
    sys.exit(main())
