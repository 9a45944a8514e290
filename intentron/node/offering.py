"""How an offer is made: signed, sealed, kept, and put into the outbox with the mailbox that waits for the answer."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from byway.errors import Refused
from byway.node_address import NodeAddress
from byway.protocol.intentcast import Cast
from intentron.courier import Courier
from intentron.deal import Proposal, draft_offer
from intentron.keys import Keys, Role
from intentron.node.memory import About, Memory
from intentron.resolver import Resolver
from intentron.vault import STANDING, Answer, AnswerState, InboxState, Vault


class Made(NamedTuple):
    """An offer that was made, and the names of those that it takes the place of."""

    answer: Answer
    replaces: tuple[str, ...]


class Offering:
    """Makes offers to casts of the inbox, by hand or by a standing rule."""

    def __init__(self, memory: Memory, keys: Keys, courier: Courier, resolver: Resolver) -> None:
        self._memory = memory
        self._keys = keys
        self._courier = courier
        self._resolver = resolver

    async def make(self, cast_id: bytes, proposal: Proposal, *, lifetime_ms: int, rule: str = "") -> Made:
        """Offer something to a cast; a further offer takes the place of those before as soon as it is stored.

        Raises `Refused` if the cast has ended or was agreed about, or if a rule comes too late; `StatementError` if
        the person would refuse the offer; and as `Resolver.reach` does.
        """
        cast = await self._memory.look(lambda vault: vault.inbox[cast_id])
        place = await self._resolver.reach(Cast.from_statement(cast.statement).authority)
        make = partial(self._make, cast_id=cast_id, place=place, proposal=proposal, lifetime_ms=lifetime_ms, rule=rule)
        return await self._memory.change(make, About.OUTBOX, About.ANSWERS)

    def _make(
        self, vault: Vault, *, cast_id: bytes, place: NodeAddress, proposal: Proposal, lifetime_ms: int, rule: str
    ) -> Made:
        now = self._courier.now_ms()
        cast = vault.inbox[cast_id]
        _check_open(vault, cast_id, now, by_rule=bool(rule))
        replaces = tuple(before.name for before in vault.answers.to_cast(cast_id) if before.state in STANDING)
        serial = vault.answers.next_serial(cast_id)
        draft = draft_offer(
            cast.statement,
            proposal,
            seller_key=self._keys.identity(),
            outer_key=self._keys.outer(cast_id),
            outer_reply_secret=bytes(self._keys.outer_reply(cast_id)),
            serial=serial,
            lifetime_ms=lifetime_ms,
            now_ms=now,
            random=self._courier.random,
        )
        vault.outbox.put(draft.mailbox, node=place, role=Role.OUTER, subject=cast_id, now=now)
        answer = vault.answers.add(
            draft.offer, draft.sealed, cast_id=cast_id, serial=serial, node=place, now=now, rule=rule
        )
        vault.events.add("offer_made", now=now, cast=cast.name, offer=answer.name, rule=rule)
        return Made(answer, replaces)


def _check_open(vault: Vault, cast_id: bytes, now: int, *, by_rule: bool) -> None:
    cast = vault.inbox[cast_id]
    if cast.state is InboxState.CLOSED:
        raise Refused("closed", f"{cast.name} was closed by its sender")
    if cast.statement.expires <= now:
        raise Refused("expired", f"{cast.name} has expired")
    if any(answer.state is AnswerState.ACCEPTED for answer in vault.answers.to_cast(cast_id)):
        raise Refused("settled", f"an offer to {cast.name} was accepted already")
    if by_rule and cast.state is not InboxState.NEW:
        raise Refused("settled", f"{cast.name} was seen to already")
