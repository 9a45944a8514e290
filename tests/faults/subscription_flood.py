"""As many subscriptions as anybody gets, over many links: some come and go, and some want everything that there is."""

from __future__ import annotations

import re
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import CODES
from byway.link.link import kept_alive
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.frames import Subscribe
from byway.protocol.limits import MAX_SUBSCRIPTIONS
from tests.checker.evidence import Witness
from tests.crash.router_process import RouterProcess
from tests.faults.crowds import PROCESSES, crowd, resident_kb
from tests.faults.honest_pair import HonestPair, honest_pair
from tests.faults.peers import dial, open_on
from tests.faults.stage import Stage
from tests.faults.subscription_shares import answer_about

LINKS: Final = 4  # of each process, each with a key of its own: together they ask for 8,200
STAR_LINKS: Final = 5  # of each process: together they have ten thousand
MEASURED_S: Final = 4.0
KB_LINKED: Final = 4.0  # of the router's memory for one that is linked
KB_IDLE: Final = 1.0  # for one that is not
CHURN_LEAST_PER_S: Final = 100
SEPARATORS: Final = 65_400  # with so many a broker was made to overflow its stack
MANY: Final = 4000  # parts of a filter; a frame with far more is none
ANSWERED_WITHIN_S: Final = 2.0
FULL: Final = frozenset(["too-many-subscriptions", "filters-full", "busy"])


async def many_subscriptions(stage: Stage) -> None:
    """Whoever wants too many is refused, and the honest are served as before."""
    async with RouterProcess(stage.place("router")) as router:
        await router.start()
        empty_kb = resident_kb(router.pid)
        async with stage.measuring(router) as witness:
            async with honest_pair(router.at, witness, stage.chance) as honest:
                quiet_ms = await honest.latency_ms(MEASURED_S)
                await _no_stack_is_spent(stage, router)
                await _come_and_go(stage, router, witness, honest, quiet_ms)
                held = await _want_everything(stage, router, witness, honest, quiet_ms)
            await _wait_for_their_owners(stage, router, witness, held, empty_kb)
            stage.count("ms to the subscriber, undisturbed", round(quiet_ms))


async def _come_and_go(
    stage: Stage, router: RouterProcess, witness: Witness, honest: HonestPair, quiet_ms: float
) -> None:
    """One more than anybody gets, with filters that nothing meets; then others in the place of some, without end."""
    before_kb = resident_kb(router.pid)
    async with crowd(router, "subscriptions", LINKS) as flood:
        grown_kb = resident_kb(router.pid) - before_kb
        busy_ms = await honest.latency_ms(MEASURED_S)
    honest.compare(quiet_ms, busy_ms, "many subscriptions that come and go")
    refused = {what: count for what, count in flood.told.items() if what in CODES and what != "ended"}
    churn = flood.per_s["subscribed"] + flood.per_s["ended"]
    kb = grown_kb / max(1, flood.held)
    for what, value, most in (
        ("kB for a subscription on a link, beside what comes and goes", kb, KB_LINKED),
        ("comings and goings a second that are missing", CHURN_LEAST_PER_S - churn, 0),
    ):
        witness.note("measured", what=what, value=round(value, 2), most=most)
    stage.expect(flood.there == PROCESSES * LINKS, f"only {flood.there} were answered")
    stage.expect(sum(refused.values()) >= PROCESSES * LINKS, f"too few were refused: {refused}")
    stage.expect(refused.keys() <= FULL, f"subscriptions were refused as {sorted(refused)}")
    stage.expect(not flood.told["links lost"], f"{flood.told['links lost']} links were lost")
    stage.outcome.faults += 2
    stage.outcome.counts |= {f"refused as {code}": count for code, count in refused.items()}
    stage.outcome.counts |= {
        "held at one time": flood.held,
        "bytes for one that comes and goes": round(1024 * kb),
        "comings and goings a second": round(churn),
        "ms to the subscriber beside them": round(busy_ms),
    }


async def _want_everything(
    stage: Stage, router: RouterProcess, witness: Witness, honest: HonestPair, quiet_ms: float
) -> int:
    """As many as ten keys get, each of which is for every cast, and whose owners ack nothing; how many there are."""
    before_kb = resident_kb(router.pid)
    async with crowd(router, "stars", STAR_LINKS) as flood:
        grown_kb = resident_kb(router.pid) - before_kb
        busy_ms = await honest.latency_ms(MEASURED_S)
    honest.compare(quiet_ms, busy_ms, "subscriptions to everything")
    held = PROCESSES * STAR_LINKS * MAX_SUBSCRIPTIONS
    kb = grown_kb / max(1, flood.held)
    witness.note("measured", what="kB for a subscription to everything", value=round(kb, 2), most=KB_LINKED)
    stage.expect(flood.held == held, f"{flood.held} of {held} subscriptions to everything were granted")
    stage.expect(flood.told["delivered"] > 0, "nothing came to those who had subscribed to everything")
    stage.expect(not flood.told["links lost"], f"{flood.told['links lost']} links were lost")
    stage.outcome.faults += 1
    stage.outcome.counts |= {
        "that want everything": flood.held,
        "bytes for one of them": round(1024 * kb),
        "ms to the subscriber beside those": round(busy_ms),
    }
    return held


async def _wait_for_their_owners(
    stage: Stage, router: RouterProcess, witness: Witness, held: int, empty_kb: int
) -> None:
    """What the subscriptions cost a router that has been started again, and on which nobody is linked."""
    stage.expect(await router.stop() == 0, "the router did not stop as it should")
    await router.start()
    kept = _counted(router.facts["recovered"])
    stage.expect(kept >= held, f"{kept} of {held} subscriptions were there after a restart")
    kb = (resident_kb(router.pid) - empty_kb) / max(1, kept)
    witness.note("measured", what="kB for a subscription of somebody who is away", value=round(kb, 2), most=KB_IDLE)
    stage.outcome.counts |= {"kept for their owners": kept, "bytes for one who is away": round(1024 * kb)}


def _counted(recovered: str) -> int:
    """How many subscriptions a router says that it has found."""
    found = re.search(r"(\d+) subscriptions", recovered)
    return int(found[1]) if found else 0


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
                answer = await answer_about(link, "long")
                told = answer.code if isinstance(answer, RefusedFrame) else type(answer).__name__
                stage.expect(told == code, f"{pattern[:10]}... with {str(filter_)[:20]}... was answered with {told}")
                continue
            stage.expect(False, f"{pattern[:10]}... was not answered within {ANSWERED_WITHIN_S:g} s")
