"""Strangers of many networks who do not finish a handshake, and honest ones of other networks who connect meanwhile."""

from __future__ import annotations

import os
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, RemoteProtocolError
from byway.link.link import kept_alive
from byway.protocol.address import parse_address
from byway.protocol.limits import HELLO_TIMEOUT_S
from tests.checker.evidence import Witness
from tests.crash.router_process import RouterProcess
from tests.faults.crowds import ATTACKERS_NICED, CONNECT_MOST_S, allow_open_files, crowd, slow_end
from tests.faults.peers import dial, open_files, open_on
from tests.faults.stage import Stage
from tests.faults.unfinished import client_hello, dawdle

STRANGERS: Final = 2500  # of each process, in a hundred address prefixes
PASSERS_BY: Final = 128  # of each process, which together have 1,200 turns in a second
BEGUN_LEAST_PER_S: Final = 1000
HONEST: Final = 20  # prefixes
PLACES: Final = 1024  # at one time, of all strangers: sixteen for each handshake under way
QUIET_S: Final = 2.0
MEASURED_S: Final = 8.0
PASSING_S: Final = 6.0
CONNECT_EVERY_S: Final = 0.07
GIVEN_UP_S: Final = 8.0
AGAIN_AFTER_S: Final = 0.05
WATCHED: Final = 4  # strangers, whose stay is measured
LET_GO_WITHIN_S: Final = 2.0  # beyond the deadline
SPARE_FILES: Final = 16


async def slow_handshakes(stage: Stage) -> None:
    """Honest ones get in within two seconds, and whoever dawdles is let go of after five."""
    allow_open_files(STRANGERS + SPARE_FILES)
    async with RouterProcess(stage.place("router")) as router:
        await router.start()
        files = open_files(router.pid)
        async with stage.measuring(router, all_seen=False) as witness:
            quiet = await _connect_many(router, QUIET_S)
            dawdling = await _beside_strangers(stage, router, witness, files)
            passing = await _beside_passers_by(stage, router, witness)
            for beside, took in (("nobody", quiet), ("strangers", dawdling), ("passers-by", passing)):
                what = f"seconds in which an honest one connects beside {beside}, the slowest in a hundred"
                witness.note("measured", what=what, value=round(slow_end(took), 2), most=CONNECT_MOST_S)
                stage.count(f"ms to connect beside {beside}", round(1000 * slow_end(took)))
            await trio.sleep(LET_GO_WITHIN_S)
            left = open_files(router.pid) - files
            witness.note("measured", what="descriptors of strangers who are gone", value=left, most=SPARE_FILES)


async def _beside_strangers(stage: Stage, router: RouterProcess, witness: Witness, files: int) -> list[float]:
    """Thousands say a byte now and then; how long it took honest ones to connect.  `files`: descriptors before."""
    async with crowd(router, "strangers", STRANGERS) as strangers:
        await trio.sleep(HELLO_TIMEOUT_S)  # by then those who came first have been let go of
        held = open_files(router.pid) - files
        stays: list[float] = []
        async with trio.open_nursery() as nursery:
            for number in range(WATCHED):
                nursery.start_soon(_dawdle, router, client_hello() if number % 2 else b"", stays)
            took = await _connect_many(router, MEASURED_S)
    for what, value, most in (
        ("seconds for which a stranger stays", max(stays), HELLO_TIMEOUT_S + LET_GO_WITHIN_S),
        ("descriptors of strangers", held, PLACES + SPARE_FILES),
    ):
        witness.note("measured", what=what, value=round(value, 2), most=most)
    stage.expect(strangers.told["cut off"] > 0, "no stranger was let go of")
    stage.outcome.faults += 1
    stage.count(ATTACKERS_NICED, strangers.niced)
    stage.outcome.counts |= {
        "strangers at one time": strangers.there,
        "of them inside": held,
        "cut off": strangers.told["cut off"],
    }
    return took


async def _beside_passers_by(stage: Stage, router: RouterProcess, witness: Witness) -> list[float]:
    """Hundreds in a second say a whole hello, and go; how long it took honest ones to connect."""
    async with crowd(router, "passers-by", PASSERS_BY) as passing:
        took = await _connect_many(router, PASSING_S)
    begun = passing.per_s["handshakes begun"]
    what = "handshakes a second that are missing"
    witness.note("measured", what=what, value=round(BEGUN_LEAST_PER_S - begun), most=0)
    stage.outcome.faults += 1
    stage.count(ATTACKERS_NICED, passing.niced)
    stage.count("handshakes begun a second", round(begun))
    stage.count("of them answered a second", round(passing.per_s["handshakes answered"]))
    return took


async def _connect_many(router: RouterProcess, seconds: float) -> list[float]:
    """How long each of many honest connects took, from address prefixes without strangers."""
    took: list[float] = []

    async def connect(number: int) -> None:
        began = trio.current_time()
        with trio.move_on_after(GIVEN_UP_S):
            await _connect(router, f"127.1.{number % HONEST}.{1 + number // HONEST % 200}")
        took.append(trio.current_time() - began)

    async with trio.open_nursery() as nursery:
        for number in range(round(seconds / CONNECT_EVERY_S)):
            nursery.start_soon(connect, number)
            await trio.sleep(CONNECT_EVERY_S)
    return took


async def _dawdle(router: RouterProcess, first: bytes, stays: list[float]) -> None:
    """Be a stranger oneself, and note for how long."""
    host, port = parse_address(router.at.address)
    stream = await trio.open_tcp_stream(host, port, local_address="127.1.100.1")
    began = trio.current_time()
    await dawdle(stream, first)
    stays.append(trio.current_time() - began)


async def _connect(router: RouterProcess, address: str) -> None:
    """Open a link and close it; again, where it was not let in."""
    while True:
        try:
            stream = await dial(router.at, source=address)
            link = await open_on(stream, router.at, SigningKey(os.urandom(32)))
        except (LinkError, RemoteProtocolError, OSError):
            await trio.sleep(AGAIN_AFTER_S)
        else:
            async with kept_alive(link):
                return
