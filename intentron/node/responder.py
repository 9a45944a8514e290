"""The responder: answers casts out of the stock, by the seller's standing rules.

A cast that nothing fits stays new, for the seller's own hand, and is looked at again when stock or rules change.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog
import trio

from byway.errors import BywayError, LinkError
from byway.protocol.intentcast import Cast
from byway.protocol.limits import DAY_MS, HOUR_MS
from intentron.backoff import Backoff
from intentron.courier import Courier
from intentron.deal import Proposal
from intentron.node.memory import About, Memory
from intentron.node.offering import Offering
from intentron.stock.item import StockItem
from intentron.stock.rule import Draft, StandingRule, answer
from intentron.vault import InboxState, ReceivedCast, Vault

log = structlog.get_logger()

LOOK_AGAIN_S: Final = HOUR_MS / 1000  # a rule that has made its offers of the day may go on


def standing_rules(vault: Vault) -> list[StandingRule]:
    """The rules of a vault, by name.  One that this version of the program cannot read is left out, and logged."""
    rules = []
    for kept in vault.rules.all():
        try:
            rules.append(StandingRule.model_validate_json(kept.definition))
        except ValueError as error:
            log.warning("rule_unreadable", rule=kept.name, reason=str(error))
    return rules


class Responder:
    """One cast after the other.  Cancelling it anywhere is safe: what is still new is considered at the next start."""

    def __init__(self, memory: Memory, courier: Courier, offering: Offering) -> None:
        self._memory = memory
        self._courier = courier
        self._offering = offering
        self._queue: deque[bytes] = deque()
        self._more = trio.Event()
        self._rules: list[StandingRule] = []
        self._items: dict[str, Sequence[StockItem]] = {}
        self._retries: dict[bytes, Backoff] = {}
        self._matching = trio.CapacityLimiter(1)

    async def run(self) -> None:
        """Consider casts until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._look_again)
            while True:
                self._more = trio.Event()
                while self._queue:
                    cast_id = self._queue.popleft()
                    try:
                        await self._respond(cast_id)
                    except BywayError as error:
                        log.info("no_answer", code=error.code, reason=str(error))
                        if isinstance(error, LinkError) or error.code == "name-unknown":
                            nursery.start_soon(self._later, cast_id)
                        else:
                            self._retries.pop(cast_id, None)
                    else:
                        self._retries.pop(cast_id, None)
                await self._more.wait()

    def consider(self, cast_id: bytes) -> None:
        """A cast of the inbox is waiting."""
        self._queue.append(cast_id)
        self._more.set()

    async def _look_again(self) -> None:
        """At the start, and after each change of stock or rules, consider everything that is new."""
        bell = self._memory.bell(About.STOCK)
        while True:
            ring = bell.next
            self._items = {}
            self._rules = await self._memory.look(standing_rules)
            for cast in reversed(await self._memory.look(lambda vault: vault.inbox.all(InboxState.NEW))):
                self.consider(cast.id)
            with trio.move_on_after(LOOK_AGAIN_S):
                await ring.wait()

    async def _later(self, cast_id: bytes) -> None:
        backoff = self._retries.setdefault(cast_id, Backoff(self._courier.random))
        await trio.sleep(backoff.next_s())
        self.consider(cast_id)

    async def _respond(self, cast_id: bytes) -> None:
        """Make the offer of the first rule that has one.  Raises `BywayError` if it cannot be made."""
        cast = await self._memory.look(lambda vault: vault.inbox[cast_id])
        if cast.state is not InboxState.NEW or cast.statement.expires <= self._courier.now_ms():
            return
        for rule in self._rules:
            draft = await self._draft(rule, cast)
            if draft is not None:
                await self._offering.make(
                    cast_id,
                    Proposal(draft.offer, draft.price, draft.terms),
                    lifetime_ms=rule.lifetime_hours * HOUR_MS,
                    rule=rule.name,
                )
                return

    async def _draft(self, rule: StandingRule, cast: ReceivedCast) -> Draft | None:
        """The best that a rule has to offer: of several offers by one seller to one cast only the last counts."""
        body = Cast.from_statement(cast.statement)
        if not rule.answers(body.to):
            return None
        since = self._courier.now_ms() - DAY_MS
        made = await self._memory.look(lambda vault: vault.answers.made_by(rule.name, since))
        items = await self._items_of(rule.stock)
        find = partial(answer, rule, body.facets, body.terms, items, sent_today=made)
        return await trio.to_thread.run_sync(find, limiter=self._matching)

    async def _items_of(self, stock: str) -> Sequence[StockItem]:
        if stock not in self._items:
            self._items[stock] = await self._memory.look(lambda vault: vault.stock.items(stock))
        return self._items[stock]
