"""The door: which strangers are let in, before anything is spent on them.

A handshake costs about two milliseconds of a core, and nobody has said by then who it is.  All that is known is the
address prefix, so no prefix may take more than its share of what is under way, of what comes in a second, or of the
links that are open.  A few may wait for their turn; whoever finds no place is closed upon without a word: a word would
need the handshake.  When all places are taken, a prefix that has many gives one up for a prefix that has fewer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog
import trio

from byway.bucket import Buckets
from byway.fair_queue import FairQueue

WAITING: Final = 15  # strangers for each handshake under way; one who waits costs a socket and a task
LINES_PER_S: Final = 0.1  # in the log, about strangers who were turned away
LINES_AT_ONCE: Final = 5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """What strangers may take, in all and from one address prefix (a /24 of IPv4, a /56 of IPv6)."""

    handshakes: int = 64
    prefix_handshakes: int = 16
    prefix_handshakes_per_s: float = 50.0
    links: int = 10_000  # an idle one costs about 40 kB
    prefix_links: int = 2_500


@dataclass(slots=True, eq=False)
class _Waiter:
    """One stranger who waits for a handshake."""

    come: trio.Event = field(default_factory=trio.Event)
    wanted: bool = True


@dataclass(slots=True, eq=False)
class Stranger:
    """One who has a place; `close` makes it go."""

    prefix: str
    close: Callable[[], object]


class Turn:
    """The right to cost what a handshake costs.  It ends once, however often that is said."""

    def __init__(self, pass_on: Callable[[], None]) -> None:
        self._pass_on: Callable[[], None] | None = pass_on

    def over(self) -> None:
        """The work is done; who only waits needs no turn."""
        pass_on, self._pass_on = self._pass_on, None
        if pass_on is not None:
            pass_on()


class Door:
    """Counts who is inside.  `now` is the time of the event loop, in seconds."""

    def __init__(self, limits: DoorLimits) -> None:
        self.links = 0  # open now
        self._limits = limits
        self._linked: Counter[str] = Counter()
        self._strangers: dict[str, dict[Stranger, None]] = {}
        self._places = (1 + WAITING) * limits.handshakes
        self._free = limits.handshakes
        self._waiting: FairQueue[_Waiter] = FairQueue()
        self._shares: dict[str, trio.Semaphore] = {}
        self._rates = Buckets(rate=limits.prefix_handshakes_per_s, burst=2 * limits.prefix_handshakes_per_s)
        self._lines = Buckets(rate=LINES_PER_S, burst=LINES_AT_ONCE)
        self._turned_away = 0

    def enter(self, prefix: str, now: float, close: Callable[[], object]) -> Stranger | None:
        """A place for a stranger from `prefix`, to be given back with `leave`; None: it cannot stay.

        `close` is called if the place has to be given up for somebody else.
        """
        there = len(self._strangers.get(prefix, ()))
        if there >= (1 + WAITING) * self._limits.prefix_handshakes or self._rates.wait(prefix, now):
            self._note(prefix, now)
            return None
        if not self._places and not self._make_room(there, now):
            self._note(prefix, now)
            return None
        self._rates.spend(prefix, now, 1)
        self._places -= 1
        stranger = Stranger(prefix, close)
        self._strangers.setdefault(prefix, {})[stranger] = None
        return stranger

    def _make_room(self, there: int, now: float) -> bool:
        """Turn away who has been there longest of the prefix that has most, if those are more than `there`."""
        crowded = max(self._strangers.values(), key=len)
        if len(crowded) <= there:
            return False
        longest = next(iter(crowded))
        self.leave(longest)
        longest.close()
        self._note(longest.prefix, now)
        return True

    @asynccontextmanager
    async def handshake(self, prefix: str) -> AsyncGenerator[Turn]:
        """The turn of a stranger who has entered, as soon as there is one: prefixes that wait get theirs in turn."""
        share = self._shares.setdefault(prefix, trio.Semaphore(self._limits.prefix_handshakes))
        try:
            share.acquire_nowait()  # where nobody waits, that needs no turn of the event loop
        except trio.WouldBlock:
            await share.acquire()
        try:
            await self._begin(prefix)
            turn = Turn(self._pass_on)
            try:
                yield turn
            finally:
                turn.over()
        finally:
            share.release()

    def leave(self, stranger: Stranger) -> None:
        """One who entered is a stranger no more, or gone; it may be said again."""
        others = self._strangers.get(stranger.prefix, {})
        if stranger not in others:
            return
        del others[stranger]
        self._places += 1
        if not others:
            del self._strangers[stranger.prefix]
            self._shares.pop(stranger.prefix, None)

    def open(self, prefix: str) -> bool:
        """Whether one link more from `prefix` may be served; one that may has to `close`."""
        if self.links >= self._limits.links or self._linked[prefix] >= self._limits.prefix_links:
            return False
        self.links += 1
        self._linked[prefix] += 1
        return True

    def close(self, prefix: str) -> None:
        """A link is over."""
        self.links -= 1
        _less(self._linked, prefix)

    async def _begin(self, prefix: str) -> None:
        """Wait for one of all handshakes that may be under way."""
        if self._free:
            self._free -= 1
            return
        turn = _Waiter()
        self._waiting.put(prefix, None, [turn])
        try:
            await turn.come.wait()
        except trio.Cancelled:
            turn.wanted = False
            if turn.come.is_set():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """A handshake is over: it is the turn of the next who still waits."""
        while self._waiting:
            (turn,) = self._waiting.take(1)
            if turn.wanted:
                turn.come.set()
                return
        self._free += 1

    def _note(self, prefix: str, now: float) -> None:
        """A flood must not become one of log lines."""
        self._turned_away += 1
        if not self._lines.wait(None, now):
            self._lines.spend(None, now, 1)
            log.warning("strangers_turned_away", code="busy", count=self._turned_away, prefix=prefix)
            self._turned_away = 0


def _less(counts: Counter[str], key: str) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
