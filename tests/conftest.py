"""What all tests share."""

from __future__ import annotations

import gc
import inspect
import os
import signal
from collections.abc import Generator, Sequence

import pytest
import structlog
import trio
from hypothesis import HealthCheck, settings

# These machines are shared: how long one example takes says nothing.
settings.register_profile("byway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("byway")


@pytest.fixture(autouse=True)
def log_as_before() -> Generator[None]:
    """A command that runs inside a test sets its log up, and would set it up for those that follow."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def signals_heard() -> Generator[None]:
    """Started in the background or under `nohup`, the tests, and what they start, would not hear these."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Refuse a test that believes it has a virtual clock: pytest-trio looks for one among its own arguments only."""
    for item in items:
        trio_mark = item.get_closest_marker("trio")
        if not isinstance(item, pytest.Function) or trio_mark is None or trio_mark.kwargs.get("run") is not trio.run:
            continue
        clocks = {"autojump_clock", "mock_clock"} & set(item.fixturenames)
        if clocks - set(inspect.signature(inspect.unwrap(item.function)).parameters):
            raise pytest.UsageError(f"{item.nodeid}: only a fixture asks for {min(clocks)}, so real time would pass")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: some tests do nothing for a while but wait for processes that they started."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Look for garbage seldom, and never among the modules and the tests themselves: it takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)
