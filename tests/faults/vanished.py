"""Peers that are gone without a word: strangers, those who were linked, and one who does not ack."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import trio
from nacl.signing import SigningKey

from byway.clock import now_ms
from byway.node_address import NodeAddress
from byway.protocol.address import parse_address
from byway.protocol.limits import ACK_TIMEOUT_S, HELLO_TIMEOUT_S, MINUTE_MS, PING_AFTER_S, PONG_WITHIN_S
from tests.checker.evidence import SUFFIX, SystemClock, Witness
from tests.checker.witnesses import Effects
from tests.crash.market import Market
from tests.crash.parties import linked
from tests.crash.router_process import ROOT, RouterProcess
from tests.faults.answers import noted
from tests.faults.crowds import allow_open_files
from tests.faults.peers import open_files
from tests.faults.stage import EVIDENCE, Stage

SILENT: Final = 100  # strangers at one time
LINKED: Final = 1000
FIRST_PREFIX: Final = 20  # of those: 127.0.20.1 and on
SETTINGS: Final[dict[str, Any]] = {"handshakes_per_s_per_prefix": 1000.0, "max_handshakes_per_prefix": 64}
FILES_BESIDE: Final = 300
STAY: Final = 0.99  # of those who came; a busy machine answers too late now and then
SPARE_FILES: Final = 16  # the market comes and goes meanwhile
LET_GO_WITHIN_S: Final = 2.0
REAPED_WITHIN_S: Final = PING_AFTER_S + PONG_WITHIN_S + 5
BROUGHT_AGAIN_WITHIN_S: Final = ACK_TIMEOUT_S + 10
LONG_MS: Final = 2 * MINUTE_MS  # to live, for a cast that is to come again
SERVED_WITHIN_S: Final = 5.0
MUTE: Final = "mute"


async def peers_vanish(stage: Stage) -> None:
    """Strangers who say nothing are let go of in seconds, links whose other end has stopped in 45; what is not acked is
    brought again.  Nobody else notices."""
    allow_open_files(LINKED + FILES_BESIDE)
    async with RouterProcess(stage.folder, **SETTINGS) as router:
        await router.start()
        async with stage.market(router, publishers=1) as market:  # it goes on for a minute
            await market.load(20, SERVED_WITHIN_S)
            for number in range(stage.times):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_not_acked, stage, router, f"{MUTE}-{number}")
                    await _stopped_links(stage, router, market, number)


async def _stopped_links(stage: Stage, router: RouterProcess, market: Market, number: int) -> None:
    """Many are linked, and from one moment on do nothing, while their computer still takes what is sent to them."""
    before = open_files(router.pid)
    async with _crowd(router.at) as crowd:
        there = open_files(router.pid) - before
        stage.expect(there >= STAY * LINKED, f"only {there} of {LINKED} links were there")
        with market.fault(f"links whose other end has stopped {number}"):
            crowd.send_signal(signal.SIGSTOP)
            since = trio.current_time()
            await _silent_strangers(stage, router, market, number)
            await trio.sleep_until(since + REAPED_WITHIN_S)
            what = "descriptors of links whose other end stopped 45 s ago"
            market.measured(what, open_files(router.pid) - before, SPARE_FILES)
            stage.expect(await market.load(1, SERVED_WITHIN_S) > 0, "nobody was served beside them")
    stage.count("links whose other end stopped", there)


@asynccontextmanager
async def _crowd(at: NodeAddress) -> AsyncGenerator[trio.Process]:
    """A process with many links to the node; killed in the end, whatever state it is in."""
    given = ["idle", at.address, at.node, str(LINKED), str(FIRST_PREFIX)]
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "tests.faults.crowd", *given],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        await process.stdout.receive_some()  # that they are there
        yield process
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


async def _silent_strangers(stage: Stage, router: RouterProcess, market: Market, number: int) -> None:
    """They connect and say nothing, or begin a handshake and leave it at that."""
    before = open_files(router.pid)
    with market.fault(f"silence {number}"):
        silent = [await _silent(router.at, half_spoken=bool(each % 2)) for each in range(SILENT)]
        await trio.sleep(HELLO_TIMEOUT_S + LET_GO_WITHIN_S)
        market.measured("descriptors of those who are silent", open_files(router.pid) - before, SPARE_FILES)
        stage.expect(await market.load(1, SERVED_WITHIN_S) > 0, "nobody was served beside the silent")
        for stream in silent:
            await stream.aclose()
    stage.count("silent peers", SILENT)


async def _silent(at: NodeAddress, *, half_spoken: bool) -> trio.SocketStream:
    host, port = parse_address(at.address)
    stream = await trio.open_tcp_stream(host, port)
    if half_spoken:
        with suppress(trio.BrokenResourceError):
            await stream.send_all(b"\x16\x03\x01\x02\x00\x01")  # a handshake begins, and that was it
    return stream


async def _not_acked(stage: Stage, router: RouterProcess, name: str) -> None:
    """Somebody takes a cast and does not ack it: it comes again on the same link, and is acked then."""
    key = SigningKey(stage.chance.randbytes(32))
    with Witness(router.folder / EVIDENCE, name, SystemClock(), role="subscriber") as witness:
        effects = Effects(witness, router.at.node, bytes(key.verify_key), MUTE, set())
        async with (
            linked(router.at, key, witness) as client,
            client.subscribe(MUTE, "open:**", credit=0) as subscription,  # one at a time
        ):
            held = await subscription.receive()
            while held.statement.expires < now_ms() + LONG_MS:
                effects.take(subscription, held)
                held = await subscription.receive()
            await trio.sleep(BROUGHT_AGAIN_WITHIN_S)
            came = Counter(
                (each.fields["epoch"], each.fields["sequence"])
                for each in noted(router.folder / EVIDENCE / f"{name}{SUFFIX}", "received")
            )
            times = came[subscription.epoch, held.sequence]
            stage.expect(times == 2, f"what was not acked in {BROUGHT_AGAIN_WITHIN_S} s came {times} times")
            effects.take(subscription, held)
            await client.unsubscribe(MUTE)
