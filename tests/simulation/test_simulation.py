"""A thousand worlds in which things go wrong: every promise is kept in each, and every fault met every state."""

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
JUDGED: Final = ("I1", "I3", "I4", "I5", "I6", "I7", "I8", "I10", "I11", "I12", "I13", "I14", "I15")
CHUNKS: Final = range(0, SEEDS, CHUNK)


@pytest.fixture(scope="session")
def met_by_chunk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    shared = folder / "simulation-met"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.mark.slow
@pytest.mark.parametrize("first", CHUNKS)
def test_every_promise_is_kept_whatever_goes_wrong(first: int, met_by_chunk: Path) -> None:
    checked: Counter[str] = Counter()
    met: Counter[Pair] = Counter()
    broken = []
    for seed in range(first, first + CHUNK):
        outcome = simulate(seed)
        checked.update(outcome.checked)
        met.update(outcome.met)
        if outcome.findings:
            broken.append(outcome.told())
    assert not broken, "\n".join(broken)
    assert not [code for code in JUDGED if not checked[code]], checked
    _every_fault_met_every_state(first, met, met_by_chunk)


def _every_fault_met_every_state(first: int, met: Counter[Pair], folder: Path) -> None:
    """Whichever chunk is the last to come here looks at what all of them met together."""
    written = folder / f"{first}.part"
    written.write_text(json.dumps([[*pair, count] for pair, count in met.items()]))
    written.rename(folder / f"{first}.json")
    chunks = list(folder.glob("*.json"))
    if len(chunks) < len(CHUNKS):
        return
    together: Counter[Pair] = Counter()
    for chunk in chunks:
        together.update({(kind, state): count for kind, state, count in json.loads(chunk.read_text())})
    assert not missing(together), as_table(together)


def test_the_last_chunk_tells_what_none_of_them_met(tmp_path: Path) -> None:
    for first in CHUNKS[:-1]:
        _every_fault_met_every_state(first, Counter(), tmp_path)
    with pytest.raises(AssertionError, match="link cut"):
        _every_fault_met_every_state(CHUNKS[-1], Counter(), tmp_path)
