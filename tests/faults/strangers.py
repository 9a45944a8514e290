"""Strangers of many networks who do not finish a handshake, beside honest ones of other networks who connect."""

from __future__ import annotations

import os
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, RemoteProtocolError
from byway.link.link import kept_alive
from byway.protocol.address import parse_address
from byway.protocol.limits import HELLO_TIMEOUT_S
from tests.crash.router_process import RouterProcess
from tests.faults.crowd import client_hello, dawdle
from tests.faults.crowds import CONNECT_MOST_S, PROCESSES, allow_open_files, crowd, slow_end
from tests.faults.peers import dial, open_files, open_on
from tests.faults.stage import Stage

STRANGERS: Final = 1000  # of each process, in a hundred address prefixes
PASSERS_BY: Final = 4  # of each process, which together bring one new link every millisecond
HONEST: Final = 20  # prefixes
QUIET_S: Final = 2.0
MEASURED_S: Final = 8.0
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
            async with (
                crowd(router, "strangers", STRANGERS) as strangers,
                crowd(router, "passers-by", PASSERS_BY) as passing,
            ):
                await trio.sleep(HELLO_TIMEOUT_S)  # by then those who came first have been let go of
                stays: list[float] = []
                async with trio.open_nursery() as nursery:
                    for number in range(WATCHED):
                        nursery.start_soon(_dawdle, router, client_hello() if number % 2 else b"", stays)
                    took = await _connect_many(router, MEASURED_S)
            for what, value, most in (
                (
                    "seconds in which an honest one connects, undisturbed, the slowest in a hundred",
                    slow_end(quiet),
                    CONNECT_MOST_S,
                ),
                ("seconds in which an honest one connects, the slowest in a hundred", slow_end(took), CONNECT_MOST_S),
                ("seconds for which a stranger stays", max(stays), HELLO_TIMEOUT_S + LET_GO_WITHIN_S),
            ):
                witness.note("measured", what=what, value=round(value, 2), most=most)
            stage.expect(strangers.told["cut off"] > 0, "no stranger was let go of")
            await trio.sleep(LET_GO_WITHIN_S)
            left = open_files(router.pid) - files
            witness.note("measured", what="descriptors of strangers who are gone", value=left, most=SPARE_FILES)
            stage.outcome.faults += 1
            stage.outcome.counts |= {
                "strangers at one time": PROCESSES * STRANGERS,
                "cut off": strangers.told["cut off"],
                "passed by": passing.told["passed"],
                "ms to connect, the slowest in a hundred": round(1000 * slow_end(took)),
            }


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
