"""What nobody has signed, and what keys have signed that nobody knows, as fast as a crowd is let: beside one honest
client, who is measured against itself, undisturbed, in the same run."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import trio
from nacl.signing import SigningKey

from benchmarks.accounting import CpuTime, family
from byway.clock import now_ms
from byway.errors import LinkError, Refused, RemoteProtocolError
from byway.link.client import Client, connect
from byway.link.dialer import open_link
from byway.protocol.limits import HOUR_MS
from tests.crash.parties import make_cast
from tests.crash.router_process import RouterProcess
from tests.faults.crowd import BATCH, FEW_PREFIXES, FRESH
from tests.faults.crowds import ATTACKERS_NICED, CONNECT_MOST_S, LATENCY_MOST, PROCESSES, Gathered, crowd, slow_end
from tests.faults.stage import Stage

MEASURED_S: Final = 7.0
EVERY_S: Final = 0.02
QUICK_S: Final = 0.02  # where undisturbed it is next to nothing, five times that says little
GOODPUT_LEAST: Final = 0.5  # of what got through undisturbed
FRESH_LINKS: Final = 40  # of each process: one that was refused is heard more seldom
FRESH_S: Final = 9.0  # until all of the keys have had their turn
FRESH_KEYS: Final = PROCESSES * FRESH
CORE_MOST: Final = 0.25  # of one, for what nobody has signed
PREFIX_PER_S: Final = 200.0  # statements, where fresh keys come
PREFIX_AT_ONCE: Final = 2 * PREFIX_PER_S + BATCH  # the last batch may be larger than what was left


async def bad_signatures(stage: Stage) -> None:
    """A flood of statements that nobody has signed: each link is ended soon, and little is spent on them."""
    flood, quiet, busy = await _beside(stage, "bad-signatures", 8, MEASURED_S)
    spent = busy.share - quiet.share
    ended, late = flood.told["links ended as bad-signature"], flood.told["looked at after ten bad signatures"]
    stage.expect(ended > 0, f"no link was ended for its bad signatures: {dict(flood.told)}")
    stage.expect(not late, f"{late} bad signatures were looked at on links that had brought ten before")
    stage.expect(spent <= CORE_MOST, f"{spent:.2f} of a core was spent on what nobody had signed")
    stage.outcome.counts |= {
        "statements a second that nobody had signed": round(flood.per_s["bad-signature"] + flood.per_s["busy"]),
        "links ended for it": ended,
        "percent of a core for it": round(100 * spent),
    }


async def fresh_keys(stage: Stage) -> None:
    """A flood of well-signed casts, each of a key of its own: no prefix gets more than its share."""
    flood, _, _ = await _beside(stage, "fresh-keys", FRESH_LINKS, FRESH_S, statements_per_s_per_prefix=PREFIX_PER_S)
    prefixes = PROCESSES * FEW_PREFIXES
    accepted, busy = flood.told["accepted"], flood.told["busy"]
    most = prefixes * (PREFIX_AT_ONCE + PREFIX_PER_S * flood.lasted_s)
    stage.expect(accepted + busy >= FRESH_KEYS, f"only {accepted + busy} of {FRESH_KEYS} fresh keys had their answer")
    stage.expect(busy > 0, "nothing was too much: the crowd was too small")
    stage.expect(accepted <= most, f"{accepted} of its casts were accepted, and {most:.0f} are its share")
    stage.outcome.counts |= {"fresh keys": accepted + busy, "of them accepted": accepted, "its share": round(most)}


class _Seen(NamedTuple):
    """What an honest client saw, and what share of a core the router took meanwhile."""

    latency_s: float  # at the 99th of a hundred
    per_s: float
    connected_s: float  # the slowest time
    share: float


async def _beside(
    stage: Stage, kind: str, count: int, seconds: float, **settings: Any
) -> tuple[Gathered, _Seen, _Seen]:
    """Undisturbed, then for so many seconds beside the crowd, which hands in what is its own: no market sees it."""
    async with RouterProcess(stage.place("router"), **settings) as router:
        await router.start()
        async with stage.measuring(router, all_seen=False) as witness:
            quiet = await _measure(stage, router, MEASURED_S)
            async with crowd(router, kind, count) as flood:
                busy = await _measure(stage, router, seconds)
            stage.outcome.faults += 1
            if flood.niced:
                stage.count(ATTACKERS_NICED, flood.niced)
            for what, value, most in (
                (
                    "latency at the 99th of a hundred, times undisturbed",
                    busy.latency_s / max(quiet.latency_s, QUICK_S),
                    LATENCY_MOST,
                ),
                ("goodput that is missing", 1 - busy.per_s / quiet.per_s, 1 - GOODPUT_LEAST),
                ("seconds to connect", busy.connected_s, CONNECT_MOST_S),
            ):
                witness.note("measured", what=f"{what}, beside {kind}", value=round(value, 2), most=most)
            stage.count("percent of the undisturbed goodput", round(100 * busy.per_s / quiet.per_s))
    return flood, quiet, busy


async def _measure(stage: Stage, router: RouterProcess, at_least_s: float) -> _Seen:
    """Hand casts in, one after the other, for a while."""
    took, done, slowest = list[float](), 0, 0.0
    before = CpuTime.of(family(router.pid))
    starts = trio.current_time()
    ends = starts + at_least_s
    while trio.current_time() < ends:
        began = trio.current_time()
        try:
            async with _client(stage, router) as client:
                slowest = max(slowest, trio.current_time() - began)
                while trio.current_time() < ends:
                    asked = trio.current_time()
                    cast = make_cast(stage.chance, router.at.node, lifetime_ms=HOUR_MS).statement
                    (answer,) = await client.submit([cast])
                    took.append(trio.current_time() - asked)
                    done += not isinstance(answer, Refused)
                    await trio.sleep(EVERY_S)
        except (LinkError, RemoteProtocolError):
            took.append(trio.current_time() - began)
    seconds = trio.current_time() - starts
    share = CpuTime.of(family(router.pid)).since(before) / seconds
    return _Seen(slow_end(took) or seconds, done / seconds, slowest or seconds, share)


@asynccontextmanager
async def _client(stage: Stage, router: RouterProcess) -> AsyncGenerator[Client]:
    at, key = router.at, SigningKey(stage.chance.randbytes(32))
    async with (
        open_link(at.address, node=at.node, key=key, now_ms=now_ms, random=os.urandom) as link,
        connect(link) as client,
    ):
        yield client
