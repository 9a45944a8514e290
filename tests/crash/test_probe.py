"""A probe sees from outside that a node stands still."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from tests.checker.evidence import SystemClock, Witness, read_evidence
from tests.crash.probe import LEAST, WORST_MS, Probe, probed
from tests.crash.router_process import RouterProcess

ANSWERS_WITHIN_S = 20.0
STILL_S = 1.5


async def stand_still(router: RouterProcess, probe: Probe) -> None:
    """Between answers, and long enough that one is asked for meanwhile."""
    await more_answers(probe)
    router.pause()
    await trio.sleep(STILL_S)
    router.go_on()
    await more_answers(probe)


async def more_answers(probe: Probe) -> None:
    with trio.fail_after(ANSWERS_WITHIN_S):
        await probe.has(len(probe.waited_ms) + LEAST)


@pytest.mark.slow
async def test_a_node_that_stands_still_is_seen_and_one_that_is_disturbed_on_purpose_is_not(tmp_path: Path) -> None:
    async with RouterProcess(tmp_path) as router:
        await router.start()
        async with probed(router.at) as probe:
            await more_answers(probe)
            with probe.disturbed():
                router.pause()
                await trio.sleep(STILL_S)
                router.go_on()
            await more_answers(probe)
            assert max(probe.waited_ms) < WORST_MS

            await stand_still(router, probe)
            assert max(probe.waited_ms) > WORST_MS


@pytest.mark.slow
async def test_a_link_that_ends_is_followed_by_another(tmp_path: Path) -> None:
    async with RouterProcess(tmp_path) as router:
        await router.start()
        async with probed(router.at) as probe:
            await more_answers(probe)
            await router.kill()
            await router.start()
            await more_answers(probe)


async def test_a_probe_without_answers_says_how_many_are_missing(tmp_path: Path) -> None:
    async with RouterProcess(tmp_path) as router, probed(router.at) as probe:
        pass
    (tmp_path / "evidence").mkdir()
    with Witness(tmp_path / "evidence", "nemesis", SystemClock(), role="whoever measures") as witness:
        probe.tell(witness)

    _, missing = read_evidence(tmp_path / "evidence")
    assert (missing.fields["value"], missing.fields["most"]) == (LEAST, 0)
