"""As many subscriptions as anybody gets, over many links, and then a coming and going of them."""

from __future__ import annotations

from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import CODES
from byway.link.link import Link, kept_alive
from byway.protocol.frames import Frame, Subscribe
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.limits import MAX_SUBSCRIPTIONS
from tests.crash.router_process import RouterProcess
from tests.faults.crowds import PROCESSES, crowd, resident_kb
from tests.faults.honest_pair import honest_pair
from tests.faults.peers import dial, open_on
from tests.faults.stage import Stage

LINKS: Final = 2  # of each process, each with a key of its own
MEASURED_S: Final = 4.0
KB_EACH: Final = 6.0  # of the router's memory for one that is linked; an idle one is a row of less than 1 kB
SEPARATORS: Final = 65_400  # with so many a broker was made to overflow its stack
MANY: Final = 4000  # parts of a filter; a frame with far more is none
ANSWERED_WITHIN_S: Final = 2.0
FULL: Final = frozenset(["too-many-subscriptions", "filters-full", "busy"])


async def many_subscriptions(stage: Stage) -> None:
    """Whoever wants too many is refused, and the honest are served as before."""
    async with RouterProcess(stage.place("router")) as router:
        await router.start()
        async with (
            stage.measuring(router) as witness,
            honest_pair(router.at, witness, stage.chance) as honest,
        ):
            quiet = await honest.latency_ms(MEASURED_S)
            await _no_stack_is_spent(stage, router)
            memory = resident_kb(router.pid)
            async with crowd(router, "subscriptions", LINKS) as flood:
                grown = resident_kb(router.pid) - memory
                busy = await honest.latency_ms(MEASURED_S)
            honest.compare(quiet, busy, "many subscriptions that come and go")
            refused = {what: count for what, count in flood.told.items() if what in CODES and what != "ended"}
            asked = PROCESSES * LINKS * MAX_SUBSCRIPTIONS
            kept = min(flood.told["subscribed"], asked)
            witness.note("measured", what="kB for a subscription", value=round(grown / kept, 2), most=KB_EACH)
            stage.expect(flood.there == PROCESSES * LINKS, f"only {flood.there} were answered")
            stage.expect(sum(refused.values()) >= PROCESSES * LINKS, f"too few were refused: {refused}")
            stage.expect(refused.keys() <= FULL, f"subscriptions were refused as {sorted(refused)}")
            stage.expect(not flood.told["links lost"], f"{flood.told['links lost']} links were lost")
            stage.outcome.faults += 2
            stage.outcome.counts |= {f"refused as {code}": count for code, count in refused.items()}
            stage.outcome.counts |= {
                "subscribed": flood.told["subscribed"],
                "ended": flood.told["ended"],
                "bytes for a subscription": round(1024 * grown / kept),
                "ms to the subscriber, undisturbed": round(quiet),
                "ms to the subscriber": round(busy),
            }


async def _no_stack_is_spent(stage: Stage, router: RouterProcess) -> None:
    """Patterns and filters without end are refused at once, and the link goes on."""
    stream = await dial(router.at, source="127.2.4.1")
    async with kept_alive(await open_on(stream, router.at, SigningKey(stage.chance.randbytes(32)))) as link:
        for pattern, filter_, code in (
            ("open" + ":" * SEPARATORS, None, "bad-pattern"),
            ("open" + ":a" * SEPARATORS, None, "bad-pattern"),
            ("open:homes", ["and", *[["known", "beds"]] * MANY], "bad-filter"),
            ("open:homes", ["in", "zip", ["02134"] * MANY], "bad-filter"),
        ):
            with trio.move_on_after(ANSWERED_WITHIN_S):
                await link.send(Subscribe("long", pattern, filter_, "all", "now", 0))
                answer = await _answer(link)
                told = answer.code if isinstance(answer, RefusedFrame) else type(answer).__name__
                stage.expect(told == code, f"{pattern[:10]}... with {str(filter_)[:20]}... was answered with {told}")
                continue
            stage.expect(False, f"{pattern[:10]}... was not answered within {ANSWERED_WITHIN_S:g} s")


async def _answer(link: Link) -> Frame:
    while True:
        for frame in await link.receive():
            if getattr(frame, "sub", getattr(frame, "subject", None)) == "long":
                return frame
