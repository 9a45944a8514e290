"""What it costs a router in memory to have somebody there who does nothing."""

from __future__ import annotations

import math
import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from benchmarks.figure import Figure
from benchmarks.load.idle_subscriptions import FILTER, pattern
from benchmarks.load.process import load_processes, run_all
from benchmarks.load.stored import FilledStore
from benchmarks.router_process import RouterFolder, RouterProcess, router_folder, running_router
from byway.protocol import canonical
from byway.store.store import SubscriptionRow

WARM_LINKS: Final = 20  # the first ones bring memory with them that all others share
SUBSCRIPTIONS_PER_LINK: Final = 250
ROWS_IN_A_COMMIT: Final = 10_000

_LINKS: Final = "benchmarks.load.idle_links"
_SUBSCRIPTIONS: Final = "benchmarks.load.idle_subscriptions"


@dataclass(frozen=True, slots=True)
class IdleSizes:
    """Rounds; in each links, links with subscriptions on them, and stored subscriptions of sellers who are away."""

    rounds: int
    links: int
    subscribing_links: int
    stored: int


def measure(sizes: IdleSizes) -> list[Figure]:
    """Each round adds to all that is there already, and is counted by what the resident memory of the router grows."""
    subscribing = (sizes.subscribing_links, SUBSCRIPTIONS_PER_LINK)
    with running_router() as router, ExitStack() as there:
        _grown_b(there, router, _LINKS, WARM_LINKS)
        links = [_grown_b(there, router, _LINKS, sizes.links) for _ in range(sizes.rounds)]
        live = [_grown_b(there, router, _SUBSCRIPTIONS, *subscribing) for _ in range(sizes.rounds)]
    return [
        Figure.of("idle_link_kb", [each / 1000 for each in links], "kB a TLS link that does nothing"),
        Figure.of(
            "idle_subscription_b",
            _stored(sizes.rounds, sizes.stored),
            "B a subscription, with a filter, of a seller who is away",
        ),
        Figure.of("idle_live_subscription_b", live, "B a subscription, with a filter, that is open on a link"),
    ]


def _grown_b(there: ExitStack, router: RouterProcess, module: str, *numbers: int) -> float:
    """Bytes for each of what one more process of `module` adds, which is as many as the product of `numbers`."""
    load = there.enter_context(load_processes(module, (router.at, *numbers)))
    before = router.memory_bytes()  # for subscriptions, with the links that they are going to be on
    run_all(load)
    return (router.memory_bytes() - before) / math.prod(numbers)


def _stored(rounds: int, number: int) -> list[float]:
    """Bytes for each stored subscription: what a router with them takes more than one without."""
    with router_folder() as empty, router_folder() as full:
        with FilledStore(full) as filled:
            for first in range(0, number, ROWS_IN_A_COMMIT):
                rows = [_row(each) for each in range(first, min(first + ROWS_IN_A_COMMIT, number))]
                filled.store.commit([], first=0, head=b"", frontier=b"", subscriptions=rows)
        return [(_resting(full) - _resting(empty)) / number for _ in range(rounds)]


def _row(number: int) -> SubscriptionRow:
    return SubscriptionRow(os.urandom(32), "sub", pattern(number, 0), canonical.encode(FILTER), "all", 1, 0)


def _resting(folder: RouterFolder) -> int:
    with running_router(folder) as router:
        return router.memory_bytes()
