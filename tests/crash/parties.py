"""Publishers that ask until they are answered, and subscribers that come back; each writes down what it sees.

They use real links and the client library, as everybody does.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.clock import now_ms
from byway.errors import CODES, LinkError, Refused, RemoteProtocolError
from byway.link.client import Client
from byway.link.dialer import open_link
from byway.link.subscription import Subscription
from byway.node_address import NodeAddress
from byway.protocol.intentcast import Cast
from byway.protocol.limits import HOUR_MS, MINUTE_MS
from byway.protocol.seal import NONCE_BYTES, public_reply_key, seal
from byway.protocol.statement import Kind, Statement, make_statement
from byway.protocol.urn import mailbox_urn, node_urn
from tests.checker.evidence import Witness
from tests.checker.witnesses import NOBODY, witnessed
from tests.crash.tallying import Made, Tallying

TOPICS: Final = tuple(
    f"urn:byway:topic:open:{path}" for path in ("homes:boston", "homes:cambridge", "homes:boston:condo", "food:eggs")
)
NOTHING: Final[Mapping[str, object]] = {}
PADS: Final = (0, 0, 200, 1500, 9000)  # bytes
SHORT_MS: Final = (300, 3000)  # some casts expire while the router is down or a subscriber is away
MOST_AT_ONCE: Final = 16
FORGETFUL: Final = 0.3
AGAIN_AFTER_S: Final = 0.05
REST_S: Final = 0.1  # at most, between two submissions
SETTLE_WITHIN_S: Final = 5.0
CANARY_BYTES: Final = 24


def seeded(seed: float | str) -> Random:
    """Chance that can be repeated."""
    return Random(seed)  # noqa: S311 - no secret comes from it that anybody keeps


@dataclass(frozen=True, slots=True)
class Wish:
    """A durable subscription: everything on a pattern, or what has so many beds or does not say.

    `stays_s` is how long the subscriber stays on one link, `away_s` how long it is away after that.  `clumsy` is how
    often it falls over between an effect and its ack.
    """

    sub: str
    pattern: str
    beds: int | None = None
    stays_s: float = float("inf")
    away_s: float = AGAIN_AFTER_S
    clumsy: float = 0.0

    @property
    def filter(self) -> object:
        """As on the wire."""
        return None if self.beds is None else [">=", "beds", ["integer", self.beds, self.beds]]


@asynccontextmanager
async def linked(
    at: NodeAddress, key: SigningKey, witness: Witness, hostile: Mapping[bytes, str] = NOBODY
) -> AsyncGenerator[Client]:
    """A client at the router, whose frames are evidence.  `hostile` says by id what is not to be accepted, and why."""
    async with (
        open_link(at.address, node=at.node, key=key, now_ms=now_ms, random=os.urandom) as link,
        witnessed(link, witness, hostile) as client,
    ):
        yield client


def make_cast(
    chance: Random,
    authority: str,
    *,
    lifetime_ms: int,
    more: Mapping[str, object] = NOTHING,
    pads: Sequence[int] = PADS,
    topics: Sequence[str] = TOPICS,
) -> Made:
    """A cast of a fresh key, with or without its one facet, and with `more`, of one size or another."""
    now = now_ms()
    beds = chance.choice([None, 1, 2, 3])
    body = Cast.from_wire(
        {
            "to": chance.choice(topics),
            "facets": ({} if beds is None else {"beds": ["integer", beds, beds]}) | dict(more),
            "demand": {"@type": "Demand"},
            "reply": [(1, chance.randbytes(32))],
            "authority": authority,
            "offers": 1,
            "terms": [],
            "pad": bytes(chance.choice(pads)),
        }
    )
    made = body.sign(SigningKey(chance.randbytes(32)), created=now - MINUTE_MS, expires=now + lifetime_ms)
    return Made(made, body.to, beds)


class Publisher:
    """Makes casts and hands each in, the same bytes, until it has a receipt or a refusal that is for good.

    Now and then it hands in one more time what has been answered, as somebody does who has lost the answer.  `begun` is
    what an earlier life of it had handed in.
    """

    def __init__(
        self, at: NodeAddress, witness: Witness, tallying: Tallying, chance: Random, begun: Iterable[Made] = ()
    ) -> None:
        self._at = at
        self._witness = witness
        self._tallying = tallying
        self._chance = chance
        self._key = SigningKey(chance.randbytes(32))
        self._unanswered = {made.statement.id: made for made in begun}
        self._answered: list[Statement] = []
        self.ends = False

    def finish(self) -> None:
        """Make no more, but see those through that were made."""
        self.ends = True

    async def run(self) -> None:
        while self._unanswered or not self.ends:
            try:
                async with linked(self._at, self._key, self._witness) as client:
                    while self._unanswered or not self.ends:
                        await self._submit(client)
                        await trio.sleep(self._chance.uniform(0, REST_S))
            except (LinkError, RemoteProtocolError):
                self._tallying.began_again += 1
                await trio.sleep(AGAIN_AFTER_S)

    async def _submit(self, client: Client) -> None:
        if not self._unanswered:
            for _ in range(self._chance.randint(1, MOST_AT_ONCE)):
                lifetime = HOUR_MS if self._chance.random() < 0.8 else self._chance.randint(*SHORT_MS)
                made = make_cast(self._chance, self._at.node, lifetime_ms=lifetime)
                self._unanswered[made.statement.id] = made
        asked = [made.statement for made in self._unanswered.values()]
        if self._answered and self._chance.random() < FORGETFUL:
            asked.append(self._chance.choice(self._answered))
        for statement, answer in zip(asked, await client.submit(asked), strict=True):
            if isinstance(answer, Refused) and answer.temporary:
                continue
            made_before = self._unanswered.pop(statement.id, None)
            if made_before is not None:
                self._answered.append(statement)
                self._tallying.answered(made_before, answer)


class Sealer:
    """Hands in a sealed offer until the router says that it keeps no mailboxes.

    `secrets` says what is in it, which nobody but its buyer may read.
    """

    def __init__(self, at: NodeAddress, witness: Witness, chance: Random) -> None:
        self._at = at
        self._witness = witness
        self._key = SigningKey(chance.randbytes(32))
        seller, reply_secret, said = (
            SigningKey(chance.randbytes(32)),
            chance.randbytes(32),
            chance.randbytes(CANARY_BYTES),
        )
        created = now_ms() - MINUTE_MS
        expires = created + HOUR_MS
        self.secrets = {
            said: "what an offer says",
            bytes(seller.verify_key): "the seller of an offer",
            reply_secret: "a reply key",
        }
        self._offer = seal(
            make_statement(seller, Kind.OFFER, {"said": said}, created=created, expires=expires),
            to=mailbox_urn(chance.randbytes(32)),
            cast=chance.randbytes(32),
            serial=1,
            reply_key=public_reply_key(reply_secret),
            outer_key=self._key,
            ephemeral_secret=chance.randbytes(32),
            nonce=chance.randbytes(NONCE_BYTES),
            created=created,
            expires=expires,
        )

    async def run(self) -> None:
        hostile = {self._offer.id: "a router keeps no mailboxes"}
        while True:
            with suppress(LinkError, RemoteProtocolError):
                async with linked(self._at, self._key, self._witness, hostile) as client:
                    (answer,) = await client.submit([self._offer])
                if not (isinstance(answer, Refused) and answer.temporary):
                    return
            await trio.sleep(AGAIN_AFTER_S)


class Subscriber:
    """An application that does something for each cast that it is handed, then acks, and comes back when it is cut off.

    When it begins again it knows what it had done before, because it may have fallen over between the effect and the
    ack.  On one link it takes the client library's word that nothing is handed to it twice.
    """

    def __init__(self, at: NodeAddress, witness: Witness, tallying: Tallying, chance: Random, wish: Wish) -> None:
        self._at = at
        self._witness = witness
        self._tallying = tallying
        self._chance = chance
        self._wish = wish
        self._key = SigningKey(chance.randbytes(32))
        self._stop = trio.Event()
        self._stay = trio.CancelScope()

    def stop(self) -> None:
        """Settle what came, and come back no more."""
        self._stop.set()
        self._stay.cancel()

    async def run(self) -> None:
        while not self._stop.is_set():
            try:
                async with linked(self._at, self._key, self._witness) as client:
                    await self._serve(client)
            except (LinkError, RemoteProtocolError):
                self._tallying.began_again += 1
            except Refused as refusal:
                if not (refusal.temporary or CODES[refusal.code].temporary):  # `Ended` has no time, only a code
                    self._tallying.surprises.append(f"{self._wish.sub} was refused: {refusal} ({refusal.code})")
            with trio.move_on_after(self._wish.away_s):
                await self._stop.wait()

    async def _serve(self, client: Client) -> None:
        wish, done_before = self._wish, set(self._tallying.done[self._wish.sub])
        async with client.subscribe(wish.sub, wish.pattern, wish.filter) as subscription:
            with trio.move_on_after(0 if self._stop.is_set() else wish.stays_s) as self._stay:
                await self._take(subscription, done_before)
            if self._stop.is_set():
                with trio.move_on_after(SETTLE_WITHIN_S):
                    await subscription.settled()

    async def _take(self, subscription: Subscription, done_before: set[bytes]) -> None:
        async for delivery in subscription:
            cast = delivery.statement.id
            if cast not in done_before:
                of = {"node": self._at.node, "key": node_urn(bytes(self._key.verify_key)), "sub": self._wish.sub}
                self._witness.note("effect", id=cast, **of)
                self._tallying.done[self._wish.sub].add(cast)
            if self._chance.random() < self._wish.clumsy:
                return
            subscription.ack(delivery)
            self._tallying.handled(self._wish.sub, cast)
