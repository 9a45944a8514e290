"""The node of one person: her tasks over vault, keys and links, and what she can ask of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import trio

from byway.errors import StoreError
from byway.protocol.urn import node_urn
from intentron.courier import Courier
from intentron.keys import Keys
from intentron.node.answers import Answers
from intentron.node.buying import Buying
from intentron.node.collector import Collector
from intentron.node.expiry import Expiry
from intentron.node.memory import Memory
from intentron.node.offering import Offering
from intentron.node.offers import Offers
from intentron.node.placing import Placing
from intentron.node.publisher import Publisher
from intentron.node.quiet_start import QuietStart
from intentron.node.responder import Responder
from intentron.node.selling import Selling
from intentron.node.sender import Sender
from intentron.node.shown import Json, cast_state, why_refused
from intentron.node.subscriber import Subscriber
from intentron.node.waits import Waits
from intentron.resolver import OpenLink, Resolver
from intentron.settings import IntentronSettings
from intentron.vault import AnswerState, CastState, Vault


class Node:
    """One intentron.  `run` does what is to be done; the operations may be called from any task, also before it.

    Whatever it does is in the vault before it shows on a wire, and again before anybody is told that it is done.  So
    it can be killed at any moment: the next one goes on, with the same bytes.
    """

    def __init__(
        self,
        vault: Vault,
        keys: Keys,
        settings: IntentronSettings,
        *,
        now_ms: Callable[[], int],
        random: Callable[[int], bytes],
        open_link: OpenLink,
    ) -> None:
        self.urn = node_urn(bytes(keys.identity().verify_key))
        self._settings = settings
        self._now_ms = now_ms
        self._waits = Waits()
        self._memory = Memory(vault)
        self._quiet_start = QuietStart(random)
        resolver = Resolver(
            settings.authorities,
            router=settings.router,
            messaging=settings.messaging,
            open_link=open_link,
            now_ms=now_ms,
            random=random,
        )
        courier = Courier(resolver, open_link=open_link, now_ms=now_ms, random=random)
        placing = Placing(self._memory, keys, courier, resolver, settings=settings, home=vault.home)
        collector = Collector(keys, courier, self._quiet_start)
        offering = Offering(self._memory, keys, courier, resolver)
        responder = Responder(self._memory, courier, offering)
        subscriber = Subscriber(self._memory, keys, courier, placing, waits=self._waits, responder=responder)
        self._tasks = (
            Publisher(self._memory, keys, courier, placing, waits=self._waits, quiet_start=self._quiet_start),
            Sender(self._memory, keys, courier, self._waits, self._quiet_start),
            Offers(self._memory, keys, courier, collector),
            Answers(self._memory, keys, courier, collector),
            subscriber,
            responder,
            Expiry(self._memory, now_ms, self._waits),
        )
        buying = Buying(self._memory, keys, courier, resolver, placing, settings=settings, waits=self._waits)
        selling = Selling(
            self._memory,
            courier,
            placing,
            settings=settings,
            waits=self._waits,
            offering=offering,
            subscriber=subscriber,
        )
        self.cast = buying.cast
        self.dry_run = buying.dry_run
        self.casts = buying.casts
        self.cast_details = buying.cast_details
        self.offers = buying.offers
        self.accept = buying.accept
        self.decline = buying.decline
        self.close = buying.close
        self.subscribe = selling.subscribe
        self.unsubscribe = selling.unsubscribe
        self.subscriptions = selling.subscriptions
        self.inbox = selling.inbox
        self.offer = selling.offer
        self.answers = selling.answers
        self.import_stock = selling.import_stock
        self.stock = selling.stock
        self.add_rule = selling.add_rule
        self.remove_rule = selling.remove_rule
        self.rules = selling.rules

    async def run(self) -> None:
        """Publish, send, collect, listen and answer until cancelled; cancelling it anywhere is safe.

        Raises `StoreError` if the vault can keep nothing any more.
        """
        failure: StoreError | None = None
        self._quiet_start.begin()
        try:
            async with trio.open_nursery() as nursery:
                for task in self._tasks:
                    nursery.start_soon(task.run)
        except* StoreError as errors:
            failure = _first(errors)
        if failure is not None:
            raise failure

    async def status(self) -> Json:
        """How it stands: who it is, where it sends, how many of each there are, what waits or was refused, and why."""

        def show(vault: Vault) -> Json:
            return {
                "node": self.urn,
                "router": str(self._settings.router) if self._settings.router else None,
                "messaging": str(self._settings.messaging) if self._settings.messaging else None,
                "authorities": [str(authority) for authority in self._settings.authorities],
                "casts": Counter(map(cast_state, vault.casts.all())),
                "offers": Counter(offer.state.value for offer in vault.offers.all()),
                "inbox": Counter(cast.state.value for cast in vault.inbox.all()),
                "answers": Counter(answer.state.value for answer in vault.answers.all()),
                "sells": _sells(vault),
                "waiting": list(self._waiting(vault)),
                "refused": list(self._refused(vault)),
            }

        return await self._memory.look(show)

    async def events(self, after: int, wait_s: float) -> list[Json]:
        """Facts numbered above `after`; if there are none yet, whatever comes within `wait_s` seconds."""
        return [
            {"number": event.number, "at": event.at, "event": event.event, **event.about}
            for event in await self._memory.events(after, wait_s)
        ]

    def _waiting(self, vault: Vault) -> Iterator[str]:
        for cast in vault.casts.all(CastState.DRAFT):
            yield f"{cast.name}: {self._waits.get(cast.id) or 'it is on its way'}"
        for answer in vault.answers.all(AnswerState.SENDING):
            yield f"{answer.name}: {self._waits.get(answer.sealed_id) or 'it is on its way'}"
        for subscription in vault.subscriptions.all():
            if reason := self._waits.get(subscription.sub):
                yield f"{subscription.sub}: {reason}"

    def _refused(self, vault: Vault) -> Iterator[Json]:
        """What was refused for good, as long as it would have been worth something."""
        now = self._now_ms()
        for cast in vault.casts.all(CastState.REFUSED):
            if cast.statement.expires > now:
                yield {"name": cast.name, **why_refused(cast.code, cast.reason)}
        for answer in vault.answers.all(AnswerState.REFUSED):
            if answer.statement.expires > now:
                yield {"name": answer.name, **why_refused(answer.reason)}


def _sells(vault: Vault) -> bool:
    """Whether its owner does anything that a seller does."""
    return any(
        (vault.subscriptions.all(), vault.inbox.all(), vault.answers.all(), vault.stock.lists(), vault.rules.all())
    )


def _first(errors: BaseExceptionGroup[StoreError]) -> StoreError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
