"""What buyers and sellers say to the authority that keeps the buyers' mailboxes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.clock import now_ms
from byway.errors import Refused
from byway.link.client import Client
from byway.link.minter import Minter
from byway.node_address import NodeAddress
from byway.protocol.limits import HOUR_MS, MINUTE_MS
from byway.protocol.mailbox import Mailbox
from byway.protocol.seal import SUITE, Sealed
from byway.protocol.statement import Statement
from byway.protocol.urn import mailbox_urn
from tests.checker.evidence import Witness
from tests.faults.honest_pair import witnessed_client

STAMP_BITS: Final = 20
BOX_BYTES: Final = 1040  # the smallest size that is sealed
AT_ONCE: Final = 8


class Sellers:
    """Sellers at one messaging authority, who come from the address `source`; `refused` counts what they were told."""

    def __init__(self, at: NodeAddress, witness: Witness, chance: Random, *, source: str) -> None:
        self._at = at
        self._witness = witness
        self._chance = chance
        self._source = source
        self.handed_in = 0
        self.refused: Counter[str] = Counter()

    def one_sellers_offers(self, seller: SigningKey, buyer: bytes, offers: int) -> list[Statement]:
        """Rising serials of one key: only the last one counts in the end."""
        return [make_sealed(self._chance, seller, buyer, serial) for serial in range(1, offers + 1)]

    async def many_sellers(self, buyer: bytes, sellers: int, offers: int) -> None:
        """Each with a key and a link of its own, and so many offers."""
        limiter = trio.CapacityLimiter(AT_ONCE)

        async def sell() -> None:
            async with limiter:
                seller = new_key(self._chance)
                await self.offer(seller, self.one_sellers_offers(seller, buyer, offers))

        async with trio.open_nursery() as nursery:
            for _ in range(sellers):
                nursery.start_soon(sell)

    async def one_more(self, buyer: bytes) -> list[str]:
        """One offer of a new seller, with a stamp if that is asked for; with which code it was refused, if it was."""
        seller = new_key(self._chance)
        return await self.offer(seller, [make_sealed(self._chance, seller, buyer, 1)], Minter(STAMP_BITS, os.urandom))

    async def offer(self, seller: SigningKey, made: Sequence[Statement], minter: Minter | None = None) -> list[str]:
        """Hand offers in, on a link of their seller; the codes of those that were refused."""
        async with self.client(seller) as client:
            answers = await client.submit(made, minter=minter)
        refused = [answer.code for answer in answers if isinstance(answer, Refused)]
        self.handed_in += len(made)
        self.refused.update(refused)
        return refused

    @asynccontextmanager
    async def client(self, key: SigningKey) -> AsyncGenerator[Client]:
        """On a link of this key."""
        async with witnessed_client(self._at, key, self._witness, source=self._source) as client:
            yield client


def new_key(chance: Random) -> SigningKey:
    return SigningKey(chance.randbytes(32))


def make_mailbox(at: NodeAddress, buyer: SigningKey, *, messages: int, size: int) -> Statement:
    now = now_ms()
    body = Mailbox.from_wire({"at": at.node, "messages": messages, "bytes": size})
    return body.sign(buyer, created=now - MINUTE_MS, expires=now + HOUR_MS)


def make_sealed(chance: Random, seller: SigningKey, buyer: bytes, serial: int) -> Statement:
    """What nobody but the buyer could open; here not even she, for nobody else looks into the box."""
    now = now_ms()
    body = Sealed.from_wire(
        {
            "to": mailbox_urn(buyer),
            "cast": chance.randbytes(32),
            "serial": serial,
            "suite": SUITE,
            "key": chance.randbytes(32),
            "commit": chance.randbytes(32),
            "nonce": chance.randbytes(24),
            "box": chance.randbytes(BOX_BYTES),
        }
    )
    return body.sign(seller, created=now - MINUTE_MS, expires=now + HOUR_MS)
