"""The subscriber: one link to each router that a seller listens at, under the seller's lasting key.

Each cast is in the vault before it is acked, and the router hands it over until then.
"""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import Final

import structlog
import trio

from byway.errors import BywayError, LinkError, ProtocolError, Refused, StatementError
from byway.link.client import Client
from byway.link.subscription import Delivery
from byway.node_address import NodeAddress
from byway.protocol.close import Close, check_close
from byway.protocol.filter_text import parse_filter_text
from byway.protocol.intentcast import Cast
from byway.protocol.statement import Kind, Statement
from intentron.backoff import MOST_S, Backoff
from intentron.courier import Courier
from intentron.keys import Keys
from intentron.node.bell import keep_each
from intentron.node.memory import About, Memory
from intentron.node.placing import Placing
from intentron.node.responder import Responder
from intentron.node.waits import Waits
from intentron.trouble import Trouble
from intentron.vault import Subscription, Vault

log = structlog.get_logger()

GIVE_UP_WITHIN_S: Final = 5.0

Desk = tuple[NodeAddress, tuple[Subscription, ...]]


class Subscriber:
    """Listens for casts.  `listening` names the subscriptions that are linked now."""

    def __init__(
        self, memory: Memory, keys: Keys, courier: Courier, placing: Placing, *, waits: Waits, responder: Responder
    ) -> None:
        self.listening: set[str] = set()
        self._memory = memory
        self._keys = keys
        self._courier = courier
        self._placing = placing
        self._waits = waits
        self._responder = responder
        self._asked: set[str] = set()  # of which subscriptions it was asked in this life where they go

    async def run(self) -> None:
        """Listen until cancelled."""
        bell = self._memory.bell(About.SUBSCRIPTIONS)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep_each, self._unplaced, self._place, bell)
            nursery.start_soon(keep_each, self._wanted, self._keep_listening, bell)

    async def give_up(self, subscription: Subscription) -> None:
        """Tell the router that the subscription is over for good, if it can be told now; else it ages there."""
        if subscription.router is None:
            return
        with trio.move_on_after(GIVE_UP_WITHIN_S):
            try:
                async with (
                    self._courier.link(subscription.router, self._keys.identity()) as client,
                    client.subscribe(subscription.sub, subscription.pattern, from_="now", credit=0),
                ):
                    await client.unsubscribe(subscription.sub)
            except BywayError as error:
                log.info("subscription_left_behind", sub=subscription.sub, code=error.code, reason=str(error))

    async def _wanted(self) -> list[Desk]:
        kept = [each for each in await self._all() if each.named or each.sub in self._asked]
        by_router = sorted(kept, key=lambda subscription: str(subscription.router))
        return [(router, tuple(group)) for router, group in groupby(by_router, lambda each: each.router) if router]

    async def _unplaced(self) -> list[tuple[str, str]]:
        """What is not known of where it goes, or not asked since the node has started: name and pattern."""
        return [
            (each.sub, each.pattern)
            for each in await self._all()
            if each.router is None or not (each.named or each.sub in self._asked)
        ]

    async def _place(self, unplaced: tuple[str, str]) -> None:
        """Ask where a subscription goes, until somebody says it; one that went somewhere before goes there again."""
        sub, pattern = unplaced
        backoff = Backoff(self._courier.random)
        trouble = Trouble("placing", sub=sub)
        while True:
            try:
                router = await self._placing.router_for(pattern)
            except BywayError as error:
                trouble.met(error)
                if await self._went_somewhere(sub):
                    break
                self._waits.put(sub, error, self._placing.next_step(error))
            else:
                trouble.over()
                await self._memory.change(partial(_place, sub=sub, router=router))
                break
            await trio.sleep(backoff.next_s())
        self._asked.add(sub)
        self._memory.bell(About.SUBSCRIPTIONS).ring()

    async def _went_somewhere(self, sub: str) -> bool:
        kept = await self._memory.look(lambda vault: vault.subscriptions.get(sub))
        return kept is not None and kept.router is not None

    async def _all(self) -> list[Subscription]:
        return await self._memory.look(lambda vault: vault.subscriptions.all())

    async def _keep_listening(self, desk: Desk) -> None:
        router, subscriptions = desk
        backoff = Backoff(self._courier.random)
        trouble = Trouble("listening", at=str(router))
        refusals = {each.sub: Trouble("subscription", sub=each.sub) for each in subscriptions}
        while True:
            began = trio.current_time()
            try:
                async with self._courier.link(router, self._keys.identity()) as client, trio.open_nursery() as nursery:
                    trouble.over()
                    for subscription in subscriptions:
                        nursery.start_soon(self._listen, client, subscription, refusals[subscription.sub])
            except* (LinkError, ProtocolError) as errors:
                error = _first(errors)
                trouble.met(error)
                for subscription in subscriptions:
                    self._waits.put(subscription.sub, error, self._next_step(subscription, error))
            if trio.current_time() - began > MOST_S:
                backoff.reset()
            await trio.sleep(backoff.next_s())

    def _next_step(self, subscription: Subscription, error: BywayError) -> str:
        if subscription.named:
            return (
                f"if its router is wrong: intentron unsubscribe {subscription.sub}, and subscribe with another --router"
            )
        return self._placing.next_step(error, subscription.router) if subscription.router else error.next_step

    async def _listen(self, client: Client, subscription: Subscription, refusal: Trouble) -> None:
        """Take what one subscription brings; a refusal ends it alone, until the link is opened again."""
        sub = subscription.sub
        wire = parse_filter_text(subscription.filter).wire() if subscription.filter else None
        try:
            async with client.subscribe(sub, subscription.pattern, wire) as open_subscription:
                refusal.over()
                self._waits.end(sub)
                self.listening.add(sub)
                async for delivery in open_subscription:
                    try:
                        await self._take(sub, delivery)
                    except StatementError as error:
                        log.warning("arrival_refused", sub=sub, code=error.code, reason=str(error))
                        open_subscription.refuse(delivery, error.code)
                    else:
                        open_subscription.ack(delivery)
        except Refused as error:
            refusal.met(error)
            self._waits.put(sub, error)
        finally:
            self.listening.discard(sub)

    async def _take(self, sub: str, delivery: Delivery) -> None:
        statement, now = delivery.statement, self._courier.now_ms()
        statement.check_times(now)
        if statement.kind is Kind.CLOSE:
            await self._memory.change(partial(_close, close=statement, now=now))
            return
        Cast.from_statement(statement)
        new = await self._memory.change(partial(_receive, cast=statement, sub=sub, sequence=delivery.sequence, now=now))
        if new:
            self._responder.consider(statement.id)


def _place(vault: Vault, *, sub: str, router: NodeAddress) -> None:
    vault.subscriptions.place(sub, router)


def _receive(vault: Vault, *, cast: Statement, sub: str, sequence: int, now: int) -> bool:
    """Whether the cast is news: one's own and those that are here already are not."""
    if cast.id in vault.casts:
        return False
    kept = vault.inbox.receive(cast, sub=sub, sequence=sequence, now=now)
    if kept:
        vault.events.add("cast_received", now=now, cast=kept.name, sub=sub)
    return kept is not None


def _close(vault: Vault, *, close: Statement, now: int) -> None:
    cast_id = Close.from_statement(close).cast
    if cast_id not in vault.inbox:
        return
    cast = vault.inbox[cast_id]
    check_close(close, cast.statement)
    if vault.inbox.close(cast_id):
        vault.events.add("cast_closed", now=now, cast=cast.name)


def _first(errors: BaseExceptionGroup[BywayError]) -> BywayError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
