"""What a key and a network may have of a router's subscriptions, and of the work of their filters: to the last."""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import count
from typing import Any, Final

from nacl.signing import SigningKey

from byway.link.link import Link, kept_alive
from byway.node_address import NodeAddress
from byway.protocol.frames import Frame, Refused, Subscribe, Unsubscribe
from byway.protocol.limits import DAY_MS, MAX_CHOICES, MINUTE_MS
from byway.router.index import MAX_WORK
from byway.router.shares import PART
from tests.faults.peers import dial, open_on
from tests.faults.stage import Stage

MOST: Final = 5
BY_PREFIX: Final = 3
ROOM: Final[dict[str, Any]] = {"max_subscriptions": MOST, "max_subscriptions_per_prefix": BY_PREFIX}
GREEDY: Final = "127.3.1.1"
ELSEWHERE: Final = "127.3.2.1"
NOWHERE_ELSE: Final = "127.3.3.1"
TOPIC: Final = "open:homes:boston"
UNITS: Final = 400  # of work, of most filters: larger ones are refused, and more than 32 are looked up in another way


class SubscriptionShares:
    """Links that stay open, and what they ask for."""

    def __init__(self, stage: Stage, links: AsyncExitStack) -> None:
        self._stage = stage
        self._links = links
        self._numbers = count()

    async def of_a_prefix(self, at: NodeAddress) -> None:
        """At a router with little `ROOM`: one network takes all it may, others what is left; an end makes room."""
        greedy, other = await self._link(at, GREEDY), await self._link(at, GREEDY)
        honest, late = await self._link(at, ELSEWHERE), await self._link(at, NOWHERE_ELSE)
        held = [await self._taken(link, "a network's share") for link in (greedy, other, other)]
        for link in (greedy, other):
            refused = await self._refused(link, None, "busy", "a network that had used up its share")
            self._stage.expect((refused or 0) > DAY_MS, f"a network is to come again in {refused} ms")
        kept = [await self._taken(honest, "what a network had left") for _ in range(MOST - BY_PREFIX)]
        for link in (honest, late):
            refused = await self._refused(link, None, "busy", "one subscription more than a router keeps")
            self._stage.expect(refused == MINUTE_MS, f"who finds a router full is to come again in {refused} ms")
        again = await self._ask(greedy, Subscribe(held[0], TOPIC, None, "all", "now", 0))
        self._stage.expect(not isinstance(again, Refused), "a subscription that is kept was not taken up again")
        ended = await self._ask(honest, Unsubscribe(kept[0]))
        self._stage.expect(not isinstance(ended, Refused), "a subscription could not be ended")
        await self._taken(late, "the place of one that has ended")

    async def of_work(self, at: NodeAddress) -> None:
        """A prefix may have a part of what the others leave, and a key a part of what other keys there leave of it.

        What the first key gets, where nobody else has anything, leaves what the others are to get: to the unit.
        """
        first = MAX_WORK // PART // PART
        elsewhere = (MAX_WORK - first) // PART // PART
        beside = ((MAX_WORK - elsewhere) // PART - first) // PART
        for source, units in ((GREEDY, first), (ELSEWHERE, elsewhere), (GREEDY, beside)):
            link = await self._link(at, source)
            whole = (units - 1) // UNITS
            for _ in range(whole):
                await self._taken(link, "a filter", self._filter(UNITS))
            rest = units - whole * UNITS
            whose = f"work of which a key may have {units} units"
            await self._refused(link, self._filter(rest + 1), "filters-full", f"a unit too much of {whose}")
            await self._taken(link, f"the last of {whose}", self._filter(rest))
            await self._refused(link, self._filter(1), "filters-full", f"a unit more of {whose}")

    async def _taken(self, link: Link, what: str, filter_: object = None) -> str:
        """Ask for a subscription, which is to be granted; its name."""
        sub = f"{next(self._numbers)}"
        answer = await self._ask(link, Subscribe(sub, TOPIC, filter_, "all", "now", 0))
        code = answer.code if isinstance(answer, Refused) else ""
        self._stage.expect(not code, f"{what} was refused: {code}")
        self._stage.count("subscriptions taken", not code)
        return sub

    async def _refused(self, link: Link, filter_: object, code: str, what: str) -> int | None:
        """Ask for one subscription more, which is to be refused; after how many milliseconds to ask again."""
        answer = await self._ask(link, Subscribe(f"{next(self._numbers)}", TOPIC, filter_, "all", "now", 0))
        told = answer.code if isinstance(answer, Refused) else "taken"
        self._stage.expect(told == code, f"{what}: {told} in the place of {code}")
        self._stage.count(f"subscriptions refused as {code}", told == code)
        return answer.retry_after if isinstance(answer, Refused) else None

    async def _ask(self, link: Link, frame: Subscribe | Unsubscribe) -> Frame:
        await link.send(frame)
        return await answer_about(link, frame.sub)

    def _filter(self, units: int) -> object:
        """One of its own, that costs so much work: a unit for each expression, and one for each text that it names."""
        name, left = f"f{next(self._numbers)}", units - 1
        parts: list[object] = []
        while left > 0:
            texts = min(left - 1, MAX_CHOICES)
            parts.append(["in", name, [["text", "a"]] * texts] if texts else ["known", name])
            left -= 1 + texts
        return ["or", *parts] if parts else ["known", name]

    async def _link(self, at: NodeAddress, source: str) -> Link:
        key = SigningKey(self._stage.chance.randbytes(32))
        link = await open_on(await dial(at, source=source), at, key)
        return await self._links.enter_async_context(kept_alive(link))


async def answer_about(link: Link, sub: str) -> Frame:
    """The next frame that is about this subscription."""
    while True:
        for frame in await link.receive():
            if sub in (getattr(frame, "sub", None), getattr(frame, "subject", None)):
                return frame
