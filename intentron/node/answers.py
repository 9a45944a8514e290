"""What comes to a seller: the answers to its offers, agreements and declines."""

from __future__ import annotations

from functools import partial

from byway.node_address import NodeAddress
from byway.protocol.statement import Kind, Statement
from intentron.courier import Courier
from intentron.deal import MAILBOX_AFTER_MS, Accepted, open_answer
from intentron.keys import Keys, Role
from intentron.node.bell import keep_each
from intentron.node.collector import Box, Collector
from intentron.node.memory import About, Memory
from intentron.vault import Vault


class Answers:
    """One mailbox for each cast that was offered something, with the key that was made for it."""

    def __init__(self, memory: Memory, keys: Keys, courier: Courier, collector: Collector) -> None:
        self._memory = memory
        self._keys = keys
        self._courier = courier
        self._collector = collector

    async def run(self) -> None:
        """Collect until cancelled."""
        await keep_each(self._awaited, self._collect, self._memory.bell(About.ANSWERS))

    async def _awaited(self) -> list[tuple[bytes, NodeAddress]]:
        closed_boxes = self._courier.now_ms() - MAILBOX_AFTER_MS
        return await self._memory.look(lambda vault: vault.answers.awaited(closed_boxes))

    async def _collect(self, awaited: tuple[bytes, NodeAddress]) -> None:
        cast_id, place = awaited

        async def mailbox() -> Statement | None:
            sent = await self._memory.look(lambda vault: vault.outbox.of(Role.OUTER, cast_id))
            mailboxes = [each.statement for each in sent if each.statement.kind is Kind.MAILBOX]
            return max(mailboxes, key=lambda statement: statement.expires, default=None)

        await self._collector.collect(Box(Role.OUTER, cast_id, place), partial(self._take, cast_id), mailbox)

    async def _take(self, cast_id: bytes, sealed: Statement, _sequence: int) -> None:
        now = self._courier.now_ms()

        def receive(vault: Vault) -> None:
            cast = vault.inbox[cast_id]
            heard = open_answer(
                sealed,
                cast=cast.statement,
                offers=[answer.statement for answer in vault.answers.to_cast(cast_id)],
                outer_key=bytes(self._keys.outer(cast_id).verify_key),
                outer_reply_secret=bytes(self._keys.outer_reply(cast_id)),
            )
            offer = vault.answers[heard.offer_id].name
            if isinstance(heard, Accepted):
                if vault.agreements.receive(heard.agreement, offer_id=heard.offer_id, cast_id=cast_id, now=now):
                    vault.events.add("offer_accepted", now=now, cast=cast.name, offer=offer)
            elif vault.answers.record_decline(heard.offer_id, heard.reason):
                vault.events.add("offer_declined", now=now, cast=cast.name, offer=offer, reason=heard.reason)

        await self._memory.change(receive, About.ANSWERS)
