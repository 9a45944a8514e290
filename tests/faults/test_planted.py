"""One bug in a router and one in the client library, which the checker sees; `make faults-planted` has the rest."""

from __future__ import annotations

from pathlib import Path
from random import Random

import msgpack
import pytest

from byway.protocol.limits import HOUR_MS
from byway.protocol.statement import HEADER, SIGNATURE_BYTES
from byway.protocol.urn import node_urn
from tests.checker.canonical_form import NotCanonicalError, read
from tests.checker.verdict import judge
from tests.crash.broken_client import hand_on_twice
from tests.crash.market import open_market
from tests.crash.parties import make_cast, seeded
from tests.crash.router_process import RouterProcess
from tests.faults.one_planted import run_one
from tests.faults.one_planted_world import is_broken_by, run_worlds
from tests.faults.planted import CONTROLS, RUNS, TooLittleError, is_right, red
from tests.faults.planted_router import re_encoded
from tests.simulation.planted import PLANTED
from tests.simulation.test_simulation_planted import BREAKS

OF_THE_MACHINE = "I15"  # how long one waits is not the bug's to say, where everything else runs beside it


@pytest.mark.slow
@pytest.mark.parametrize("bug", ["cursor_before_ack"])
async def test_a_bug_in_the_router_turns_the_checker_red(bug: str, tmp_path: Path) -> None:
    broken = await red(bug, tmp_path, seeded(bug))

    assert is_right(bug, broken)


def test_a_run_with_a_bug_is_caught_by_what_it_breaks_and_a_control_has_to_be_green() -> None:
    assert is_right("dedupe_off", {"I7", "I13"})
    assert not is_right("dedupe_off", {"I13"})
    assert is_right("killed", set())
    assert not is_right("killed", {"I13"})


def test_no_control_has_the_name_of_a_bug() -> None:
    assert not CONTROLS.keys() & RUNS.keys()


def test_a_run_in_which_too_little_happened_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def too_little(*_: object) -> set[str]:
        raise TooLittleError("3 receipts came, and 9 are needed")

    monkeypatch.setattr("tests.faults.one_planted.red", too_little)

    assert run_one("brought_much", "7", tmp_path) == {
        "name": "brought_much",
        "seed": "7",
        "untold": "3 receipts came, and 9 are needed",
    }


def test_the_seed_that_is_printed_gives_a_planted_run_its_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    async def noted(_name: str, _folder: Path, chance: Random) -> set[str]:
        given.append(chance.random())
        return {"I7"}

    monkeypatch.setattr("tests.faults.one_planted.red", noted)
    for seed in ("7", "7", "8"):
        run_one("dedupe_off", seed, tmp_path)

    assert given[0] == given[1] != given[2]


def test_a_bug_in_a_simulated_world_is_caught_by_what_it_breaks() -> None:
    assert is_broken_by("key-logged", set(run_worlds("key-logged", 5)["broken"]))
    assert is_broken_by("key-logged", {"I12"})
    assert not is_broken_by("key-logged", {"I1"})


def test_each_bug_of_the_simulated_worlds_has_a_promise_that_it_breaks() -> None:
    assert BREAKS.keys() == PLANTED.keys()


def test_a_re_encoded_cast_says_the_same_and_is_not_canonical() -> None:
    cast = make_cast(seeded("cast"), node_urn(bytes(32)), lifetime_ms=HOUR_MS).statement
    body = re_encoded(cast.data)[HEADER.size : -SIGNATURE_BYTES]

    assert msgpack.unpackb(body) == msgpack.unpackb(cast.body_bytes)
    assert int.from_bytes(re_encoded(cast.data)[HEADER.size - 4 : HEADER.size], "big") == len(body)
    with pytest.raises(NotCanonicalError, match="an integer has a shorter form"):
        read(body)


@pytest.mark.slow
async def test_a_client_library_that_hands_on_each_cast_twice_turns_the_checker_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_on_twice(monkeypatch)

    async with RouterProcess(tmp_path) as router:
        await router.start()
        async with open_market(router.at, tmp_path / "evidence", seeded("twice")) as market:
            await market.load(20, 10.0)
        await router.stop()

    tallies = judge(tmp_path / "evidence", stores=[router.store])
    broken = {code for code, tally in tallies.items() if tally.findings}
    assert broken - {OF_THE_MACHINE} == {"I6"}
