"""What every scenario has: a byway in a process, and a clock that jumps over what nobody does anything in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.scenarios.byway_in_a_process import World, byway_in_a_process


def run_on_a_virtual_clock(main: Callable[[], Awaitable[Any]], *, clock: None, instruments: Sequence[Any]) -> Any:
    del clock  # pytest-trio finds one only among the arguments of the test itself
    return trio.run(main, clock=MockClock(autojump_threshold=0), instruments=instruments)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.trio(run=run_on_a_virtual_clock), append=False)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[World]:
    async with byway_in_a_process(tmp_path, monkeypatch) as running:
        yield running
