"""Bugs, planted by wrappers around real parts: each has to turn seeds red, which `test_simulation_planted` looks at.

None of them is a switch of the product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, cast

import structlog

from byway.errors import LinkError
from byway.link.link import Link
from byway.protocol.frames import Ack, Deliver, Ended, Entry, Frame, Subscribed
from byway.router.router import Router
from byway.router.session import Resolver, Session
from byway.router.verifier import Verifier
from byway.store.store import Store
from tests.simulation.machine import Machine
from tests.simulation.parts import Parts, SlowVerifier, WatchedLink
from tests.simulation.run import Outcome, simulate

log = structlog.get_logger()

DAY_MS: Final = 86_400_000
MANY: Final = 2  # statements


class _Wrapped:
    """Everything is the wrapped part's, except what a subclass says."""

    def __init__(self, part: Any) -> None:
        self.part = part

    def __getattr__(self, name: str) -> Any:
        return getattr(self.part, name)


class _LateStore(_Wrapped):
    """Says that it has committed, and does it with the next call."""

    def __init__(self, part: Any) -> None:
        super().__init__(part)
        self._due: list[Callable[[], object]] = []

    def __getattr__(self, name: str) -> Any:
        while name != "damaged" and self._due:
            self._due.pop(0)()
        return super().__getattr__(name)

    def commit(self, entries: Sequence[Any], **rest: Any) -> None:
        while self._due:
            self._due.pop(0)()
        self._due.append(lambda: self.part.commit(entries, **rest))


class _ForgetfulStore(_Wrapped):
    """Never finds what it has already."""

    def find(self, wanted: bytes) -> None:
        del wanted


class _HastyStore(_Wrapped):
    """Sweeps what will expire only tomorrow."""

    def sweep(self, now: int, rows: int) -> int:
        swept: int = self.part.sweep(now + DAY_MS, rows)
        return swept


class _HoardingStore(_Wrapped):
    """Sweeps nothing."""

    def sweep(self, now: int, rows: int) -> int:
        del now, rows
        return 0


class _EditedLink(WatchedLink):
    """Edits what is delivered."""

    def edited(self, entries: Iterable[Entry]) -> Sequence[Entry]:
        raise NotImplementedError

    async def send_many(self, frames: Sequence[Frame]) -> None:
        await super().send_many(
            [
                replace(frame, entries=tuple(self.edited(frame.entries))) if isinstance(frame, Deliver) else frame
                for frame in frames
            ]
        )


class _DroppingLink(_EditedLink):
    def edited(self, entries: Iterable[Entry]) -> Sequence[Entry]:
        return [each for each in entries if self._random.random() >= 1 / 50]


class _ReencodingLink(_EditedLink):
    """One delivery in 20 has another byte in its signature."""

    def edited(self, entries: Iterable[Entry]) -> Sequence[Entry]:
        return [
            Entry(each.sequence, each.statement[:-1] + bytes([each.statement[-1] ^ 1]))
            if self._random.random() < 1 / 20
            else each
            for each in entries
        ]


class _OpenLink(WatchedLink):
    """Is not told that another link has replaced it, and goes on bringing what that one brings."""

    def __init__(self, machine: Machine, link: Link, others: list[_OpenLink]) -> None:
        super().__init__(link, machine.states, machine.random)
        self._epochs: dict[str, int] = {}
        self._others = others
        others.append(self)

    async def send_many(self, frames: Sequence[Frame]) -> None:
        self._epochs |= {frame.sub: frame.epoch for frame in frames if isinstance(frame, Subscribed)}
        await super().send_many([each for each in frames if not (isinstance(each, Ended) and each.code == "replaced")])
        for frame in frames:
            if isinstance(frame, Deliver):
                for other in self._others:
                    await other.bring_too(frame, self._link.peer)

    async def bring_too(self, frame: Deliver, peer: bytes) -> None:
        epoch = self._epochs.get(frame.sub, frame.epoch)
        if self._link.peer == peer and epoch < frame.epoch:
            with suppress(LinkError):
                await self._link.send(replace(frame, epoch=epoch))


class _TrustingSession(Session):
    """Takes an ack of any epoch for one of today's, whichever link it comes over."""

    def _ack(self, frame: Ack) -> None:
        linked = self._router._subscriptions.linked((self._link.peer, frame.sub))
        if linked is not None:
            self._router.acked(linked.delivery, frame.through, frame.also, frame.refused)


class _HoardingSession(Session):
    """Lets go of nothing that it has sent."""

    def _ack(self, frame: Ack) -> None:
        delivery = self._deliveries.get(frame.sub)
        for sent in delivery._in_flight.values() if delivery else ():
            self._router._memory.hold(sent.ready)
        super()._ack(frame)


class _CredulousVerifier(SlowVerifier):
    """Takes whatever comes alone for signed."""

    async def verify(self, statements: Sequence[bytes]) -> Sequence[bool]:
        verdicts = await super().verify(statements)
        return verdicts if len(verdicts) > MANY else [True] * len(verdicts)


class NotFlushed(Parts):
    """`synchronous=NORMAL`: the log is flushed now and then."""

    def store(self, machine: Machine, store: Store) -> Store:
        del machine
        cast("Any", store)._database._connection.pragma("synchronous", "normal")  # the switch is SQLite's
        return store


class SignatureUnchecked(Parts):
    def verifier(self, machine: Machine) -> Verifier:
        return _CredulousVerifier(machine.states, machine.random)


class ReceiptBeforeCommit(Parts):
    def store(self, machine: Machine, store: Store) -> Store:
        del machine
        return cast("Store", _LateStore(store))


class NoDedupe(Parts):
    def store(self, machine: Machine, store: Store) -> Store:
        del machine
        return cast("Store", _ForgetfulStore(store))


class ExpiresTooSoon(Parts):
    def store(self, machine: Machine, store: Store) -> Store:
        del machine
        return cast("Store", _HastyStore(store))


class NeverExpires(Parts):
    """A session compares with a time at which nothing had expired, and nothing is swept behind its back."""

    def store(self, machine: Machine, store: Store) -> Store:
        del machine
        return cast("Store", _HoardingStore(store))

    def session(self, machine: Machine, router: Router, link: Link, resolver: Resolver | None) -> Session:
        del machine
        return Session(router, link, now_ms=lambda: 0, resolver=resolver)


class DroppedDelivery(Parts):
    def link(self, machine: Machine, link: Link) -> Link:
        return cast("Link", _DroppingLink(link, machine.states, machine.random))


class OneByteReencoded(Parts):
    def link(self, machine: Machine, link: Link) -> Link:
        return cast("Link", _ReencodingLink(link, machine.states, machine.random))


class StaleAckAccepted(Parts):
    def session(self, machine: Machine, router: Router, link: Link, resolver: Resolver | None) -> Session:
        return _TrustingSession(router, link, now_ms=machine.now_ms, resolver=resolver)


class ReplacedLinkServed(Parts):
    def __init__(self) -> None:
        self._links: list[_OpenLink] = []

    def link(self, machine: Machine, link: Link) -> Link:
        return cast("Link", _OpenLink(machine, link, self._links))


class MemoryKept(Parts):
    def session(self, machine: Machine, router: Router, link: Link, resolver: Resolver | None) -> Session:
        return _HoardingSession(router, link, now_ms=machine.now_ms, resolver=resolver)


class KeyLogged(Parts):
    def link(self, machine: Machine, link: Link) -> Link:
        log.info("link_opened", key=bytes(machine.key).hex())
        return super().link(machine, link)


PLANTED: Final[Mapping[str, type[Parts]]] = {
    "synchronous-normal": NotFlushed,
    "receipt-before-commit": ReceiptBeforeCommit,
    "delivery-dropped": DroppedDelivery,
    "signature-unchecked": SignatureUnchecked,
    "dedupe-off": NoDedupe,
    "expires-too-soon": ExpiresTooSoon,
    "never-expires": NeverExpires,
    "stale-ack-accepted": StaleAckAccepted,
    "replaced-link-served": ReplacedLinkServed,
    "one-byte-reencoded": OneByteReencoded,
    "memory-kept": MemoryKept,
    "key-logged": KeyLogged,
}


def simulate_planted(planted: str | None, traced: bool, seed: int) -> Outcome:
    """One seed with the bug of this name, or with none; its trace is left out unless it is to be `traced`."""
    outcome = simulate(seed, PLANTED[planted]() if planted else Parts())
    if not traced:
        outcome.trace.clear()  # it would cross to another process
    return outcome
