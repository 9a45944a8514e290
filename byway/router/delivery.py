"""One subscription's way through the journal: what is looked at, on its way, and acknowledged. Pure.

A subscription is a cursor over the journal, not a queue of copies.  While it is `live` the router pushes matching
statements as they are committed; one that falls behind is paged from the store instead.  Nothing here waits: a
session asks for what may be sent now, and tells what was acked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from byway.protocol.filter import Filter
from byway.protocol.frames import Entry
from byway.protocol.limits import ACK_TIMEOUT_S, MAX_ALSO
from byway.protocol.topic import TopicPattern
from byway.router.memory import Memory, Ready

MAX_PENDING_BYTES: Final = 262_144  # beyond this a subscriber is slow, and its backlog is better kept on disk
MAX_FRAME_BYTES: Final = 262_144  # one write; other subscriptions of the link get their turn after it
MAX_IN_FLIGHT_BYTES: Final = 4_194_304  # whatever credit a subscriber gives: what it does not ack is kept in memory
PROGRESS: Final = 1024  # so far may the router have looked in vain before the subscriber's cursor is moved past it


@dataclass(frozen=True, slots=True)
class Round:
    """One look through the backlog: up to where the journal went when it began, and the addresses that match."""

    through: int
    addresses: Sequence[str]


@dataclass(slots=True)
class _InFlight:
    ready: Ready
    sent_at: float
    again: bool = True


class Delivery:
    """The state of one linked subscription within one epoch.

    `cursor`: everything up to it is acked, or did not match.  `looked`: the router has looked up to here.
    `live`: `looked` is the end of the journal, and commits are pushed.
    """

    __slots__ = (
        "_also",
        "_credit",
        "_ended",
        "_in_flight",
        "_memory",
        "_pending",
        "_pending_bytes",
        "_sent_bytes",
        "_sent_through",
        "_struck",
        "cursor",
        "epoch",
        "filter",
        "key",
        "live",
        "looked",
        "mailbox",
        "pattern",
        "round",
        "sub",
    )

    def __init__(
        self,
        *,
        key: bytes,
        sub: str,
        epoch: int,
        pattern: TopicPattern | None,
        mailbox: str | None,
        filter: Filter | None,  # noqa: A002 - the protocol's word
        cursor: int,
        also: Iterable[int],
        credit: int,
        memory: Memory,
    ) -> None:
        self.key = key
        self.sub = sub
        self.epoch = epoch
        self.pattern = pattern
        self.mailbox = mailbox
        self.filter = filter
        self.cursor = cursor
        self.looked = cursor
        self.live = False
        self.round: Round | None = None
        self._also = set(also)
        self._credit = credit
        self._memory = memory
        self._ended = False
        self._pending: deque[Ready] = deque()
        self._pending_bytes = 0
        self._in_flight: dict[int, _InFlight] = {}
        self._sent_bytes = 0
        self._sent_through = cursor
        self._struck: set[tuple[bytes, bytes]] | None = None  # there is a set while a page is read

    @property
    def in_flight(self) -> int:
        """How many bytes are sent and not acked."""
        return self._sent_bytes

    @property
    def held(self) -> int:
        """How many bytes are kept in memory for this subscription."""
        return self._pending_bytes + self._sent_bytes

    @property
    def also(self) -> tuple[int, ...]:
        """What is acked above the cursor."""
        return tuple(sorted(self._also))

    def push(self, ready: Ready) -> None:
        """A commit brought a match for a live subscription.  One too many ends `live`: the disk has it too.

        While a subscriber takes nothing more, no more waits for it than it gives credit for.
        """
        if ready.entry.sequence <= self.looked:
            return  # a page that was read at the same time has it
        may_wait = MAX_PENDING_BYTES
        if self._in_flight and self._sent_bytes >= self._credit:
            may_wait = min(may_wait, self._credit)
        if self._pending_bytes + ready.size > may_wait or self._memory.is_full:
            self.live = False
            return
        self.looked = ready.entry.sequence
        self._append(ready)

    @property
    def has_more(self) -> bool:
        """Whether something is left to send or to look for, be there credit for it or not."""
        return bool(self._pending) or not self.live

    def wants_page(self) -> bool:
        """Whether the next part of the backlog should be read from the store."""
        if self.live or self._pending:
            return False
        return not self._in_flight or (self._room() > 0 and not self._memory.is_full)

    @property
    def page_bytes(self) -> int:
        """How large the next page may be: one statement where the node has no memory left."""
        return 1 if self._memory.is_full else MAX_PENDING_BYTES

    def begin_page(self) -> None:
        """The store is about to be looked at; `page` has what was found."""
        self._struck = set()

    def page(self, found: Sequence[Ready], through: int) -> None:
        """The store was looked at up to `through`, and these matched."""
        struck, self._struck = self._struck or (), None
        if self._ended:
            return
        self.looked = through
        for ready in found:
            if ready.entry.sequence not in self._also and ready.name not in struck:
                self._append(ready)

    def end(self) -> None:
        """No link serves it any more: let go of what is held for it."""
        self._ended = True
        for ready in (*self._pending, *(sent.ready for sent in self._in_flight.values())):
            self._memory.release(ready)
        self._pending.clear()
        self._in_flight.clear()
        self._pending_bytes = self._sent_bytes = 0

    def strike(self, name: tuple[bytes, bytes]) -> None:
        """The statement with this id and signer has been ended: it is not sent any more, nor sent again."""
        if self._struck is not None:
            self._struck.add(name)
        for ready in [ready for ready in self._pending if ready.name == name]:
            self._pending.remove(ready)
            self._pending_bytes -= ready.size
            self._memory.release(ready)
        for sent in self._in_flight.values():
            if sent.ready.name == name:
                sent.again = False

    def grant(self, credit: int) -> None:
        """The subscriber takes that many bytes more at a time."""
        self._credit += credit

    def take(self, now_ms: int, now: float, looked: int) -> tuple[list[Entry], int] | None:
        """What to deliver now, and how far the router has looked; None if there is nothing to say.

        `looked` is the end of the journal, for a live subscription.  Expired statements are left out.  Without
        entries it is a mark of progress.
        """
        entries: list[Entry] = []
        size = 0
        room = self._room()
        while self._pending and size < MAX_FRAME_BYTES:
            ready = self._pending[0]
            if ready.expires > now_ms:
                if room < size + ready.size and self._in_flight:
                    break
                size += ready.size
                entries.append(ready.entry)
                self._in_flight[ready.entry.sequence] = _InFlight(ready, now)
            else:
                self._memory.release(ready)
                self._pending_bytes -= ready.size
            self._pending.popleft()
        self._sent_bytes += size
        self._pending_bytes -= size
        if not entries and not self.owes_progress(looked):
            return None
        self._sent_through = entries[-1].sequence if self._pending else self._seen(looked)
        return entries, self._sent_through

    def owes_progress(self, looked: int) -> bool:
        """Whether the subscriber should be told how far the router has looked, although nothing matched."""
        return not self._pending and self._seen(looked) >= self._sent_through + PROGRESS

    def take_late(self, now_ms: int, now: float) -> list[Entry]:
        """What was sent long ago and not acked: it is sent again."""
        late: list[Entry] = []
        size = 0
        for sent in self._in_flight.values():
            if size >= MAX_FRAME_BYTES:
                break
            if sent.again and sent.sent_at + ACK_TIMEOUT_S <= now and sent.ready.expires > now_ms:
                sent.sent_at = now
                size += sent.ready.size
                late.append(sent.ready.entry)
        return late

    @property
    def sent_through(self) -> int:
        return self._sent_through

    def is_in_flight(self, sequence: int) -> bool:
        """Whether this was sent and is not acked."""
        return sequence in self._in_flight

    def ack(self, through: int, also: Iterable[int], refused: Iterable[int]) -> None:
        """Settle what the subscriber has handled, and move the cursor up to the first that is left."""
        settled = []
        for sequence in self._in_flight:  # ascending: they were sent in the order of the journal
            if sequence > through:
                break
            settled.append(sequence)
        for sequence in settled:
            self._settle(sequence)
        for sequence in (*also, *refused):
            if sequence in self._in_flight:
                self._settle(sequence)
                self._also.add(sequence)
        self.cursor = max(self.cursor, next(iter(self._in_flight), self._sent_through + 1) - 1)
        if self._also:
            self._also = {sequence for sequence in self._also if sequence > self.cursor}

    def _settle(self, sequence: int) -> None:
        ready = self._in_flight.pop(sequence).ready
        self._sent_bytes -= ready.size
        self._memory.release(ready)

    def _append(self, ready: Ready) -> None:
        self._pending.append(ready)
        self._pending_bytes += ready.size
        self._memory.hold(ready)

    def _seen(self, looked: int) -> int:
        """Up to where nothing is left that matches and was not sent, once nothing is pending."""
        return max(self.looked, looked) if self.live else self.looked

    def _room(self) -> int:
        if len(self._also) >= MAX_ALSO:
            return 0  # nothing further until what lies below is acked
        return min(self._credit, MAX_IN_FLIGHT_BYTES) - self._sent_bytes
