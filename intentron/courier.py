"""The courier: takes statements where they go, and fetches what waits in a mailbox.

It opens a link for each errand, with the key of that errand and no other.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import BywayError, LinkError, ProtocolError, Refused
from byway.link.client import Client, connect
from byway.link.link import Link
from byway.link.minter import Minter
from byway.link.subscription import Subscription
from byway.node_address import NodeAddress
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement
from byway.protocol.urn import mailbox_urn
from intentron.backoff import Backoff
from intentron.resolver import OpenLink, Resolver
from intentron.trouble import Trouble

_ELSEWHERE: Final = frozenset({"unreachable", "wrong-key"})  # nobody is there, or somebody else

STAMP_BITS: Final = 20  # a second or two of one core: as much as a node in need is given, and no more
MAILBOX_SUB: Final = "mailbox"  # everybody's: a name of one's own would tell a person's casts from those of others


class Courier:
    """Links to nodes, wherever `resolver` finds them."""

    def __init__(
        self, resolver: Resolver, *, open_link: OpenLink, now_ms: Callable[[], int], random: Callable[[int], bytes]
    ) -> None:
        self.now_ms = now_ms
        self.random = random
        self.minter = Minter(STAMP_BITS, random)
        self._resolver = resolver
        self._open_link = open_link

    @asynccontextmanager
    async def link(self, place: NodeAddress, key: SigningKey) -> AsyncGenerator[Client]:
        """A client over a link to a node, speaking for `key`; where nobody answers, at its next address.

        Raises `LinkError` and `ProtocolError`, as opening a link does.
        """
        async with AsyncExitStack() as stack:
            try:
                link = await stack.enter_async_context(self._dial(place, key))
            except LinkError as error:
                others = await self._resolver.elsewhere(place) if error.code in _ELSEWHERE else []
                if not others:
                    raise
                link = await stack.enter_async_context(self._dial(others[0], key))
            yield await stack.enter_async_context(connect(link))

    async def submit(
        self,
        place: NodeAddress,
        key: SigningKey,
        statements: Sequence[Statement],
        *,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> list[Receipt | Refused]:
        """Hand statements in once, over one link of `key`; for each a verified receipt or the refusal.

        `before` is awaited when the link is open and nothing of them has left.  Raises `LinkError` and
        `ProtocolError`: what became of them is then unknown.
        """
        async with self.link(place, key) as client:
            if before is not None:
                await before()
            return await client.submit(statements, minter=self.minter)

    async def hand_in(
        self,
        place: NodeAddress,
        key: SigningKey,
        statement: Statement,
        *,
        before: Callable[[], Awaitable[None]] | None = None,
        on_failure: Callable[[BywayError], None] | None = None,
    ) -> Receipt:
        """Hand the same bytes in until there is a receipt; `on_failure` is told why it takes longer.

        `before` is awaited before each try, as in `submit`.  Raises `Refused` if they are refused for good, or expire.
        Cancelling leaves unknown what became of them.
        """
        backoff = Backoff(self.random)
        trouble = Trouble("hand_in", at=str(place))
        while statement.expires > self.now_ms():
            failure: BywayError
            try:
                (answer,) = await self.submit(place, key, [statement], before=before)
            except (LinkError, ProtocolError) as error:
                failure, asked_ms = error, None
            else:
                if isinstance(answer, Receipt):
                    trouble.over()
                    return answer
                if not answer.temporary:
                    raise answer
                failure, asked_ms = answer, answer.retry_after_ms
            trouble.met(failure)
            if on_failure:
                on_failure(failure)
            await trio.sleep(backoff.next_s(asked_ms))
        raise Refused("expired", f"it has expired before {place} could be reached")

    @asynccontextmanager
    async def collect(self, place: NodeAddress, key: SigningKey) -> AsyncGenerator[Subscription]:
        """What comes to the mailbox of `key`, from where it was acked last.  Raises as `link` does, and `Refused`."""
        async with (
            self.link(place, key) as client,
            client.subscribe(MAILBOX_SUB, mailbox_urn(bytes(key.verify_key))) as subscription,
        ):
            yield subscription

    def _dial(self, place: NodeAddress, key: SigningKey) -> AbstractAsyncContextManager[Link]:
        return self._open_link(place.address, node=place.node, key=key, now_ms=self.now_ms, random=self.random)
