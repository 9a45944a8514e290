"""What a machine is built of, as far as a simulation or a planted bug puts something around it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any, cast

import trio

from byway.link.link import Link
from byway.protocol.frames import Ack, Deliver, Frame
from byway.protocol.statement import is_signed
from byway.router.router import Router
from byway.router.session import Resolver, Session
from byway.router.verifier import Verifier
from byway.store.store import Store
from tests.simulation.states import AWAITING, DELIVERING, VERIFYING, States

if TYPE_CHECKING:
    from tests.simulation.machine import Machine


class Parts:
    """What a machine is built of.  A planted bug is a subclass that wraps one of them."""

    def store(self, machine: Machine, store: Store) -> Store:
        del machine
        return store

    def link(self, machine: Machine, link: Link) -> Link:
        return cast("Link", WatchedLink(link, machine.states, machine.random))

    def verifier(self, machine: Machine) -> Verifier:
        return SlowVerifier(machine.states, machine.random)

    def session(self, machine: Machine, router: Router, link: Link, resolver: Resolver | None) -> Session:
        return Session(router, link, now_ms=machine.now_ms, resolver=resolver)


class WatchedLink:
    """A link that says when it delivers, and while something delivered is not acked."""

    def __init__(self, link: Link, states: States, random: Random) -> None:
        self._link = link
        self._states = states
        self._random = random
        self._waiting: set[tuple[str, int]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    async def send_many(self, frames: Sequence[Frame]) -> None:
        sequences = {
            (frame.sub, each.sequence) for frame in frames if isinstance(frame, Deliver) for each in frame.entries
        }
        if not sequences:
            await self._link.send_many(frames)
            return
        with self._states.being(DELIVERING):
            await self._states.work(DELIVERING, self._random)
            await self._link.send_many(frames)
        self._wait_for(self._waiting | sequences)

    async def receive(self) -> list[Frame]:
        frames = await self._link.receive()
        for frame in frames:
            if isinstance(frame, Ack):
                done = {*frame.also, *(sequence for sequence, _ in frame.refused)}
                self._wait_for(
                    {
                        (sub, sequence)
                        for sub, sequence in self._waiting
                        if sub != frame.sub or (sequence > frame.through and sequence not in done)
                    }
                )
        return frames

    def ended(self) -> None:
        self._wait_for(set())

    def _wait_for(self, waiting: set[tuple[str, int]]) -> None:
        if waiting and not self._waiting:
            self._states.enter(AWAITING)
        elif self._waiting and not waiting and AWAITING in self._states.now:
            self._states.leave(AWAITING)
        self._waiting = waiting


class SlowVerifier:
    """Verifies after a while, as one in other processes does."""

    side_by_side = 2

    def __init__(self, states: States, random: Random) -> None:
        self._states = states
        self._random = random

    async def verify(self, statements: Sequence[bytes]) -> Sequence[bool]:
        with self._states.being(VERIFYING):
            await self._states.work(VERIFYING, self._random)
        await trio.lowlevel.checkpoint()
        return [is_signed(data) for data in statements]
