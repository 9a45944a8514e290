"""Every planted bug turns the checker red: a short run with each, judged as all others are.

The same run without a bug is its control, and has to be green: what is red with the bug is red because of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import trio

from tests.checker.lost import ANSWERED_WITHIN_MS
from tests.checker.verdict import judge
from tests.crash.market import WISHES, Market, open_market
from tests.crash.parties import Wish
from tests.crash.router_process import SIGKILLED, RouterProcess
from tests.faults.planted_router import BUG, BUGS, HELD_S, ON_SUCH_A_DISK, ONE_IN
from tests.faults.power_cut_router import CUT

DRAIN_WITHIN_S: Final = 3.0
MUCH_WITHIN_S: Final = 20.0  # until thousands are acked, or somebody is back, on a busy machine
NEEDED_WITHIN_S: Final = 60.0  # seldom more than a few seconds, but some bugs keep a market waiting for answers
CUTS: Final = 8
CUT_WITHIN_S: Final = 12.0
ALL: Final = (Wish("everything", "open:**"),)
AWAY_S: Final = 3.0  # as long as the short-lived casts of a market live at most
AWAY: Final = (Wish("away for long", "open:**", stays_s=0.4, away_s=AWAY_S),)
MANY: Final = tuple(Wish(f"everything {number}", "open:**") for number in range(6))


class TooLittleError(Exception):
    """Too little happened in a run for the bug to show; the text says of what."""


class Planted(NamedTuple):
    """How the run with a bug goes, and which promises it breaks: one at least has to be seen broken."""

    run: Callable[[RouterProcess, Market, Random], Awaitable[None]]
    broken: frozenset[str]
    wishes: Sequence[Wish] = WISHES
    drain_within_s: float = DRAIN_WITHIN_S


async def needed(market: Market, receipts: int, within_s: float = NEEDED_WITHIN_S) -> None:
    """Wait for so many receipts; without them the bug has no occasion.  Raises `TooLittleError`."""
    came = await market.load(receipts, within_s)
    if came < receipts:
        raise TooLittleError(f"{came} receipts came in {within_s:g} s, and {receipts} are needed")


async def killed(router: RouterProcess, market: Market, chance: Random) -> None:
    """Some load, a kill, and some load again."""
    await router.start()
    await needed(market, chance.randint(100, 150))
    with market.fault("kill"):
        await router.kill()
        await router.start()
    await market.load(50, 20.0)


async def running(router: RouterProcess, market: Market, chance: Random) -> None:
    """Enough time for what is not as it should be to happen."""
    del chance
    await router.start()
    await needed(market, 200)
    await trio.sleep(4)


async def while_somebody_is_away(router: RouterProcess, market: Market, chance: Random) -> None:
    """Of what waits for somebody who is away, much has expired long before that is over."""
    await running(router, market, chance)
    await trio.sleep(2 * AWAY_S)


async def a_little(router: RouterProcess, market: Market, chance: Random) -> None:
    """What does not fill a subscriber's memory."""
    del chance
    await router.start()
    await needed(market, 20)


async def longer_than_an_answer_takes(router: RouterProcess, market: Market, chance: Random) -> None:
    """Whoever has asked ought to have been told, or have lost the link.  Few are: who is not waits with all else."""
    del chance
    await router.start()
    await needed(market, 60)
    await trio.sleep(4 + ANSWERED_WITHIN_MS / 1000)


async def brought_much(router: RouterProcess, market: Market, chance: Random) -> None:
    """Until more has been brought than is forgotten once."""
    del chance
    await router.start()
    await needed(market, ONE_IN * 5 // 4 // len(MANY), 2 * NEEDED_WITHIN_S)


async def cut(router: RouterProcess, market: Market, chance: Random) -> None:
    """Power cuts, until a start finds that the store lacks what was signed for."""
    router.environment[ON_SUCH_A_DISK] = "yes"
    done = 0
    for number in range(CUTS):
        router.environment[CUT] = f"{chance.randint(150, 400)} {chance.randrange(1000)}"
        with market.fault(f"power cut {number}"):
            await router.begin()
            status = await router.ended(CUT_WITHIN_S)
            if status is None:
                await router.kill()
        done += status == SIGKILLED
        if "read-only" in router.facts:
            break
    if not done:
        raise TooLittleError("the power was never cut")
    del router.environment[CUT]
    await router.start()


RUNS: Final = {
    "synchronous_normal": Planted(cut, frozenset({"I6", "I7"})),
    "receipt_before_commit": Planted(killed, frozenset({"I7"})),
    "one_delivery_in_ten_thousand_dropped": Planted(brought_much, frozenset({"I1"}), MANY, MUCH_WITHIN_S),
    "signature_check_skipped": Planted(running, frozenset({"I4", "I5"})),
    "dedupe_off": Planted(killed, frozenset({"I7"})),
    "expiry_the_wrong_way": Planted(running, frozenset({"I1", "I11"})),
    "delivery_after_expiry": Planted(while_somebody_is_away, frozenset({"I11"}), AWAY, MUCH_WITHIN_S),
    "stale_ack_accepted": Planted(running, frozenset({"I6"})),
    "cursor_before_ack": Planted(killed, frozenset({"I6"})),
    "one_byte_re_encoded": Planted(running, frozenset({"I4"})),
    "filter_ignored": Planted(running, frozenset({"I3"})),
    "delivery_held_back": Planted(a_little, frozenset({"I10"}), ALL, HELD_S + 15),
    "answer_forgotten": Planted(longer_than_an_answer_takes, frozenset({"I13"})),
    "tree_without_its_past": Planted(running, frozenset({"I14"})),
}
assert RUNS.keys() == BUGS.keys()
CONTROLS: Final = {planted.run.__name__: planted for planted in RUNS.values()}
assert len({planted._replace(broken=frozenset()) for planted in RUNS.values()}) == len(CONTROLS)


async def red(name: str, folder: Path, chance: Random) -> set[str]:
    """The promises that are seen broken in a run with the bug of this name, or in the control of this name.

    Raises `TooLittleError` if the run does not tell.
    """
    planted = CONTROLS[name] if name in CONTROLS else RUNS[name]
    async with RouterProcess(folder, module="tests.faults.planted_router") as router:
        router.environment = {} if name in CONTROLS else {BUG: name}
        evidence = folder / "evidence"
        async with open_market(
            router.at, evidence, chance, wishes=planted.wishes, drain_within_s=planted.drain_within_s
        ) as market:
            await planted.run(router, market, chance)
        await router.stop()
    return {code for code, tally in judge(evidence, stores=[router.store]).items() if tally.findings}


def is_right(name: str, broken: set[str]) -> bool:
    """Whether something that the bug breaks was among it; in a control, whether there was nothing."""
    return not broken if name in CONTROLS else bool(RUNS[name].broken & broken)
