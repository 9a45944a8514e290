"""What a subscription asked for, and what it is therefore due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.checker.case import Case, Owner, Promise
from tests.checker.evidence import Event
from tests.checker.facets import Facet, read_facet
from tests.checker.matcher import Test, read_filter
from tests.checker.names import is_urn, selects
from tests.checker.statements import CAST, CLOSE, SEALED, Statement


@dataclass(slots=True)
class Wish:
    """One pattern and filter, for as long as they stayed the same."""

    begun: Event
    is_new: bool  # nothing was there that this subscription could go on from
    pattern: str
    test: Test

    def wants(self, target: Target) -> bool:
        """Whether a statement for this target is asked for."""
        if is_urn(self.pattern, "mailbox"):
            return target.address == self.pattern
        if not is_urn(target.address, "topic") or not selects(self.pattern, target.address):
            return False
        return target.facets is None or self.test(target.facets) is not False

    def covers(self, promise: Promise) -> bool:
        """Whether what was promised so lies where this wish looks."""
        came_from = self.begun.fields["from"]
        if came_from == "oldest" or (came_from == "cursor" and self.is_new):
            return True
        if promise.receipt is None or promise.head is None:
            return False
        cursors: dict[int, int] = dict(self.begun.fields["cursors"])
        return promise.receipt.sequence > cursors.get(promise.head.journal, 0)


@dataclass(frozen=True, slots=True)
class Target:
    """What matching needs to know of a statement.  Without facets it is matched by its address alone."""

    address: str
    facets: Mapping[str, Facet] | None


@dataclass(frozen=True, slots=True)
class Due:
    """A promised statement that a subscription is owed."""

    owner: Owner
    wish: Wish
    promise: Promise
    statement: Statement


def target_of(statement: Statement) -> Target | None:
    """For whom a good statement is; None if for nobody."""
    if statement.fault or statement.kind not in (CAST, CLOSE, SEALED):
        return None
    address: str = statement.body["to"]
    if statement.kind != CAST:
        return Target(address, None)
    return Target(address, {name: read_facet(facet) for name, facet in statement.body["facets"].items()})


def wish_of(begun: Event, *, is_new: bool) -> Wish:
    """The wish that an event `subscribed` says.  A filter that is none raises `BadFilterError`."""
    return Wish(begun, is_new, begun.fields["pattern"], read_filter(begun.fields["filter"]))


def last_wish(events: Sequence[Event]) -> Wish | None:
    """What a subscription wished for in the end, if nobody asked to end it."""
    wish: Wish | None = None
    said: tuple[Any, ...] | None = None
    is_new = True
    ending = False  # somebody asked for it, and may have been refused
    epoch = 0
    for event in events:
        if event.name == "unsubscribed":
            ending = True
        elif event.name == "restored":
            epoch = 0
        elif event.name == "subscribed" and (ending or event.fields["epoch"] >= epoch):  # else it came late
            if ending:
                said, is_new = None, event.fields["epoch"] <= epoch  # epochs begin again for a new one only
            ending = False
            epoch = event.fields["epoch"]
            saying = (event.fields["pattern"], event.fields["filter"])
            if saying != said:
                wish, said = wish_of(event, is_new=is_new), saying
            is_new = False
    return None if ending else wish


def due(case: Case) -> Iterator[Due]:
    """Everything that was promised before the end and that somebody has to be brought."""
    wishes = [(owner, wish) for owner, events in case.subscriptions.items() if (wish := last_wish(events))]
    seen: set[tuple[str, bytes]] = set()
    for promise in case.promises:
        statement = case.attempted(promise.id)
        if (promise.node, promise.id) in seen or statement is None or case.is_over(statement, case.drained):
            continue
        if case.is_gone(promise):
            continue
        seen.add((promise.node, promise.id))
        target = target_of(statement)
        if target is None:
            continue
        for owner, wish in wishes:
            if owner.node == promise.node and wish.wants(target) and wish.covers(promise):
                yield Due(owner, wish, promise, statement)
