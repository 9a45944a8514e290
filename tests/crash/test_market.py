"""A market at a router that keeps its promises: each of them is looked at, and a secret in the log is found."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pytest

from tests.checker.evidence import read_evidence
from tests.checker.verdict import judge
from tests.crash.market import LOOK_EVERY_S, open_market
from tests.crash.parties import seeded
from tests.crash.router_process import RouterProcess

LOAD: Final = 60
WITHIN_S: Final = 20.0
STILL_S: Final = 1.5


@pytest.mark.slow
async def test_every_promise_is_looked_at_in_a_market_and_a_secret_in_the_log_is_found(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    async with RouterProcess(tmp_path) as router:
        seed = bytes(router.key)
        await router.start()
        async with open_market(router.at, evidence, seeded("whole"), secrets={seed: "the seed"}) as market:
            await market.load(LOAD, WITHIN_S)
            await market.pause(router, STILL_S, "a pause")
        await router.stop()

    tallies = judge(evidence, stores=[router.store], scanned=[router.log, router.store])
    assert [finding for tally in tallies.values() for finding in tally.findings] == []
    assert [code for code, tally in tallies.items() if not tally.checked] == []

    with router.log.open("a") as log:
        log.write(f"link_opened key={seed.hex()}\n")
    tallies = judge(evidence, stores=[router.store], scanned=[router.log, router.store])
    assert {code for code, tally in tallies.items() if tally.findings} == {"I12"}


@pytest.mark.slow
async def test_a_market_says_for_how_long_it_did_not_run_itself(tmp_path: Path) -> None:
    async with RouterProcess(tmp_path) as router:
        await router.start()
        async with open_market(router.at, tmp_path / "evidence", seeded("away")) as market:
            await market.load(LOAD, WITHIN_S)
            time.sleep(STILL_S)  # noqa: ASYNC251 - so that nobody here runs
            await market.load(LOAD, WITHIN_S)
        await router.stop()

    away = [event.fields["ms"] for event in read_evidence(tmp_path / "evidence") if event.name == "away"]
    assert max(away) == pytest.approx(1000 * STILL_S, abs=1000 * LOOK_EVERY_S)
