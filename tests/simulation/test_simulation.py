"""A thousand worlds in which things go wrong, and every promise is kept in each."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.simulation.coverage import Pair, as_table, missing
from tests.simulation.run import simulate

SEEDS: Final = 1000
CHUNK: Final = 25
JUDGED: Final = ("I1", "I3", "I4", "I5", "I6", "I7", "I8", "I10", "I11", "I13", "I14")
CHUNKS: Final = range(0, SEEDS, CHUNK)


@pytest.fixture(scope="session")
def met_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all test processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "simulation-met"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("first", CHUNKS)
def test_every_promise_is_kept_whatever_goes_wrong(first: int, met_folder: Path) -> None:
    met: Counter[Pair] = Counter()
    checked: Counter[str] = Counter()
    broken = []
    for seed in range(first, first + CHUNK):
        outcome = simulate(seed)
        met.update(outcome.met)
        checked.update(outcome.checked)
        if outcome.findings:
            broken.append(outcome.told())
    assert not broken, "\n".join(broken)
    assert not [code for code in JUDGED if not checked[code]], checked
    _every_fault_met_every_state(met_folder, first, met)


def _every_fault_met_every_state(folder: Path, first: int, met: Counter[Pair]) -> None:
    """Leave what this chunk has met; whoever is the last of all looks at the whole table."""
    unfinished = folder / f"{first}.unfinished"
    unfinished.write_text(json.dumps([[*pair, count] for pair, count in met.items()]))
    unfinished.rename(folder / f"{first}.json")
    files = list(folder.glob("*.json"))
    if len(files) < len(CHUNKS):
        return
    total: Counter[Pair] = Counter()
    for file in files:
        for kind, state, count in json.loads(file.read_text()):
            total[kind, state] += count
    assert not missing(total), as_table(total)
