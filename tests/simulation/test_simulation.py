"""A hundred worlds in which things go wrong, and every promise is kept in each."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest

from tests.simulation.run import simulate

SEEDS: Final = 100  # a thousand, and the table of what met what, are for `make simulate`: they take minutes
CHUNK: Final = 25
JUDGED: Final = ("I1", "I3", "I4", "I5", "I6", "I7", "I8", "I10", "I11", "I13", "I14")
CHUNKS: Final = range(0, SEEDS, CHUNK)


@pytest.mark.slow
@pytest.mark.parametrize("first", CHUNKS)
def test_every_promise_is_kept_whatever_goes_wrong(first: int) -> None:
    checked: Counter[str] = Counter()
    broken = []
    for seed in range(first, first + CHUNK):
        outcome = simulate(seed)
        checked.update(outcome.checked)
        if outcome.findings:
            broken.append(outcome.told())
    assert not broken, "\n".join(broken)
    assert not [code for code in JUDGED if not checked[code]], checked
