"""Collections: one that was long is the last to look at what made it long."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from byway.garbage_collection import FULL, LONG_S, THRESHOLDS, short_collections
from tests.crash.router_process import ROOT, RouterProcess

SHOWS_THRESHOLDS = """
import gc
from byway import daemon
from byway.cli.app import main
lines = daemon.Started.lines
daemon.Started.lines = lambda started: [f"thresholds {gc.get_threshold()}", *lines(started)]
main()
"""


class Thing:
    """May refer to itself."""

    itself: Thing | None = None


class Clock:
    """Each collection takes `takes_s`."""

    takes_s = 0.0

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        self._now += self.takes_s
        return self._now


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Nothing but the test collects meanwhile."""
    clock = Clock()
    with short_collections(clock):
        gc.disable()
        try:
            yield clock
        finally:
            gc.enable()


def is_looked_at(thing: Thing) -> bool:
    return any(each is thing for each in gc.get_objects(generation=FULL))


def test_what_was_there_at_the_beginning_is_not_looked_at() -> None:
    thing = Thing()
    with short_collections(Clock()):
        gc.collect()
        assert not is_looked_at(thing)


def test_garbage_from_before_is_not_frozen() -> None:
    thing = Thing()
    thing.itself = thing
    seen = weakref.ref(thing)
    del thing
    with short_collections(Clock()):
        assert seen() is None


def test_however_much_there_was_at_the_beginning_a_full_collection_comes_as_soon() -> None:
    there: list[list[None]] = [[] for _ in range(400_000)]
    looks: list[int] = []
    with short_collections(Clock()):
        gc.callbacks.append(lambda phase, info: looks.append(info["generation"]) if phase == "stop" else None)
        try:
            more: list[list[None]] = [[] for _ in range(60_000)]
        finally:
            gc.callbacks.pop()
    assert FULL in looks
    assert len(there) > len(more)


@pytest.mark.parametrize(("takes_s", "looked_at"), [(2 * LONG_S, False), (LONG_S / 2, True)])
def test_a_long_full_collection_is_the_last_to_look_at_what_there_is(
    clock: Clock, *, takes_s: float, looked_at: bool
) -> None:
    clock.takes_s = takes_s
    thing = Thing()
    gc.collect()
    assert is_looked_at(thing) is looked_at


def test_a_long_collection_of_the_young_freezes_nothing(clock: Clock) -> None:
    clock.takes_s = 2 * LONG_S
    frozen = gc.get_freeze_count()
    thing = Thing()
    gc.collect(FULL - 1)
    assert is_looked_at(thing)
    assert gc.get_freeze_count() <= frozen


def test_what_is_frozen_is_freed_when_nothing_refers_to_it(clock: Clock) -> None:
    clock.takes_s = 2 * LONG_S
    thing = Thing()
    seen = weakref.ref(thing)
    gc.collect()
    assert not is_looked_at(thing)
    del thing
    assert seen() is None


def test_a_cycle_that_was_never_frozen_is_found(clock: Clock) -> None:
    clock.takes_s = 2 * LONG_S
    gc.collect()
    thing = Thing()
    thing.itself = thing
    seen = weakref.ref(thing)
    del thing
    assert seen() is not None
    gc.collect()
    assert seen() is None


def test_thresholds_and_callbacks_are_as_before_when_it_is_over() -> None:
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    with suppress(KeyError), short_collections():
        assert gc.get_threshold() == THRESHOLDS != thresholds
        raise KeyError
    assert gc.get_threshold() == thresholds
    assert gc.callbacks == callbacks


@pytest.mark.slow
def test_a_router_that_serves_keeps_its_collections_of_garbage_short(tmp_path: Path) -> None:
    router = RouterProcess(tmp_path)
    command = [sys.executable, "-c", SHOWS_THRESHOLDS, "run", str(router.settings)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"thresholds {THRESHOLDS}\n"
        finally:
            process.terminate()
