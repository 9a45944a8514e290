"""Publishers that ask until they are answered, and subscribers that come back.

They use real links and the client library, as everybody does.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final, cast

import trio
from nacl.signing import SigningKey

from byway.clock import now_ms
from byway.errors import LinkError, Refused
from byway.link.client import Client, connect
from byway.link.dialer import open_link
from byway.link.link import Link
from byway.node_address import NodeAddress
from byway.protocol.frames import Frame
from byway.protocol.intentcast import Cast
from byway.protocol.limits import HOUR_MS, MINUTE_MS
from byway.protocol.statement import Statement
from tests.crash.evidence import Attempt, Evidence, Wish

TOPICS: Final = tuple(
    f"urn:byway:topic:open:{path}" for path in ("homes:boston", "homes:cambridge", "homes:boston:condo", "food:eggs")
)
SHORT_MS: Final = (300, 3000)  # some casts expire while the router is down or a subscriber is away
MOST_AT_ONCE: Final = 16
AGAIN_AFTER_S: Final = 0.05


def seeded(seed: float | str) -> Random:
    """Chance that can be repeated."""
    return Random(seed)  # noqa: S311 - no secret comes from it that anybody keeps


class Tap:
    """A link that shows `note` each frame that comes in."""

    def __init__(self, link: Link, note: Callable[[Frame], None]) -> None:
        self._link = link
        self._note = note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    async def receive(self) -> list[Frame]:
        frames = await self._link.receive()
        for frame in frames:
            self._note(frame)
        return frames


@asynccontextmanager
async def tapped(at: NodeAddress, key: SigningKey, evidence: Evidence) -> AsyncGenerator[Client]:
    """A client at the router, whose incoming frames are evidence."""
    async with (
        open_link(at.address, node=at.node, key=key, now_ms=now_ms, random=os.urandom) as link,
        connect(cast("Link", Tap(link, evidence.hear))) as client,
    ):
        yield client


class Publisher:
    """Makes casts and hands each in, the same bytes, until it has a receipt or a refusal that is for good."""

    def __init__(self, at: NodeAddress, evidence: Evidence, chance: Random) -> None:
        self._at = at
        self._evidence = evidence
        self._chance = chance
        self._key = SigningKey(chance.randbytes(32))
        self._unanswered: dict[bytes, Statement] = {}
        self.ends = False  # make no more, but see those through that were made

    async def run(self) -> None:
        while self._unanswered or not self.ends:
            try:
                async with tapped(self._at, self._key, self._evidence) as client:
                    while self._unanswered or not self.ends:
                        await self._submit(client)
                        await trio.sleep(self._chance.uniform(0, 0.03))
            except LinkError:
                self._evidence.began_again += 1
                await trio.sleep(AGAIN_AFTER_S)

    async def _submit(self, client: Client) -> None:
        if not self._unanswered:
            for _ in range(self._chance.randint(1, MOST_AT_ONCE)):
                self._make()
        casts = list(self._unanswered.values())
        for made, answer in zip(casts, await client.submit(casts), strict=True):
            if not isinstance(answer, Refused):
                self._evidence.receipt(made.id, answer)
            elif answer.temporary:
                continue
            else:
                self._evidence.refusals.append((made.id, answer))
            del self._unanswered[made.id]

    def _make(self) -> None:
        chance, now = self._chance, now_ms()
        beds = chance.choice([None, 1, 2, 3])
        body = Cast.from_wire(
            {
                "to": chance.choice(TOPICS),
                "facets": {} if beds is None else {"beds": ["integer", beds, beds]},
                "demand": {"@type": "Demand"},
                "reply": [(1, chance.randbytes(32))],
                "authority": self._at.node,
                "offers": 1,
                "terms": [],
                "pad": bytes(chance.choice([0, 0, 200, 1500, 9000])),
            }
        )
        lifetime = HOUR_MS if chance.random() < 0.8 else chance.randint(*SHORT_MS)
        made = body.sign(SigningKey(chance.randbytes(32)), created=now - MINUTE_MS, expires=now + lifetime)
        self._evidence.attempts[made.id] = Attempt(made.data, body.to, beds, made.expires)
        self._unanswered[made.id] = made


class Subscriber:
    """Takes what comes, notes each cast once before it acks, and comes back whenever it is cut off.

    `stays_s` is how long it stays on one link, `away_s` how long it is away after that.  `clumsy` is how
    often it falls over between the effect and the ack.
    """

    def __init__(
        self,
        at: NodeAddress,
        evidence: Evidence,
        chance: Random,
        wish: Wish,
        *,
        stays_s: float = float("inf"),
        away_s: float = AGAIN_AFTER_S,
        clumsy: float = 0.0,
    ) -> None:
        self._at = at
        self._evidence = evidence
        self._chance = chance
        self._wish = wish
        self._stays_s = stays_s
        self._away_s = away_s
        self._clumsy = clumsy
        self._key = SigningKey(chance.randbytes(32))

    async def run(self) -> None:
        filter_wire = None if self._wish.beds is None else [">=", "beds", ["integer", self._wish.beds, self._wish.beds]]
        while True:
            try:
                with trio.move_on_after(self._stays_s):
                    async with (
                        tapped(self._at, self._key, self._evidence) as client,
                        client.subscribe(self._wish.sub, self._wish.pattern, filter_wire) as subscription,
                    ):
                        async for delivery in subscription:
                            effect = (self._wish.sub, delivery.statement.id)
                            if effect not in self._evidence.effects:
                                self._evidence.effects[effect] += 1
                            if self._chance.random() < self._clumsy:
                                break
                            subscription.ack(delivery)
            except LinkError:
                self._evidence.began_again += 1
            except Refused as refusal:
                self._evidence.surprises.append(f"{self._wish.sub} was refused: {refusal} ({refusal.code})")
            await trio.sleep(self._away_s)
