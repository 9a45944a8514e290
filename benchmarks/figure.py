"""Figures: one number each, with the spread of its rounds, and with what a limit of this machine makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, NamedTuple, Self

from benchmarks.targets import TARGETS

Better = Literal["less", "more", "neither"]


class Spread(NamedTuple):
    """The rounds of one figure: the middle one, the least and the greatest, how many there are, and each of them."""

    median: float
    low: float
    high: float
    rounds: int
    samples: tuple[float, ...]

    @classmethod
    def of(cls, samples: Sequence[float]) -> Self:
        """Of at least one sample."""
        return cls(median(samples), min(samples), max(samples), len(samples), tuple(samples))


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, what it is counted in, and its target: at most, where less is better, at least, where more.

    Where neither is better, it tells about the machine or the load, and not about the server.

    `in_limits` is the same as a multiple of a limit of this machine, measured in the same rounds.  Machines differ and
    drift, so two runs are compared by it.  A figure that is a ratio already has none.
    """

    name: str
    value: Spread
    unit: str
    better: Better = "less"
    target: float | None = None
    limit: str = ""
    in_limits: Spread | None = None

    @classmethod
    def of(
        cls,
        name: str,
        samples: Sequence[float],
        unit: str,
        *,
        better: Better = "less",
        limit: str = "",
        in_limits: Sequence[float] = (),
    ) -> Self:
        """The figure of these samples, one for each round; of `limit` there are as many in `in_limits`."""
        multiples = Spread.of(in_limits) if in_limits else None
        return cls(name, Spread.of(samples), unit, better, TARGETS.get(name), limit, multiples)

    @property
    def verdict(self) -> str:
        """`met` or `missed`, `, within the noise` if rounds lie on both sides of the target; empty without a target."""
        if self.target is None:
            return ""
        median, low, high, *_ = self.value
        met, *ends = (
            each >= self.target if self.better == "more" else each <= self.target for each in (median, low, high)
        )
        return ("met" if met else "missed") + ("" if all(ends) or not any(ends) else ", within the noise")

    @property
    def comparable(self) -> Spread:
        """What is the same on a faster machine."""
        return self.in_limits or self.value
