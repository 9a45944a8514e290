"""The flow of one subscription over one link: epoch, credit, what is in flight (wire-protocol section 8.5)."""

from __future__ import annotations

from dataclasses import dataclass, field

from byway.protocol.frames import Ack, Deliver


@dataclass(slots=True)
class Flow:
    """One subscription as one link knows it."""

    asked: list[int] = field(default_factory=list)  # the credit of each Subscribe that has no answer yet
    epoch: int | None = None  # None: it does not deliver on this link
    credit: int = 0
    in_flight: dict[tuple[int, int], int] = field(default_factory=dict)  # (journal, sequence) to bytes
    bytes_in_flight: int = 0
    through: dict[int, int] = field(default_factory=dict)  # journal to the sequence acked through
    above: set[tuple[int, int]] = field(default_factory=set)  # acked above that

    def begin(self, epoch: int, cursors: tuple[tuple[int, int], ...]) -> None:
        self.epoch, self.credit = epoch, self.asked.pop(0)
        self.in_flight.clear()
        self.bytes_in_flight = 0
        self.through = dict(cursors)
        self.above.clear()

    def grant(self, credit: int) -> None:
        """The subscriber takes that much more: of what it asked for last, as the server sees it."""
        if self.asked:
            self.asked[-1] += credit
        else:
            self.credit += credit

    def take(self, frame: Deliver) -> bool:
        """Count what is new of a Deliver; a repeat is in flight once, and not at all once it is acked.

        False if it goes beyond the credit.  One statement is always allowed when nothing is in flight.
        """
        through = self.through.get(frame.journal, 0)
        for entry in frame.entries:
            place = (frame.journal, entry.sequence)
            if entry.sequence <= through or place in self.in_flight or place in self.above:
                continue
            size = len(entry.statement)
            if self.in_flight and self.bytes_in_flight + size > self.credit:
                return False
            self.in_flight[place] = size
            self.bytes_in_flight += size
        return True

    def release(self, frame: Ack) -> None:
        """Give the bytes of acked statements back."""
        if frame.epoch != self.epoch:
            return
        journal = frame.journal
        through = self.through[journal] = max(frame.through, self.through.get(journal, 0))
        self.above.update((journal, sequence) for sequence in (*frame.also, *dict(frame.refused)))
        for place in [place for place in self.in_flight if place in self.above or _within(place, journal, through)]:
            self.bytes_in_flight -= self.in_flight.pop(place)
        self.above = {place for place in self.above if not _within(place, journal, through)}


def _within(place: tuple[int, int], journal: int, through: int) -> bool:
    return place[0] == journal and place[1] <= through
