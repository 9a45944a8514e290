"""What one key or one network uses up is not another's: exactly its share, and charged to nobody who is only named."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, Refused
from byway.link.client import Client, connect
from byway.link.link import kept_alive
from byway.link.minter import Minter
from byway.node_address import NodeAddress
from byway.protocol.limits import HOUR_MS, MAX_MAILBOX_BYTES
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement
from tests.checker.evidence import Witness
from tests.crash.parties import make_cast
from tests.crash.router_process import RouterProcess
from tests.faults.authority_process import messaging_process
from tests.faults.honest_pair import witnessed_client
from tests.faults.peers import dial, open_on
from tests.faults.sellers import STAMP_BITS, make_mailbox, make_sealed
from tests.faults.stage import Stage
from tests.faults.subscription_shares import ROOM, SubscriptionShares
from tests.vectors.notation import damaged

BY_KEY: Final = 2  # statements at once, two seconds' worth
BY_PREFIX: Final = 6
RATES: Final[dict[str, Any]] = {"statements_per_s_per_link": BY_KEY / 2, "statements_per_s_per_prefix": BY_PREFIX / 2}
GREEDY: Final = "127.3.1.1"
ELSEWHERE: Final = "127.3.2.1"
IMPOSTORS: Final = 20
MESSAGES: Final = 5
LARGEST: Final = 3  # of the offers, together, are as many bytes as the mailbox takes


async def one_uses_up_its_own(stage: Stage) -> None:
    """Statements, subscriptions and work of a key and of an address prefix, and a mailbox: to the last, no other's."""
    async with (
        RouterProcess(stage.place("router"), **RATES) as router,
        messaging_process(stage.place("authority")) as authority,
        RouterProcess(stage.place("small"), **ROOM) as small,
        RouterProcess(stage.place("filtering")) as filtering,
    ):
        nodes = (router, authority, small, filtering)
        for node in nodes:
            await node.start()
        async with stage.measuring(*nodes) as witness, AsyncExitStack() as links:
            shares = _Shares(stage, witness, links)
            await shares.of_statements(router.at)
            await shares.of_a_mailbox(authority.at)
            subscriptions = SubscriptionShares(stage, links)
            await subscriptions.of_a_prefix(small.at)
            await subscriptions.of_work(filtering.at)
        stage.outcome.faults += len(nodes)


class _Shares:
    """What is handed in, on links that stay open."""

    def __init__(self, stage: Stage, witness: Witness, links: AsyncExitStack) -> None:
        self._stage = stage
        self._witness = witness
        self._links = links

    async def of_statements(self, at: NodeAddress) -> None:
        """All that a prefix may have is taken by its keys; a key elsewhere has its own, to the last statement."""
        victim = self._key()
        await self._impostors(at, victim)
        greedy = [await self._client(at, self._key(), GREEDY) for _ in range(BY_PREFIX // BY_KEY + 1)]
        honest = await self._client(at, victim, ELSEWHERE)
        for client in greedy[:-1]:
            self._all_taken(await client.submit(self._casts(at, BY_KEY)), "what a key may hand in at once")
        for client, whose in ((greedy[-1], "a prefix"), (greedy[0], "a key and its prefix")):
            await self._full(client, self._casts(at, 1), "busy", f"{whose} that had used up its share")
        for cast in self._casts(at, BY_KEY):
            self._all_taken(await honest.submit([cast]), "what was left to a key in another prefix")
        later = self._casts(at, 1)
        refusal = await self._full(honest, later, "busy", "a key that had used up its share")
        if refusal is not None:
            await trio.sleep((refusal.retry_after_ms or 0) / 1000)
            self._all_taken(await honest.submit(later), "a statement after the time that the refusal named")

    async def of_a_mailbox(self, at: NodeAddress) -> None:
        """Others cannot fill it by what they have not signed; its own limits are exact, by messages and by bytes."""
        few, small = self._key(), self._key()
        size = len(self._sealed(self._key(), small).data)
        for buyer, messages, room in ((few, MESSAGES, MAX_MAILBOX_BYTES), (small, MESSAGES, LARGEST * size)):
            client = await self._client(at, buyer, ELSEWHERE)
            mailbox = make_mailbox(at, buyer, messages=messages, size=room)
            self._all_taken(await client.submit([mailbox]), "a mailbox")
            stranger = await self._client(at, self._key(), GREEDY)
            await self._full(stranger, [mailbox], "wrong-signer", "a mailbox, handed in by a stranger")
            unsigned = [damaged(self._sealed(self._key(), buyer)) for _ in range(MESSAGES)]
            await self._full(stranger, unsigned, "bad-signature", "offers that nobody had signed")
            others = [self._sealed(self._key(), buyer) for _ in range(MESSAGES)]
            await self._full(stranger, others, "wrong-signer", "offers of others")
        for buyer, most in ((few, MESSAGES), (small, LARGEST)):
            for _ in range(most):
                self._all_taken(await self._offer(at, buyer), "an offer for which there was room")
            answers = await self._offer(at, buyer)
            self._all_refused(answers, "mailbox-full", "one offer more than the mailbox takes")

    async def _impostors(self, at: NodeAddress, victim: SigningKey) -> None:
        """Links that say they are the victim's, and cannot sign for it."""
        for _ in range(IMPOSTORS):
            impostor = self._key()
            impostor.verify_key = victim.verify_key
            try:
                link = await open_on(await dial(at, source=GREEDY), at, impostor)
                async with kept_alive(link), connect(link) as client:
                    await client.submit(self._casts(at, BY_KEY))
            except LinkError as error:
                self._stage.expect(error.code == "hello-mismatch", f"an impostor was told {error.code}")
            else:
                self._stage.expect(False, "an impostor was let in")
        self._stage.count("impostors", IMPOSTORS)

    async def _offer(self, at: NodeAddress, buyer: SigningKey) -> list[Receipt | Refused]:
        """One offer, with a stamp if that is asked for: the last quarter of a mailbox is for those."""
        seller = self._key()
        client = await self._client(at, seller, ELSEWHERE)
        return await client.submit([self._sealed(seller, buyer)], minter=Minter(STAMP_BITS, os.urandom))

    async def _full(self, client: Client, made: Sequence[Statement], code: str, what: str) -> Refused | None:
        """Hand these in, which are to be refused; one of the refusals."""
        answers = await client.submit(made)
        self._all_refused(answers, code, what)
        return next((answer for answer in answers if isinstance(answer, Refused)), None)

    def _all_taken(self, answers: Sequence[Receipt | Refused], what: str) -> None:
        codes = [answer.code for answer in answers if isinstance(answer, Refused)]
        self._stage.expect(not codes, f"{what} was refused: {codes}")
        self._stage.count("taken", len(answers) - len(codes))

    def _all_refused(self, answers: Sequence[Receipt | Refused], code: str, what: str) -> None:
        told = [answer.code if isinstance(answer, Refused) else "a receipt" for answer in answers]
        self._stage.expect({*told} == {code}, f"{what}: {told} in the place of {code}")
        self._stage.count(f"refused as {code}", told.count(code))

    async def _client(self, at: NodeAddress, key: SigningKey, source: str) -> Client:
        return await self._links.enter_async_context(witnessed_client(at, key, self._witness, source=source))

    def _casts(self, at: NodeAddress, count: int) -> list[Statement]:
        return [make_cast(self._stage.chance, at.node, lifetime_ms=HOUR_MS).statement for _ in range(count)]

    def _sealed(self, seller: SigningKey, buyer: SigningKey) -> Statement:
        return make_sealed(self._stage.chance, seller, bytes(buyer.verify_key), 1)

    def _key(self) -> SigningKey:
        return SigningKey(os.urandom(32))
