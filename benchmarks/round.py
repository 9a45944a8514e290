"""One round of a measurement: what was done, what it cost the servers, how long it took, and the limits around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.figure import Figure
from benchmarks.limits import CORES, VERIFICATION, Limits


@dataclass(frozen=True, slots=True)
class Round:
    """`operations` casts accepted, or deliveries acked."""

    operations: int
    cpu_s: float
    """Of all processes of the server."""
    elapsed_s: float
    limits: Limits
    load_cpu_s: float = 0.0
    """Of the load processes, which run on the same cores."""

    @property
    def cpu_each_s(self) -> float:
        return self.cpu_s / self.operations

    @property
    def per_s(self) -> float:
        return self.operations / self.elapsed_s


def cpu_figure(name: str, rounds: Sequence[Round], unit: str) -> Figure:
    """Microseconds of server CPU for each operation, and the same in verifications."""
    return Figure.of(
        name,
        [each.cpu_each_s * 1e6 for each in rounds],
        unit,
        limit=VERIFICATION,
        in_limits=[each.cpu_each_s / each.limits.verification_s for each in rounds],
    )


def rate_figure(name: str, rounds: Sequence[Round], unit: str) -> Figure:
    """Operations in a second, and how many cores would be busy if each operation were one verification."""
    return Figure.of(
        name,
        [each.per_s for each in rounds],
        unit,
        better="more",
        limit=CORES,
        in_limits=[each.per_s * each.limits.verification_s for each in rounds],
    )


def ratio_figure(name: str, rounds: Sequence[Round]) -> Figure:
    """Server CPU for each operation, in verifications."""
    samples = [each.cpu_each_s / each.limits.verification_s for each in rounds]
    return Figure.of(name, samples, "times the CPU of one verification")


def copies_figure(name: str, rounds: Sequence[Round]) -> Figure:
    """Server CPU for each operation, in copies of a cast over loopback."""
    samples = [each.cpu_each_s / each.limits.copy_s for each in rounds]
    return Figure.of(name, samples, "times the CPU of a copy over loopback")


def load_figure(name: str, rounds: Sequence[Round]) -> Figure:
    """How busy the load was: where it and the servers together fill all cores, the rate is the machine's, not ours."""
    samples = [each.load_cpu_s / each.elapsed_s for each in rounds]
    return Figure.of(name, samples, "cores that the load kept busy", better="neither")
