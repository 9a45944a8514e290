"""Ours beside the peers, on the same work in the same rounds: pure arithmetic."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.figure import Figure
from benchmarks.round import Round, cpu_figure, load_figure, rate_figure

OURS: Final = "byway"
MOST: Final = 64  # the number of subscribers at which all are compared


@dataclass(slots=True)
class Measured:
    """The rounds of one server."""

    checks: bool
    """Whether the server verifies signatures.  Where it does not, the consumers verified what was accepted."""
    accept: list[Round] = field(default_factory=list)
    fanout: dict[int, list[Round]] = field(default_factory=dict)
    """By number of subscribers, none of which verifies."""
    checked: list[Round] = field(default_factory=list)
    """With `MOST` subscribers that verify each cast themselves: where the server does not, and at ours once more."""

    @property
    def same_check(self) -> Sequence[Round]:
        """With `MOST` subscribers, after the same check: by the server, or else by the consumers."""
        return self.fanout.get(MOST, []) if self.checks else self.checked


def figures(measured: Mapping[str, Measured], peers: Collection[str]) -> list[Figure]:
    """Those of each server by itself, and then ours as multiples of theirs; `peers` are all that there are."""
    alone = [figure for name, server in measured.items() for figure in _alone(name, server)]
    return [*alone, *compare(measured, peers)]


def compare(measured: Mapping[str, Measured], peers: Collection[str]) -> list[Figure]:
    """One sample for each round.  A comparison with a peer that was not measured is left out.

    Only of all `peers` can the best be told: unless each was measured, nothing is compared with it.
    """
    ours = measured[OURS]
    theirs = {name: peer for name, peer in measured.items() if name != OURS}
    found = []
    if "jetstream_sync" in theirs:
        accepted = _rates(ours.accept, theirs["jetstream_sync"].accept)
        found.append(_times("accept_vs_jetstream_sync", accepted, "times the casts a second that it accepts"))
    if "jetstream" in theirs and MOST in ours.fanout:
        pairs = zip(ours.fanout[MOST], theirs["jetstream"].fanout[MOST], strict=True)
        costs = [us.cpu_each_s / them.cpu_each_s for us, them in pairs]
        found.append(Figure.of("fanout64_cpu_vs_jetstream", costs, "times its CPU a delivery"))
    if theirs.keys() == set(peers) and MOST in ours.fanout:
        found += _compare_with_best(ours, list(theirs.values()))
    return found


def _compare_with_best(ours: Measured, theirs: Sequence[Measured]) -> list[Figure]:
    checked = _rates(ours.fanout[MOST], _best([peer.same_check for peer in theirs]))
    unchecked = _rates(ours.fanout[MOST], _best([peer.fanout[MOST] for peer in theirs]))
    again = _rates(ours.checked, _best([peer.checked for peer in theirs if not peer.checks]))
    name, unit = f"fanout{MOST}_vs_best_peer", "times the deliveries a second"
    return [
        _times(name, checked, f"{unit}, after the same check"),
        _times(f"{name}_unchecked", unchecked, f"{unit}, though nobody verifies those of the peer"),
        _times(f"{name}_checked", again, f"{unit}, where each subscriber verifies, ours too"),
    ]


def _alone(name: str, server: Measured) -> list[Figure]:
    who = "server" if server.checks else "server, and the check by the consumer"
    found = [
        rate_figure(f"{name}_accept_per_s", server.accept, "casts a second, verified"),
        cpu_figure(f"{name}_accept_cpu_us", [_with_check(server, each) for each in server.accept], f"µs of CPU: {who}"),
        load_figure(f"{name}_accept_load_cores", server.accept),
    ]
    if not server.checks:
        found.append(cpu_figure(f"{name}_accept_server_cpu_us", server.accept, "µs of CPU: server alone"))
    for subscribers, rounds in server.fanout.items():
        fanout = f"{name}_fanout{subscribers}"
        found.append(cpu_figure(f"{fanout}_cpu_us", rounds, "µs of CPU a delivery: server"))
        if subscribers == MOST and not server.checks:
            found += _rate(f"{fanout}_unchecked", rounds, "deliveries a second that nobody verifies")
        rates = server.same_check if subscribers == MOST else rounds
        found += _rate(fanout, rates, f"deliveries a second, {subscribers} subscribers")
    if server.checks and server.checked:
        unit = f"deliveries a second, {MOST} subscribers who verify again"
        found += _rate(f"{name}_fanout{MOST}_checked", server.checked, unit)
    return found


def _rate(name: str, rounds: Sequence[Round], unit: str) -> list[Figure]:
    """And how busy the load was in the same rounds."""
    return [rate_figure(f"{name}_per_s", rounds, unit), load_figure(f"{name}_load_cores", rounds)]


def _with_check(server: Measured, accepted: Round) -> Round:
    """The same round, in which a check by the consumer costs one verification as it was measured around the round."""
    check_s = 0.0 if server.checks else accepted.operations * accepted.limits.verification_s
    return Round(accepted.operations, accepted.cpu_s + check_s, accepted.elapsed_s, accepted.limits)


def _rates(ours: Sequence[Round], theirs: Sequence[Round]) -> list[float]:
    return [us.per_s / them.per_s for us, them in zip(ours, theirs, strict=True)]


def _best(peers: Sequence[Sequence[Round]]) -> list[Round]:
    """The fastest of each round."""
    return [max(rounds, key=lambda each: each.per_s) for rounds in zip(*peers, strict=True)]


def _times(name: str, samples: Sequence[float], unit: str) -> Figure:
    return Figure.of(name, samples, unit, better="more")
