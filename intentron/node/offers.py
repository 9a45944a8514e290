"""What comes to a person: the offers to her casts."""

from __future__ import annotations

from functools import partial

from byway.protocol.statement import Statement
from intentron.courier import Courier
from intentron.deal import open_offer
from intentron.keys import Keys, Role
from intentron.node.bell import keep_each
from intentron.node.collector import Box, Collector
from intentron.node.memory import About, Memory
from intentron.vault import CastState, Vault


class Offers:
    """One mailbox for each cast that a router has signed for, until she closes it.

    It stays open for a month after the cast has expired: an offer that was made in time waits there.
    """

    def __init__(self, memory: Memory, keys: Keys, courier: Courier, collector: Collector) -> None:
        self._memory = memory
        self._keys = keys
        self._courier = courier
        self._collector = collector

    async def run(self) -> None:
        """Collect until cancelled."""
        await keep_each(self._open_casts, self._collect, self._memory.bell(About.CASTS))

    async def _open_casts(self) -> list[bytes]:
        now = self._courier.now_ms()

        def find(vault: Vault) -> list[bytes]:
            published = vault.casts.all(CastState.ACCEPTED, CastState.EXPIRED)
            return [cast.id for cast in published if cast.receipt and cast.mailbox.expires > now]

        return await self._memory.look(find)

    async def _collect(self, cast_id: bytes) -> None:
        cast = await self._memory.look(lambda vault: vault.casts[cast_id])

        async def mailbox() -> Statement:
            return cast.mailbox

        if cast.authority is None:
            raise ValueError(f"{cast.name} was never published")
        await self._collector.collect(Box(Role.CAST, cast.salt, cast.authority), partial(self._take, cast_id), mailbox)

    async def _take(self, cast_id: bytes, sealed: Statement, sequence: int) -> None:
        now = self._courier.now_ms()

        def receive(vault: Vault) -> None:
            cast = vault.casts[cast_id]
            opened = open_offer(
                sealed, cast=cast.statement, reply_secret=bytes(self._keys.cast_reply(cast.salt)), now_ms=now
            )
            kept = vault.offers.receive(
                opened.statement,
                cast_id=cast_id,
                outer_key=sealed.signer,
                serial=opened.body.serial,
                sequence=sequence,
                now=now,
            )
            if kept:
                vault.events.add("offer_received", now=now, cast=cast.name, offer=kept.name)

        await self._memory.change(receive)
