"""Two who do not play by the rules: one hands in what is badly signed, one acks in the name of an earlier session."""

from __future__ import annotations

from random import Random
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, Refused, RemoteProtocolError
from byway.link.client import Client
from byway.node_address import NodeAddress
from byway.protocol.frames import Ack
from byway.protocol.limits import HOUR_MS
from tests.checker.evidence import Witness
from tests.crash.parties import AGAIN_AFTER_S, Subscriber, linked, make_cast
from tests.crash.tallying import Tallying
from tests.vectors.notation import damaged

FORGES_EVERY_S: Final = 0.5
HONEST_BESIDE: Final = 6  # so many are verified beside the loop, and few at once on it
STARES_S: Final = 0.3


class Forger:
    """Hands in casts with a bit of the signature turned, alone or among honest ones, for as long as it is let."""

    def __init__(self, at: NodeAddress, witness: Witness, tallying: Tallying, chance: Random) -> None:
        self._at = at
        self._witness = witness
        self._tallying = tallying
        self._chance = chance
        self._key = SigningKey(chance.randbytes(32))

    async def run(self) -> None:
        while True:
            try:
                hostile: dict[bytes, str] = {}
                async with linked(self._at, self._key, self._witness, hostile) as client:
                    while True:
                        await self._forge(client, hostile)
                        await trio.sleep(FORGES_EVERY_S)
            except (LinkError, RemoteProtocolError):
                await trio.sleep(AGAIN_AFTER_S)

    async def _forge(self, client: Client, hostile: dict[bytes, str]) -> None:
        forged = damaged(make_cast(self._chance, self._at.node, lifetime_ms=HOUR_MS).statement)
        hostile[forged.id] = "its signature is bad"
        beside = self._chance.choice([0, HONEST_BESIDE])
        honest = [make_cast(self._chance, self._at.node, lifetime_ms=HOUR_MS) for _ in range(beside)]
        answers = await client.submit([*(made.statement for made in honest), forged])
        for made, answer in zip(honest, answers, strict=False):
            if not isinstance(answer, Refused):
                self._tallying.answered(made, answer)


class StaleAcker(Subscriber):
    """In every second life it takes nothing, and acks what comes with the epoch of the life before."""

    _epoch = 0
    _lives = 0

    async def _serve(self, client: Client) -> None:
        self._lives += 1
        if self._lives % 2 or self._stop.is_set():
            await super()._serve(client)
            return
        wish = self._wish
        async with client.subscribe(wish.sub, wish.pattern, wish.filter) as subscription:
            before, self._epoch = self._epoch, subscription.epoch
            with trio.move_on_after(STARES_S):
                last = await subscription.receive()
                if before:
                    await client._link.send(Ack(wish.sub, before, last.journal, last.sequence, (), ()))
                await trio.sleep_forever()
            await client._link.aclose()
