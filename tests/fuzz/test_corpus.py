"""Every kept input, and seeded mutations of them, through the target they are kept for."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz.inputs import FOLDER, kept, seeds
from tests.fuzz.mutations import mutate
from tests.fuzz.targets import TARGETS, run

MUTATIONS = 120
SLOW = {"settings": 12, "column-map": 60, "wish-file": 60}  # a settings file is read once, by four programs here
MOST_BYTES = 300_000


@pytest.mark.parametrize("name", TARGETS)
def test_every_kept_input_is_parsed_or_refused(name: str) -> None:
    for path in kept(name):
        try:
            run(TARGETS[name], path.read_bytes())
        except Exception as error:
            error.add_note(str(path))
            raise


@pytest.mark.parametrize("name", TARGETS)
def test_every_mutation_is_parsed_or_refused(name: str) -> None:
    """Where coverage can be measured, `make fuzz` does more of this, and better."""
    inputs = [*seeds(name), *(path.read_bytes() for path in kept(name))]
    random = Random(name)  # noqa: S311 - the same ones each time
    for _ in range(SLOW.get(name, MUTATIONS)):
        data = mutate(random.choice(inputs), random)[:4096]
        try:
            run(TARGETS[name], data)
        except Exception as error:
            error.add_note(f"bytes.fromhex({data.hex()!r})")
            raise


def test_the_corpus_belongs_to_the_targets_and_stays_small() -> None:
    assert {folder.name for folder in FOLDER.iterdir()} == set(TARGETS)
    assert sum(path.stat().st_size for path in FOLDER.glob("*/*")) < MOST_BYTES
