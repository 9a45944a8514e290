"""The client library: what people and sellers do on the byway, for programs that keep their own memory.

    async with intentron.connect(authorities=[...]) as byway:
        published = await byway.publish(wish)
        async with byway.offers(published) as offers:
            async for offer in offers:
                await byway.accept(published, offer)

What comes is shown until it was handled, and then never again, however often it is delivered: over another link, and,
if `connect` is given a file for it, after a restart.  Nothing else is written to disk: whoever wants to survive a
restart keeps what the calls return, as `intentron.node` does.  Every cast has its own link, with its own key.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from nacl.signing import SigningKey

from byway import clock
from byway.errors import StatementError
from byway.link.dialer import open_link as dial
from byway.link.subscription import Subscription
from byway.node_address import NodeAddress
from byway.protocol.bodies import body_of
from byway.protocol.close import Close, make_close
from byway.protocol.filter_text import parse_filter_text
from byway.protocol.frames import From
from byway.protocol.intentcast import Cast
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement
from intentron.arrivals import Arrivals
from intentron.courier import Courier
from intentron.deal import (
    Accepted,
    AnswerDraft,
    Declined,
    OfferDraft,
    OpenedOffer,
    Proposal,
    Wish,
    draft_agreement,
    draft_cast,
    draft_decline,
    draft_offer,
    open_answer,
    open_offer,
)
from intentron.effects import Effects, open_effects, scope_of
from intentron.resolver import OpenLink, Resolver

T = TypeVar("T")


@asynccontextmanager
async def connect(
    *,
    authorities: Sequence[NodeAddress] = (),
    router: NodeAddress | None = None,
    messaging: NodeAddress | None = None,
    now_ms: Callable[[], int] = clock.now_ms,
    random: Callable[[int], bytes] = os.urandom,
    open_link: OpenLink = dial,
    handled: Path | None = None,
) -> AsyncGenerator[Byway]:
    """A client of the byway.  `router` and `messaging` serve topics under `open`; `authorities` know the others.

    What was handled is kept in the file `handled`, durable before the next one is shown; without it, in memory.
    Raises `StoreError`: `store-locked` if another process uses the file.
    """
    resolver = Resolver(
        authorities, router=router, messaging=messaging, open_link=open_link, now_ms=now_ms, random=random
    )
    with open_effects(now_ms, handled) as effects:
        yield Byway(resolver, Courier(resolver, open_link=open_link, now_ms=now_ms, random=random), effects)


@dataclass(frozen=True, slots=True)
class Published:
    """A cast on its way, and all that is needed to hear and answer its offers."""

    cast: Statement
    mailbox: Statement
    receipt: Receipt
    router: NodeAddress
    authority: NodeAddress
    key: SigningKey
    reply_secret: bytes


@dataclass(frozen=True, slots=True)
class SentOffer:
    """An offer on its way, and all that is needed to hear what becomes of it."""

    cast: Statement
    draft: OfferDraft
    receipt: Receipt
    authority: NodeAddress
    outer_key: SigningKey
    outer_reply_secret: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """What came through a subscription: somebody's cast, or the close of one."""

    statement: Statement
    body: Cast | Close


class Byway:
    """What one can do on the byway.  Made by `connect`.

    Calls that hand statements in go on, with the same bytes, until there is a receipt or a final refusal, which is
    raised as `Refused`; whoever does not want to wait cancels them, and then nothing is known.
    """

    def __init__(self, resolver: Resolver, courier: Courier, effects: Effects) -> None:
        self.resolver = resolver
        self.courier = courier
        self._effects = effects

    # the person's side

    async def publish(
        self, wish: Wish, *, key: SigningKey | None = None, reply_secret: bytes | None = None
    ) -> Published:
        """Ask for a mailbox, then publish the wish.  The keys are made here if none are given, for this cast alone."""
        places = await self.resolver.places(wish.topic)
        router, authority = places.homes[0], places.messaging
        key = key or SigningKey(self.courier.random(32))
        reply_secret = reply_secret or self.courier.random(32)
        draft = draft_cast(
            wish, key=key, reply_secret=reply_secret, authority=authority.node, now_ms=self.courier.now_ms()
        )
        await self.courier.hand_in(authority, key, draft.mailbox)
        receipt = await self.courier.hand_in(router, key, draft.cast)
        return Published(draft.cast, draft.mailbox, receipt, router, authority, key, reply_secret)

    @asynccontextmanager
    async def offers(self, published: Published) -> AsyncGenerator[Arrivals[OpenedOffer]]:
        """The offers to a cast, as they come."""

        def read(statement: Statement) -> OpenedOffer:
            now_ms = self.courier.now_ms()
            return open_offer(statement, cast=published.cast, reply_secret=published.reply_secret, now_ms=now_ms)

        async with self.courier.collect(published.authority, published.key) as subscription:
            with self._arrivals(subscription, read, published.key) as arrivals:
                yield arrivals

    async def accept(self, published: Published, offer: OpenedOffer, *, roster: bytes | None = None) -> Statement:
        """Accept an offer; `roster` is the digest of the terms that were read.  Returns the agreement."""
        draft = draft_agreement(
            offer.statement,
            cast=published.cast,
            key=published.key,
            now_ms=self.courier.now_ms(),
            random=self.courier.random,
            roster=roster,
        )
        return await self._answer(published, draft)

    async def decline(self, published: Published, offer: OpenedOffer, reason: str) -> Statement:
        """Tell the seller that the offer is not taken, and why: as in wire-protocol section 4.7."""
        draft = draft_decline(
            offer.statement,
            reason=reason,
            cast=published.cast,
            key=published.key,
            now_ms=self.courier.now_ms(),
            random=self.courier.random,
        )
        return await self._answer(published, draft)

    async def close(self, published: Published) -> Statement:
        """Take the cast back: the router hands it to nobody any more, and the mailbox takes no more offers."""
        close = make_close(published.key, published.cast, now_ms=self.courier.now_ms())
        for place in (published.router, published.authority):
            await self.courier.hand_in(place, published.key, close)
        return close

    async def _answer(self, published: Published, draft: AnswerDraft) -> Statement:
        await self.courier.hand_in(published.authority, published.key, draft.sealed)
        return draft.answer

    # the seller's side

    @asynccontextmanager
    async def subscribe(
        self,
        pattern: str,
        filter_text: str = "",
        *,
        key: SigningKey,
        sub: str,
        router: NodeAddress,
        from_: From = "cursor",
    ) -> AsyncGenerator[Arrivals[Heard]]:
        """The casts to a topic pattern, and their closes, as they come.

        Raises `StatementError` (`bad-filter`) and `Refused`.
        """
        wire = parse_filter_text(filter_text).wire() if filter_text else None
        async with (
            self.courier.link(router, key) as client,
            client.subscribe(sub, pattern, wire, from_=from_) as subscription,
        ):
            with self._arrivals(subscription, self._hear, key) as arrivals:
                yield arrivals

    async def offer(
        self,
        cast: Statement,
        proposal: Proposal,
        *,
        key: SigningKey,
        outer_key: SigningKey,
        outer_reply_secret: bytes,
        lifetime_ms: int,
        serial: int = 1,
    ) -> SentOffer:
        """Answer a cast with an offer; `key` signs it inside, where only the person sees it.

        The outer keys are for this cast alone.  Of several offers the one with the highest serial counts.
        """
        authority = await self.resolver.reach(Cast.from_statement(cast).authority)
        draft = draft_offer(
            cast,
            proposal,
            seller_key=key,
            outer_key=outer_key,
            outer_reply_secret=outer_reply_secret,
            serial=serial,
            lifetime_ms=lifetime_ms,
            now_ms=self.courier.now_ms(),
            random=self.courier.random,
        )
        await self.courier.hand_in(authority, outer_key, draft.mailbox)
        receipt = await self.courier.hand_in(authority, outer_key, draft.sealed)
        return SentOffer(cast, draft, receipt, authority, outer_key, outer_reply_secret)

    @asynccontextmanager
    async def answers(self, *sent: SentOffer) -> AsyncGenerator[Arrivals[Accepted | Declined]]:
        """What the person says to offers that were made to one cast with one outer key."""
        last = sent[-1]

        def read(statement: Statement) -> Accepted | Declined:
            return open_answer(
                statement,
                cast=last.cast,
                offers=[each.draft.offer for each in sent],
                outer_key=bytes(last.outer_key.verify_key),
                outer_reply_secret=last.outer_reply_secret,
            )

        async with self.courier.collect(last.authority, last.outer_key) as subscription:
            with self._arrivals(subscription, read, last.outer_key) as arrivals:
                yield arrivals

    @contextmanager
    def _arrivals(
        self, subscription: Subscription, read: Callable[[Statement], T], key: SigningKey
    ) -> Iterator[Arrivals[T]]:
        arrivals = Arrivals(subscription, read, self._effects, scope_of(bytes(key.verify_key), subscription.sub))
        try:
            yield arrivals
        finally:
            arrivals.abandon()

    def _hear(self, statement: Statement) -> Heard:
        statement.check_times(self.courier.now_ms())
        body = body_of(statement)
        if not isinstance(body, Cast | Close):
            raise StatementError("neither a cast nor a close", code="bad-body")
        return Heard(statement, body)
