"""The life of one subscription, replayed: what came, what was acked in which epoch, and where the cursor may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.checker.case import Case, short
from tests.checker.evidence import Event
from tests.checker.statements import Statement
from tests.checker.wishes import target_of, wish_of

Place = tuple[int, int]  # journal and sequence


class Wrong(NamedTuple):
    """Something that the server should not have said, and the lines that show it."""

    sentence: str
    evidence: tuple[Event | None, ...]


@dataclass(slots=True)
class Replay:
    """Feed it the events in order; each call gives what was wrong.

    `open` has the entries that came and were not acked in the epoch in which they came last, `acked` the epoch in
    which the others were.  The server may not move a cursor over what is open, and may not bring again in an epoch what
    it has confirmed in it.

    A link that another one has replaced may still bring what was on its way: nothing that was handed in after the other
    one had heard of its epoch, and nothing over the other one itself.  It settles nothing: all of it has to come again.
    """

    case: Case
    open: dict[Place, Event] = field(default_factory=dict)
    acked: dict[Place, int] = field(default_factory=dict)
    settled: set[bytes] = field(default_factory=set)  # ids that were acked or refused
    refused: set[bytes] = field(default_factory=set)
    confirmed: dict[bytes, Event] = field(default_factory=dict)  # ids that the server has made durable as acked
    _epoch: int = 0
    _said: tuple[Any, ...] = ()  # pattern and filter of this epoch
    _begun: dict[int, Event] = field(default_factory=dict)  # when the subscriber heard of each epoch
    _asked: dict[str, Event] = field(default_factory=dict)  # when it last asked for one, by link
    _through: dict[int, Event] = field(default_factory=dict)  # the last `acked` of this epoch, by journal
    _unconfirmed: dict[Place, bytes] = field(default_factory=dict)

    def feed(self, event: Event) -> Iterator[Wrong]:
        match event.name:
            case "subscribing":
                self._asked[_link_of(event)] = event
            case "subscribed":
                yield from self._subscribed(event)
            case "received":
                yield from self._received(event)
            case "ack-sent":
                self._sent(event)
            case "acked":
                yield from self._confirmed(event)
            case "unsubscribed" | "restored":
                self.open.clear()
                self.acked.clear()
                self._through.clear()
                self._unconfirmed.clear()
                self._begun.clear()
                self._epoch = 0

    def _subscribed(self, event: Event) -> Iterator[Wrong]:
        epoch = event.fields["epoch"]
        if self._was_asked_for_before_the_next(event):
            self._begun[epoch] = event
            return
        if epoch <= self._epoch:
            yield Wrong(f"epoch {epoch} began after epoch {self._epoch}", (event,))
        if not self._epoch:
            self.open.clear()  # what came after the subscription was ended; the epochs of the next one begin anew
        self._epoch = epoch
        self._begun[epoch] = event
        self._through.clear()
        if event.fields["from"] == "cursor":
            for journal, cursor in event.fields["cursors"]:
                yield from self._passed(event, journal, cursor, None)
        else:
            self.open.clear()
        said = (event.fields.get("pattern"), event.fields.get("filter"))
        if said != self._said and self._said:  # of the earlier wish only what the new one wants comes again
            self.open = {place: came for place, came in self.open.items() if self._is_wanted(came, event)}
        self._said = said

    def _is_wanted(self, came: Event, begun: Event) -> bool:
        found = self.case.statement(came.fields["statement"])
        target = target_of(found) if isinstance(found, Statement) else None
        return target is not None and wish_of(begun, is_new=False).wants(target)

    def _received(self, event: Event) -> Iterator[Wrong]:
        journal, sequence, epoch = (event.fields[name] for name in ("journal", "sequence", "epoch"))
        if epoch < self._epoch:
            yield from self._came_late(event)
            return
        confirmed = self._through.get(journal)
        if confirmed is not None and epoch == self._epoch and sequence <= confirmed.fields["through"]:
            yield Wrong(f"sequence {sequence} came again in epoch {epoch} after it was confirmed", (confirmed, event))
        if self.acked.get((journal, sequence)) != epoch:
            self.open[journal, sequence] = event

    def _came_late(self, event: Event) -> Iterator[Wrong]:
        """An entry of an epoch that is over: it was on its way before the next one, or the link is not fenced off."""
        next_ = self._begun[self._next(event)]
        statement_id = self.case.id_of(event.fields["statement"])
        if _link_of(event) == _link_of(next_):
            yield Wrong(f"{short(statement_id)} came in an epoch that was over on the same link", (next_, event))
        elif not self.case.was_known_by(statement_id, next_):
            yield Wrong(f"{short(statement_id)} was sent to a link after another one had replaced it", (next_, event))

    def _was_asked_for_before_the_next(self, event: Event) -> bool:
        """Whether the answer was overtaken by that to another link, which asked at the same time and came second."""
        epoch, link = event.fields["epoch"], _link_of(event)
        if epoch >= self._epoch or epoch in self._begun or link not in self._asked:
            return False
        next_ = self._begun[self._next(event)]
        return _link_of(next_) != link and self._asked[link].monotonic_ns <= next_.monotonic_ns

    def _next(self, event: Event) -> int:
        """The first epoch that the subscriber heard of and that came after the one of this event."""
        return min(epoch for epoch in self._begun if epoch > event.fields["epoch"])

    def _sent(self, event: Event) -> None:
        journal, through, epoch = (event.fields[name] for name in ("journal", "through", "epoch"))
        also, refused = set(event.fields["also"]), {sequence for sequence, _ in event.fields["refused"]}
        for place, came in list(self.open.items()):
            sequence = place[1]
            named = sequence <= through or sequence in also or sequence in refused
            if place[0] == journal and came.fields["epoch"] == epoch and named:
                del self.open[place]
                statement_id = self.case.id_of(came.fields["statement"])
                self.acked[place] = epoch
                self.settled.add(statement_id)
                self._unconfirmed[place] = statement_id
                if sequence in refused:
                    self.refused.add(statement_id)

    def _confirmed(self, event: Event) -> Iterator[Wrong]:
        journal, through, epoch = (event.fields[name] for name in ("journal", "through", "epoch"))
        if epoch != self._epoch:
            return
        yield from self._passed(event, journal, through, epoch)
        self._through[journal] = event
        for place in [place for place in self._unconfirmed if place[0] == journal and place[1] <= through]:
            self.confirmed[self._unconfirmed.pop(place)] = event

    def _passed(self, event: Event, journal: int, cursor: int, epoch: int | None) -> Iterator[Wrong]:
        """The cursor is at `cursor`: what is open below it must be over, or have come in another epoch."""
        for place in [place for place in self.open if place[0] == journal and place[1] <= cursor]:
            came = self.open[place]
            if epoch is not None and came.fields["epoch"] != epoch:
                continue
            del self.open[place]
            found = self.case.statement(came.fields["statement"])
            if isinstance(found, Statement) and not self.case.is_over(found, event):
                yield Wrong(f"the cursor went over {short(found.id)}, which was not acked", (came, event))


def _link_of(event: Event) -> str:
    """Which link it was; those that have no name are one."""
    link: str = event.fields.get("link", "")
    return link


def replayed(case: Case, events: Sequence[Event]) -> tuple[Replay, list[Wrong]]:
    """A whole subscription, and everything that was wrong in it."""
    replay = Replay(case)
    return replay, [wrong for event in events for wrong in replay.feed(event)]


def settled(case: Case, events: Sequence[Event]) -> set[bytes]:
    """The ids of what the subscriber acked or refused."""
    return replayed(case, events)[0].settled
