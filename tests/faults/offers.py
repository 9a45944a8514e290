"""More offers than a buyer asked for: of one seller, and of many."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final

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
from tests.checker.witnesses import Effects
from tests.faults.authority_process import messaging_process
from tests.faults.honest_pair import witnessed_client
from tests.faults.stage import Stage

QUOTA: Final = 50  # messages that a buyer asks her mailbox to take
KEPT: Final = QUOTA // 4  # of those, for sellers who bring a stamp
STAMP_BITS: Final = 20
MAILBOX_BYTES: Final = 1_000_000
BOX_BYTES: Final = 1040  # the smallest size that is sealed
BY_ONE: Final = 2000
SELLERS: Final = 100
BY_EACH: Final = 10
AT_ONCE: Final = 8
OTHERS: Final = 4
OF_OTHERS: Final = 20
COLLECT_S: Final = 1.5  # of silence, and then there is nothing more
SUB: Final = "mailbox"
SETTINGS: Final[dict[str, Any]] = {"handshakes_per_s_per_prefix": 1000.0}
CODES: Final = frozenset(["busy", "mailbox-full", "older-serial"])


async def many_offers(stage: Stage) -> None:
    """One buyer is offered far more than she asked for, while she is away; other buyers notice nothing of it."""
    async with messaging_process(stage.place("authority"), **SETTINGS) as authority:
        await authority.start()
        async with stage.measuring(authority) as witness:
            market = _OfferMarket(authority.at, witness, stage.chance)
            flooded, others = market.key(), [market.key() for _ in range(OTHERS)]
            for buyer in (flooded, *others):
                await market.open_mailbox(buyer)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(market.one_seller, flooded, BY_ONE)
                nursery.start_soon(market.many_sellers, flooded)
                for buyer in others:
                    nursery.start_soon(market.one_deal_after_another, buyer)
            late = [await market.stamped_seller(flooded) for _ in range(KEPT + 1)]
            stage.expect(late == [[]] * KEPT + [["mailbox-full"]], f"sellers with a stamp were told {late}")
            offers = await market.collect(flooded)
            signers = {offer.signer for offer in offers}
            for what, value in (
                ("offers that came to a buyer who was offered too many", len(offers)),
                ("sellers whose offers came to her", len(signers)),
            ):
                witness.note("measured", what=what, value=value, most=QUOTA)
            stage.expect(len(offers) == QUOTA, f"{len(offers)} offers came where there was room for {QUOTA}")
            strange = market.refused.keys() - CODES
            stage.expect(not strange, f"offers were refused as {sorted(strange)}")
            for buyer in others:
                came = len(await market.collect(buyer))
                stage.expect(came == OF_OTHERS, f"{came} of {OF_OTHERS} offers came to a buyer whom nobody flooded")
            stage.outcome.faults += 2
            stage.outcome.counts |= {"offers handed in": market.handed_in, "offers that came": len(offers)}
            stage.outcome.counts |= {f"refused as {code}": count for code, count in market.refused.items()}


class _OfferMarket:
    """Buyers and sellers at one messaging authority."""

    def __init__(self, at: NodeAddress, witness: Witness, chance: Random) -> None:
        self._at = at
        self._witness = witness
        self._chance = chance
        self.handed_in = 0
        self.refused: Counter[str] = Counter()

    def key(self) -> SigningKey:
        return SigningKey(self._chance.randbytes(32))

    async def open_mailbox(self, buyer: SigningKey) -> None:
        async with self._client(buyer) as client:
            (answer,) = await client.submit([make_mailbox(self._at, buyer, messages=QUOTA, size=MAILBOX_BYTES)])
            assert not isinstance(answer, Refused), answer.code

    async def one_seller(self, buyer: SigningKey, offers: int) -> None:
        """Rising serials of one key: only the last one counts in the end."""
        seller = self.key()
        made = [make_sealed(self._chance, seller, buyer, serial) for serial in range(1, offers + 1)]
        await self._offer(seller, made)
        await self._offer(seller, [make_sealed(self._chance, seller, buyer, 1)])

    async def many_sellers(self, buyer: SigningKey) -> None:
        limiter = trio.CapacityLimiter(AT_ONCE)

        async def offer() -> None:
            async with limiter:
                seller = self.key()
                made = [make_sealed(self._chance, seller, buyer, serial) for serial in range(1, BY_EACH + 1)]
                await self._offer(seller, made)

        async with trio.open_nursery() as nursery:
            for _ in range(SELLERS):
                nursery.start_soon(offer)

    async def stamped_seller(self, buyer: SigningKey) -> list[str]:
        """One offer, with a stamp if that is asked for; with which code it was refused, if it was."""
        seller = self.key()
        return await self._offer(seller, [make_sealed(self._chance, seller, buyer, 1)], Minter(STAMP_BITS, os.urandom))

    async def one_deal_after_another(self, buyer: SigningKey) -> None:
        """Honest sellers, one offer each."""
        for _ in range(OF_OTHERS):
            seller = self.key()
            refused = await self._offer(seller, [make_sealed(self._chance, seller, buyer, 1)])
            assert not refused, refused

    async def collect(self, buyer: SigningKey) -> list[Statement]:
        """Everything that waits for her, each handled once."""
        found: list[Statement] = []
        effects = Effects(self._witness, self._at.node, bytes(buyer.verify_key), SUB, set())
        mailbox = mailbox_urn(bytes(buyer.verify_key))
        async with self._client(buyer) as client, client.subscribe(SUB, mailbox) as subscription:
            while True:
                with trio.move_on_after(COLLECT_S) as waiting:
                    delivery = await subscription.receive()
                if waiting.cancelled_caught:
                    await subscription.settled()
                    return found
                effects.take(subscription, delivery)
                found.append(delivery.statement)

    async def _offer(self, seller: SigningKey, made: Sequence[Statement], minter: Minter | None = None) -> list[str]:
        """Hand offers in; the codes of those that were refused."""
        async with self._client(seller) as client:
            answers = await client.submit(made, minter=minter)
        refused = [answer.code for answer in answers if isinstance(answer, Refused)]
        self.handed_in += len(made)
        self.refused.update(refused)
        return refused

    @asynccontextmanager
    async def _client(self, key: SigningKey) -> AsyncGenerator[Client]:
        async with witnessed_client(self._at, key, self._witness, source="127.2.3.1") as client:
            yield client


def make_mailbox(at: NodeAddress, buyer: SigningKey, *, messages: int, size: int) -> Statement:
    now = now_ms()
    body = Mailbox.from_wire({"at": at.node, "messages": messages, "bytes": size})
    return body.sign(buyer, created=now - MINUTE_MS, expires=now + HOUR_MS)


def make_sealed(chance: Random, seller: SigningKey, buyer: SigningKey, serial: int) -> Statement:
    """What nobody but the buyer could open; here not even she, for nobody else looks into the box."""
    now = now_ms()
    body = Sealed.from_wire(
        {
            "to": mailbox_urn(bytes(buyer.verify_key)),
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
