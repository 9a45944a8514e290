"""What it costs a router to hand one cast to many live subscribers, each of which acks it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from benchmarks.figure import Figure
from benchmarks.limits import limits_around
from benchmarks.load.prepared import Supply
from benchmarks.load.process import load_processes, load_time, run_all
from benchmarks.measurements.accept import BATCH
from benchmarks.round import Round, copies_figure, cpu_figure, load_figure, rate_figure
from benchmarks.router_process import RouterProcess, running_router

PROCESSES: Final = 2  # of subscribers

_PUBLISHERS: Final = "benchmarks.load.publishers"
_SUBSCRIBERS: Final = "benchmarks.load.subscribers"


@dataclass(frozen=True, slots=True)
class FanoutSizes:
    """Rounds, and casts in each, by the number of subscribers; `checked` of them are measured once more, verifying."""

    rounds: int
    casts_for: Mapping[int, int]
    checked: int = 64

    @property
    def casts(self) -> int:
        return self.rounds * sum(self.kinds().values())

    def kinds(self) -> dict[tuple[int, bool], int]:
        """Casts by the number of subscribers, and whether they verify: then fewer, because it takes far longer."""
        trusting = {(subscribers, False): count for subscribers, count in self.casts_for.items()}
        return trusting | {(self.checked, True): self.casts_for[self.checked] // 4}


def measure(supply: Supply, sizes: FanoutSizes) -> list[Figure]:
    """For each number of subscribers: router CPU per delivered and acked cast, accept included, and the rate."""
    rounds: dict[tuple[int, bool], list[Round]] = {}
    with ExitStack() as stack:
        # One for each kind: a router keeps the subscriptions of those who have left, and those of 512 are many.
        routers = {kind: stack.enter_context(running_router()) for kind in sizes.kinds()}
        for _ in range(sizes.rounds):
            for (subscribers, checked), count in sizes.kinds().items():
                router = routers[subscribers, checked]
                done = fanout_round(router, supply, subscribers, count, checked=checked)
                rounds.setdefault((subscribers, checked), []).append(done)
    return [
        figure for (subscribers, checked), done in rounds.items() for figure in _figures(subscribers, done, checked)
    ]


def fanout_round(
    router: RouterProcess,
    supply: Supply,
    subscribers: int,
    count: int,
    *,
    checked: bool = False,
    links: int = 1,
    in_flight: int = 1,
) -> Round:
    """Hand `count` casts in, and wait until all live subscribers have had, acked and settled each.

    They come over `links` links, on each of which `in_flight` Submits of 64 wait for their answers at one time.

    The subscribers are spread over `PROCESSES` processes; `checked`, they verify each cast again, as the client library
    does.  The time ends with the last receipt and the last delivery, the CPU with the last settlement.
    """
    how = "checked" if checked else "trusting"
    shares = [len(range(number, subscribers, PROCESSES)) for number in range(min(PROCESSES, subscribers))]
    readers = [(router.at, share, count, "now", how) for share in shares]
    publisher = (router.at, supply.path, supply.take(count), count, links, BATCH, in_flight)
    with (
        load_processes(_SUBSCRIBERS, *readers) as receiving,
        load_processes(_PUBLISHERS, publisher) as sending,
        limits_around() as limits,
    ):
        load = [*sending, *receiving]
        before, load_before = router.cpu_time(), load_time(load)
        sent, *received = run_all(load)
        cpu_s, load_cpu_s = router.cpu_time().since(before), load_time(load).since(load_before)
    elapsed_s = max(sent["ended"], *(each["delivered"] for each in received)) - sent["began"]
    return Round(count * subscribers, cpu_s, elapsed_s, limits, load_cpu_s)


def _figures(subscribers: int, rounds: list[Round], checked: bool) -> list[Figure]:  # noqa: FBT001 - which of two
    if checked:
        name = f"fanout{subscribers}_checked_per_s"
        return [rate_figure(name, rounds, f"deliveries a second to {subscribers} at once, who verify again")]
    return [
        cpu_figure(f"fanout{subscribers}_cpu_us", rounds, "µs of CPU a delivery"),
        copies_figure(f"fanout{subscribers}_copies", rounds),
        rate_figure(f"fanout{subscribers}_per_s", rounds, f"deliveries a second to {subscribers} at once"),
        load_figure(f"fanout{subscribers}_load_cores", rounds),
    ]
