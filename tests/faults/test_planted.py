"""One bug in a router and one in the client library, which the checker sees; `make faults-planted` has the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checker.verdict import judge
from tests.crash.broken_client import hand_on_twice
from tests.crash.market import open_market
from tests.crash.parties import seeded
from tests.crash.router_process import RouterProcess
from tests.faults.planted import is_caught, red


@pytest.mark.slow
@pytest.mark.parametrize("bug", ["cursor_before_ack"])
async def test_a_bug_in_the_router_turns_the_checker_red(bug: str, tmp_path: Path) -> None:
    broken = await red(bug, tmp_path, seeded(bug))

    assert is_caught(bug, broken)


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
    assert {code for code, tally in tallies.items() if tally.findings} == {"I6"}
