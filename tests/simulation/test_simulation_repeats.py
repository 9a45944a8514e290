"""A seed is all there is to know about a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.simulation.coverage import KINDS, LEAST, WANTED, missing
from tests.simulation.plan import FAULTS, ROUND, plan
from tests.simulation.run import simulate

SEED = 7
ROOT = Path(__file__).parents[2]


def test_a_seed_gives_the_same_story_byte_for_byte() -> None:
    first, again = simulate(SEED), simulate(SEED)
    assert first.story() == again.story()
    assert (first.met, first.checked) == (again.met, again.checked)


def test_another_seed_gives_another_story() -> None:
    assert simulate(SEED).story() != simulate(SEED + 1).story()


def test_the_story_does_not_depend_on_how_python_hashes() -> None:
    stories = {
        subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--first", str(SEED), "--seeds", "1", "--trace", "--json"],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
            timeout=120,
        ).stdout.rpartition(b"\n{")[0]
        for hash_seed in ("1", "2")
    }
    assert len(stories) == 1
    assert stories.pop().count(b"\n") > 100


def test_seeds_plan_every_pair_of_fault_and_state_in_turn() -> None:
    planned = [(each.kind, each.state) for seed in range(-(-len(ROUND) // FAULTS)) for each in plan(seed).faults]
    assert set(planned) == set(WANTED)


def test_a_pair_that_was_too_seldom_met_is_named() -> None:
    met = dict.fromkeys(WANTED, LEAST)
    assert missing(met) == []
    assert missing(met | {(KINDS[0], "idle"): LEAST - 1}) == [(KINDS[0], "idle")]


def test_more_seeds_have_to_meet_each_pair_more_often() -> None:
    met = dict.fromkeys(WANTED, LEAST)
    assert missing(met, 5000) == list(WANTED)
    assert missing(dict.fromkeys(WANTED, 1), 10) == []
