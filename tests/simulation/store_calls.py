"""Calls of a store, as a thread would make them: they take a while, and only the end of the process interrupts them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, TypeVar

import trio

from byway.errors import StoreError
from byway.router.writer import NOT_FATAL
from tests.simulation.states import COMMITTED, COMMITTING, PAGING, RECOVERING, SWEEPING, States

_T = TypeVar("_T")

CALLS: Final = {
    "Writer": COMMITTING,
    "Backlog": PAGING,
    "Sweeper": SWEEPING,
    "Router": RECOVERING,
}  # by who asks the store


class StoreCalls:
    """What a node's process has asked of its store, and has no answer to."""

    def __init__(self, name: str, states: States, random: Random, note: Callable[..., None]) -> None:
        self.failed = trio.Event()  # the store has; whoever starts a process puts another event here
        self.on_full: Callable[[], object] = lambda: None  # it says that its disk is nearly full
        self._name = name
        self._states = states
        self._random = random
        self._note = note
        self._calls: set[trio.CancelScope] = set()

    async def run(self, call: Callable[[], _T], /) -> _T:
        """Make one call, in the state that it stands for."""
        who = call.__qualname__.split(".")[0]
        result: _T
        with trio.CancelScope(shield=True) as scope:
            self._calls.add(scope)
            try:
                with self._states.being(CALLS[who]):
                    await self._states.work(CALLS[who], self._random)
                    result = self._checked(call)
                if who == "Writer":
                    with self._states.being(COMMITTED):
                        await self._states.work(COMMITTED, self._random)
            finally:
                self._calls.remove(scope)
        if scope.cancelled_caught:
            await trio.sleep_forever()  # the process has ended, and so does this
        return result

    def end(self) -> None:
        """The process has ended."""
        for scope in self._calls:
            scope.cancel()

    def _checked(self, call: Callable[[], _T]) -> _T:
        try:
            return call()
        except StoreError as error:
            self._note(f"{self._name} store: {error.code}")
            if error.code == "store-full":
                self.on_full()
            if error.code not in NOT_FATAL:
                self.failed.set()
            raise
