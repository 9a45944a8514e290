"""One round of a peer: the same work as a round of ours in `benchmarks.measurements`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import count as numbers
from pathlib import Path
from typing import Final, Literal

from benchmarks.limits import limits_around
from benchmarks.load.process import Results, load_processes, load_time, run_all
from benchmarks.measurements.accept import LINKS
from benchmarks.measurements.fanout import PROCESSES
from benchmarks.peers.peer import Peer, Server
from benchmarks.round import Round

CHECKERS: Final = min(LINKS, os.cpu_count() or 1)  # processes that verify what a peer has accepted

_PUBLISHERS: Final = "benchmarks.peers.publishers"
_SUBSCRIBERS: Final = "benchmarks.peers.subscribers"

Consumer = tuple[str, str, int, int, Literal["checked", "trusting"]]
"""The arguments of one load process: topic, name, number of subscribers, casts for each, and whether they verify."""


class RunningPeer:
    """A peer and its server.  Each round has topics of its own, so that nobody is left from the one before."""

    def __init__(self, peer: Peer, server: Server, casts: Path) -> None:
        self.peer = peer
        self._server = server
        self._casts = casts
        self._rounds = numbers()

    def accept_round(self, count: int) -> Round:
        """Casts confirmed by the server, and verified: where the server does not, by one consumer for each core.

        The time ends when the last cast is confirmed and verified.  Raises `LoadFailed`.
        """
        name = f"accept{next(self._rounds)}"
        topics = [f"{name}-{number % CHECKERS}" for number in range(LINKS)]
        consumers: list[Consumer] = []
        if not self.peer.checks:
            consumers = [(topic, topic, 1, dealt(count, topics, topic), "checked") for topic in sorted(set(topics))]
        return self._round(count, count, topics, consumers, ends=_confirmed)

    def fanout_round(self, subscribers: int, count: int, how: Literal["checked", "trusting"]) -> Round:
        """Casts published on one connection, and each delivered to all subscribers and acked.

        The time ends with the last delivery.  Raises `LoadFailed`.
        """
        topic = f"fanout{next(self._rounds)}"
        shares = [len(range(number, subscribers, PROCESSES)) for number in range(min(PROCESSES, subscribers))]
        consumers: list[Consumer] = [
            (topic, f"{topic}-{number}", share, count, how) for number, share in enumerate(shares)
        ]
        return self._round(count * subscribers, count, [topic], consumers, ends=_delivered)

    def _round(
        self,
        operations: int,
        count: int,
        topics: Sequence[str],
        consumers: Sequence[Consumer],
        *,
        ends: Callable[[Sequence[Results]], float],
    ) -> Round:
        at = (self.peer.name, self._server.address)
        with ExitStack() as stack:
            subscribers = [(*at, *consumer) for consumer in consumers]
            receiving = stack.enter_context(load_processes(_SUBSCRIBERS, *subscribers))
            sending = stack.enter_context(load_processes(_PUBLISHERS, (*at, self._casts, count, *topics)))
            limits = stack.enter_context(limits_around())
            load = [*sending, *receiving]
            before, load_before = self._server.cpu_time(), load_time(load)
            results = run_all(load)
            cpu_s, load_cpu_s = self._server.cpu_time().since_in_both(before), load_time(load).since(load_before)
        return Round(operations, cpu_s, ends(results) - results[0]["began"], limits, load_cpu_s)


def dealt(count: int, topics: Sequence[str], topic: str) -> int:
    """How many of `count` casts go to `topic`, dealt out to one connection for each of `topics`."""
    return sum(len(range(number, count, len(topics))) for number, each in enumerate(topics) if each == topic)


def _delivered(results: Sequence[Results]) -> float:
    """The instant of the last delivery; the first results are the publisher's."""
    instants: list[float] = [each["delivered"] for each in results[1:]]
    return max(instants)


def _confirmed(results: Sequence[Results]) -> float:
    """The instant at which the last cast was confirmed, and delivered to whoever verifies it."""
    confirmed: float = results[0]["ended"]
    return max(confirmed, _delivered(results)) if results[1:] else confirmed
