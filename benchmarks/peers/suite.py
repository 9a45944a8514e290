"""Ours and the peers in turns, on the same machine at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.figure import Figure
from benchmarks.load.prepared import Supply, prepare
from benchmarks.load.process import LoadFailed
from benchmarks.measurements.accept import LINKS
from benchmarks.measurements.fanout import fanout_round
from benchmarks.peers.client import IN_FLIGHT
from benchmarks.peers.comparison import MOST, OURS, Measured, figures
from benchmarks.peers.jetstream import JETSTREAM, JETSTREAM_SYNC
from benchmarks.peers.mosquitto import MOSQUITTO
from benchmarks.peers.nostr import NOSTR
from benchmarks.peers.peer import PeerFailed
from benchmarks.peers.rabbitmq import RABBITMQ
from benchmarks.peers.rounds import RunningPeer
from benchmarks.router_process import RouterProcess, running_router

PEERS: Final = (JETSTREAM, JETSTREAM_SYNC, MOSQUITTO, RABBITMQ, NOSTR)


@dataclass(frozen=True, slots=True)
class PeerSizes:
    """Rounds, and the casts of each: accepted, and by number of subscribers."""

    rounds: int
    accepted: int
    casts_for: Mapping[int, int]

    @property
    def checked(self) -> int:
        """Casts for those subscribers of ours who verify again: fewer, because it takes far longer."""
        return self.casts_for.get(MOST, 0) // 4

    @property
    def casts(self) -> int:
        """That one router needs."""
        return self.rounds * (self.accepted + sum(self.casts_for.values()) + self.checked)


FULL: Final = PeerSizes(5, 2048, {1: 2048, 8: 1024, MOST: 1024})


def missing() -> list[str]:
    """One sentence for each peer that is not on this machine."""
    return [sentence for peer in PEERS if (sentence := peer.missing())]


def versions() -> dict[str, str]:
    """Of the peers on this machine, and of the clients that load them."""
    found: dict[str, str] = {}
    for peer in PEERS:
        if not peer.missing():
            found |= peer.versions()
    return found


def measure(sizes: PeerSizes, folder: Path, leave_out: Callable[[str], object]) -> list[Figure]:
    """The figures of ours, of each peer, and of ours as multiples of theirs.

    All servers run all the time and are measured in turns.  A peer that is missing or fails is left out, and why it
    failed is told to `leave_out`.  Raises `LoadFailed` if ours fails.
    """
    casts = folder / "casts-for-peers"
    prepare(casts, sizes.casts)
    with ExitStack() as stack:
        router = stack.enter_context(running_router())
        running = _start(stack, casts, leave_out)
        measured = {OURS: Measured(checks=True)} | {name: Measured(each.peer.checks) for name, each in running.items()}
        supply = Supply(casts, sizes.casts)
        for _ in range(sizes.rounds):
            _round_of_ours(router, supply, sizes, measured[OURS])
            for name, peer in tuple(running.items()):
                try:
                    _round_of(peer, sizes, measured[name])
                except (LoadFailed, OSError) as error:
                    leave_out(f"{name}: {error}")
                    del running[name], measured[name]
    return figures(measured, [peer.name for peer in PEERS])


def _start(stack: ExitStack, casts: Path, leave_out: Callable[[str], object]) -> dict[str, RunningPeer]:
    running = {}
    for peer in PEERS:
        if not peer.missing():
            try:
                running[peer.name] = RunningPeer(peer, stack.enter_context(peer.running()), casts)
            except PeerFailed as error:
                leave_out(f"{peer.name}: {error}")
    return running


def _round_of_ours(router: RouterProcess, supply: Supply, sizes: PeerSizes, measured: Measured) -> None:
    """What is accepted is delivered to one subscriber too, as the peers deliver it to whoever verifies it."""
    measured.accept.append(fanout_round(router, supply, 1, sizes.accepted, links=LINKS, in_flight=IN_FLIGHT))
    for subscribers, count in sizes.casts_for.items():
        done = fanout_round(router, supply, subscribers, count, in_flight=IN_FLIGHT)
        measured.fanout.setdefault(subscribers, []).append(done)
    if sizes.checked:
        again = fanout_round(router, supply, MOST, sizes.checked, checked=True, in_flight=IN_FLIGHT)
        measured.checked.append(again)


def _round_of(running: RunningPeer, sizes: PeerSizes, measured: Measured) -> None:
    some = running.peer.some
    measured.accept.append(running.accept_round(some(sizes.accepted)))
    for subscribers, count in sizes.casts_for.items():
        done = running.fanout_round(subscribers, some(count), "trusting")
        measured.fanout.setdefault(subscribers, []).append(done)
        if subscribers == MOST and not running.peer.checks:
            measured.checked.append(running.fanout_round(subscribers, some(count), "checked"))
