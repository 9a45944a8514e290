"""Subscribers: they take what comes for one durable subscription, change their mind, and sometimes end it.

A subscriber that crashes keeps what it had made durable: its effects.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import trio
from nacl.signing import SigningKey

from byway.errors import BywayError
from byway.link.client import Client
from byway.link.subscription import Subscription
from byway.protocol.urn import node_urn
from tests.checker.evidence import Witness
from tests.simulation.machine import Machine
from tests.simulation.parties import Party

if TYPE_CHECKING:
    from tests.simulation.world import World

CHANGES_ITS_MIND: Final = 0.15
HAS_TWO: Final = 0.4  # of all sellers have a second subscription on the same link
ENDS_IT: Final = 0.02  # after a delivery, and begins anew


class Wish(NamedTuple):
    """What a subscriber asks for."""

    pattern: str = "open:**"
    filter: object = None


class Subscriber(Party):
    """Takes what comes for one durable subscription."""

    def __init__(
        self, world: World, name: str, at: Machine, wish: Wish, *, key: SigningKey, others: Sequence[Wish] = ()
    ) -> None:
        """It begins with `wish`, and may change to one of the `others` when it subscribes again."""
        super().__init__(world, name)
        self.at = at
        self.slow_s = 0.0  # for each delivery
        self.between: Callable[[], Awaitable[None]] | None = None  # what happens once, between an effect and its ack
        self.in_hand = trio.Event()  # something came in an epoch that has begun since this was put here
        self._key = key
        self._wish = wish
        self._others = others
        self._done: set[tuple[str, bytes]] = set()
        self._beside = bool(others) and self.random.random() < HAS_TWO
        self._on_two_links = False  # or it was
        self._ending = False
        self._credit = self.random.choice((1000, 20_000, 1_000_000))

    async def live(self) -> None:
        with self.world.witness(self.name) as witness:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._stop, nursery.cancel_scope)
                while True:
                    await self._visit(witness, self.name)
                    await self.wait_a_little()
                    if self._others and self.random.random() < CHANGES_ITS_MIND:
                        self._wish = self.random.choice(self._others)

    async def rival(self) -> None:
        """Subscribe under the same name on a second link, while the first may still be at work."""
        if self._ending:
            return
        self._on_two_links = True
        with self.world.witness(f"{self.name}-rival") as witness, trio.move_on_after(self.random.uniform(0.05, 1.0)):
            await self._visit(witness, f"{self.name}-rival")

    async def _visit(self, witness: Witness, name: str) -> None:
        """One link, until it ends, the subscription is taken over, or the run is over."""
        try:
            async with (
                self.linked(self.at, self._key, witness) as client,
                client.subscribe(self.name, self._wish.pattern, self._wish.filter, credit=self._credit) as subscription,
                trio.open_nursery() as nursery,
            ):
                if self._beside:
                    nursery.start_soon(self._take_beside, client, witness)
                await self._take(subscription, witness, client)
        except* BywayError as ends:
            self.world.note(f"{name} left: {_codes(ends)}")

    async def _take_beside(self, client: Client, witness: Witness) -> None:
        """When it ends, the link does, and both begin again."""
        async with client.subscribe(f"{self.name} beside", self._wish.pattern, credit=self._credit) as subscription:
            await self._take(subscription, witness)

    async def _take(self, subscription: Subscription, witness: Witness, client: Client | None = None) -> None:
        in_hand = self.in_hand
        async for delivery in subscription:
            if client:
                in_hand.set()
            slow_s = self.slow_s
            if slow_s:
                await trio.sleep(slow_s)
            statement_id = delivery.statement.id
            if (subscription.sub, statement_id) not in self._done:
                self._done.add((subscription.sub, statement_id))
                witness.note(
                    "effect",
                    node=self.at.node,
                    key=node_urn(bytes(self._key.verify_key)),
                    sub=subscription.sub,
                    id=statement_id,
                    took_ms=round(1000 * slow_s),
                )
                if client and self.between:
                    between, self.between = self.between, None
                    await between()
            subscription.ack(delivery)
            if client and not self._on_two_links and self.random.random() < ENDS_IT:
                await self._end(client)

    async def _end(self, client: Client) -> None:
        """End the subscription.  The next of its name begins with the first epoch, and with the oldest statement."""
        self._ending = True
        try:
            await client.unsubscribe(self.name)
        finally:
            self._ending = False

    async def _stop(self, scope: trio.CancelScope) -> None:
        await self.world.over.wait()
        scope.cancel()


def _codes(ends: BaseExceptionGroup[BywayError]) -> str:
    found = (_codes(end) if isinstance(end, BaseExceptionGroup) else end.code for end in ends.exceptions)
    return ", ".join(found)
