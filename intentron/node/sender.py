"""The sender: takes what waits in the outbox where it goes, one link for each key, until it is stored or refused.

The attempt is in the vault before the wire is touched, and the answer before anybody is told.  What was not answered is
sent again, the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import structlog
import trio

from byway.errors import LinkError, ProtocolError, Refused
from byway.link.client import Client
from byway.node_address import NodeAddress
from byway.protocol.limits import MINUTE_MS
from byway.protocol.receipt import Receipt
from byway.protocol.seal import Sealed
from byway.protocol.statement import Kind
from intentron.backoff import share
from intentron.courier import Courier
from intentron.keys import Keys, Role
from intentron.node.memory import About, Memory
from intentron.node.quiet_start import QuietStart
from intentron.node.waits import Waits
from intentron.trouble import Trouble
from intentron.vault import Outgoing, Vault

log = structlog.get_logger()

FIRST_MS: Final = 500  # what the second attempt waits for; each further one twice as long
MOST_MS: Final = MINUTE_MS
DOUBLINGS: Final = 10  # more would make no difference
MAX_LINKS: Final = 16  # at a time: a seller may have hundreds of offers to send, each on a link of its own
LOOK_AGAIN_S: Final = 0.25  # what is due may be under way, or wait for its turn

Answers = Sequence[tuple[Outgoing, Receipt | Refused]]


class _Errand(NamedTuple):
    """What goes to one node with one key, and so over one link."""

    node: NodeAddress
    role: Role
    subject: bytes


class Sender:
    """Sends what is due.  Cancelling it anywhere is safe: what was not recorded is tried again."""

    def __init__(self, memory: Memory, keys: Keys, courier: Courier, waits: Waits, quiet_start: QuietStart) -> None:
        self._memory = memory
        self._keys = keys
        self._courier = courier
        self._waits = waits
        self._quiet_start = quiet_start
        self._under_way: set[_Errand] = set()
        self._troubles: dict[NodeAddress, Trouble] = {}
        self._links = trio.CapacityLimiter(MAX_LINKS)

    async def run(self) -> None:
        """Send until cancelled."""
        bell = self._memory.bell(About.OUTBOX)
        async with trio.open_nursery() as nursery:
            while True:
                ring = bell.next
                for errand, outgoing in _by_errand(await self._due()):
                    if errand not in self._under_way:
                        self._under_way.add(errand)
                        nursery.start_soon(self._send, errand, outgoing)
                with trio.move_on_after(await self._until_next_s()):
                    await ring.wait()

    async def _due(self) -> list[Outgoing]:
        now = self._courier.now_ms()
        return await self._memory.look(lambda vault: vault.outbox.due(now))

    async def _until_next_s(self) -> float:
        next_try = await self._memory.look(lambda vault: vault.outbox.next_try())
        if next_try is None:
            return float("inf")
        return max((next_try - self._courier.now_ms()) / 1000, LOOK_AGAIN_S)

    async def _send(self, errand: _Errand, outgoing: list[Outgoing]) -> None:
        try:
            await self._quiet_start.wait()
            async with self._links:
                await self._memory.change(lambda vault: self._attempt(vault, outgoing))
                await self._over_a_link(errand, outgoing)
        except (LinkError, ProtocolError) as error:
            self._troubles.setdefault(errand.node, Trouble("sending", at=str(errand.node))).met(error)
            for each in outgoing:
                self._waits.put(each.id, error)
        finally:
            self._under_way.remove(errand)
            self._memory.bell(About.OUTBOX).ring()

    async def _over_a_link(self, errand: _Errand, outgoing: list[Outgoing]) -> None:
        """A mailbox goes first: what is sent with its key may be answered there."""
        mailboxes = [each for each in outgoing if each.statement.kind is Kind.MAILBOX]
        others = [each for each in outgoing if each.statement.kind is not Kind.MAILBOX]
        async with self._courier.link(errand.node, self._keys.signing(errand.role, errand.subject)) as client:
            if trouble := self._troubles.pop(errand.node, None):
                trouble.over()
            no_mailbox = _first_refusal(await self._submit(client, mailboxes))
            if no_mailbox is None:
                await self._submit(client, others)
            else:
                await self._answered([(each, no_mailbox) for each in others])

    async def _submit(self, client: Client, outgoing: list[Outgoing]) -> list[Receipt | Refused]:
        if not outgoing:
            return []
        answers = await client.submit([each.statement for each in outgoing], minter=self._courier.minter)
        await self._answered(list(zip(outgoing, answers, strict=True)))
        return answers

    async def _answered(self, answers: Answers) -> None:
        await self._memory.change(lambda vault: self._record(vault, answers), About.ANSWERS)

    def _attempt(self, vault: Vault, outgoing: Iterable[Outgoing]) -> None:
        now = self._courier.now_ms()
        for each in outgoing:
            whole = min(FIRST_MS << min(each.attempts, DOUBLINGS), MOST_MS)
            wait = int(whole * (0.5 + share(self._courier.random) / 2))
            vault.outbox.record_attempt(each.id, each.node, now + wait)

    def _record(self, vault: Vault, answers: Answers) -> None:
        now = self._courier.now_ms()
        for each, answer in answers:
            if isinstance(answer, Receipt):
                self._waits.end(each.id)
                if vault.outbox.record_receipt(each.id, each.node, answer.to_bytes()):
                    _tell(vault, each, "sent", now)
                    _replace(vault, each, now)
            elif answer.temporary:
                self._waits.put(each.id, answer)
                vault.outbox.record_attempt(each.id, each.node, now + (answer.retry_after_ms or FIRST_MS))
            else:
                log.warning("statement_refused", at=str(each.node), code=answer.code, reason=str(answer))
                self._waits.end(each.id)
                if vault.outbox.record_refusal(each.id, each.node, answer.code):
                    _tell(vault, each, "refused", now, code=answer.code)


def _by_errand(outgoing: Sequence[Outgoing]) -> Iterable[tuple[_Errand, list[Outgoing]]]:
    def errand(each: Outgoing) -> _Errand:
        return _Errand(each.node, each.role, each.subject)

    ordered = sorted(outgoing, key=lambda each: (str(each.node), each.role, each.subject))
    return [(key, list(group)) for key, group in groupby(ordered, errand)]


def _first_refusal(answers: Sequence[Receipt | Refused]) -> Refused | None:
    """Why there is no mailbox; a later statement of the same mailbox is as good."""
    return next((answer for answer in answers if isinstance(answer, Refused) and answer.code != "older-serial"), None)


def _tell(vault: Vault, outgoing: Outgoing, fate: str, now: int, **about: str) -> None:
    """Note what became of a seller's offer, or of a person's answer to one."""
    if outgoing.statement.kind is not Kind.SEALED:
        return
    cast_id = Sealed.from_statement(outgoing.statement).cast
    if outgoing.role is Role.CAST:
        vault.events.add(f"answer_{fate}", now=now, cast=vault.casts[cast_id].name, **about)
    elif answer := vault.answers.carried_by(outgoing.id):
        vault.events.add(f"offer_{fate}", now=now, cast=vault.inbox[cast_id].name, offer=answer.name, **about)


def _replace(vault: Vault, outgoing: Outgoing, now: int) -> None:
    """An offer that arrived takes the place of what its seller has offered to that cast before."""
    if answer := vault.answers.carried_by(outgoing.id):
        for before in vault.answers.replace_before(answer):
            cast = vault.inbox[before.cast_id].name
            vault.events.add("offer_replaced", now=now, cast=cast, offer=before.name, by=answer.name)
