"""Publishers and subscribers: the client library in the hands of people who try again until they know.

They are the witnesses.  A party that crashes keeps what it had made durable: its outbox, its answers, its effects.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import trio
from nacl.signing import SigningKey

from byway.errors import BywayError, LinkError, Refused, RemoteProtocolError
from byway.link.client import Client
from byway.link.subscription import Subscription
from byway.protocol.statement import Statement
from byway.protocol.urn import node_urn
from tests.checker.evidence import Witness
from tests.checker.witnesses import NOBODY, witnessed
from tests.simulation.machine import Machine

if TYPE_CHECKING:
    from tests.simulation.world import World

AGAIN_AFTER_S: Final = (0.1, 0.5)
CHANGES_ITS_MIND: Final = 0.15
GIVE_UP_S: Final = 3.0  # on a link that does not answer; a person's node would wait longer


class Party:
    """Somebody with a link to one machine at a time, whose life can be ended; another begins after it."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.random = Random(f"{world.seed} {name}")  # noqa: S311 - a simulation
        self._life = trio.CancelScope()
        self._away_s = 0.0

    def crash(self, away_s: float) -> None:
        """End this life; the next begins after so many seconds."""
        self._away_s = away_s
        self._life.cancel()

    async def run(self) -> None:
        """One life after the other, until there is nothing left to do."""
        done = False
        while not done:
            with trio.CancelScope() as self._life:
                await self.live()
                done = True
            await trio.sleep(self._away_s)

    async def live(self) -> None:
        raise NotImplementedError

    @asynccontextmanager
    async def linked(
        self, at: Machine, key: SigningKey, witness: Witness, hostile: Mapping[bytes, str] = NOBODY
    ) -> AsyncGenerator[Client]:
        world = self.world
        async with (
            world.network.open_link(
                self.name, at.address, node=at.node, key=key, now_ms=world.now_ms, random=world.bytes
            ) as link,
            witnessed(link, witness, hostile) as client,
        ):
            yield client

    async def wait_a_little(self) -> None:
        await trio.sleep(self.random.uniform(*AGAIN_AFTER_S))


class Publisher(Party):
    """Hands in what is in its outbox until each has an answer that is an end."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.again = False  # hand in once more what has its answer already
        self._outbox: list[_Letter] = []
        self._more = trio.Event()
        self._last = False

    def hand_in(
        self, at: Machine, statements: Sequence[Statement], key: SigningKey, hostile: Mapping[bytes, str] = NOBODY
    ) -> _Letter:
        letter = _Letter(at, statements, key, hostile)
        self._outbox.append(letter)
        self._more.set()
        return letter

    def finish(self) -> None:
        """Nothing more is put into the outbox."""
        self._last = True
        self._more.set()

    async def live(self) -> None:
        with self.world.witness(self.name) as witness:
            async with trio.open_nursery() as nursery:
                begun: set[int] = set()
                if self.again:
                    self.again = False
                    for letter in self._outbox:
                        letter.answered.clear()
                while True:
                    for number, letter in enumerate(self._outbox):
                        if number not in begun:
                            begun.add(number)
                            nursery.start_soon(self._see_through, letter, witness)
                    if self._last:
                        break
                    self._more = trio.Event()
                    await self._more.wait()

    async def _see_through(self, letter: _Letter, witness: Witness) -> None:
        while left := letter.left:
            try:
                async with self.linked(letter.at, letter.key, witness, letter.hostile) as client:
                    with trio.move_on_after(GIVE_UP_S):
                        for statement, answer in zip(left, await client.submit(left), strict=True):
                            if not (isinstance(answer, Refused) and answer.temporary):
                                letter.answered.add(statement.id)
            except (LinkError, RemoteProtocolError):
                pass
            if letter.left:
                await self.wait_a_little()
        letter.ended.set()


class _Letter:
    """Statements that belong together, and what became of them."""

    def __init__(
        self, at: Machine, statements: Sequence[Statement], key: SigningKey, hostile: Mapping[bytes, str]
    ) -> None:
        self.at = at
        self.key = key
        self.hostile = hostile
        self.answered: set[bytes] = set()
        self.ended = trio.Event()
        self._statements = statements

    @property
    def left(self) -> list[Statement]:
        return [each for each in self._statements if each.id not in self.answered]


class Wish(NamedTuple):
    """What a subscriber asks for."""

    pattern: str = "open:**"
    filter: object = None


@dataclass(slots=True)
class _Latest:
    """The highest epoch that a subscriber was told of."""

    epoch: int = 0
    seen_on_two_links: bool = False


class _Sorted:
    """A witness that leaves out what comes late, over one link, of an epoch that was replaced over another.

    The checker replays the life of a subscription in the order of the evidence, as if there were one link after
    another.
    """

    def __init__(self, witness: Witness, latest: _Latest) -> None:
        self._witness = witness
        self._latest = latest

    def note(self, event: str, /, **fields: Any) -> None:
        latest = self._latest
        if event in ("subscribed", "received"):
            if latest.seen_on_two_links and fields["epoch"] < latest.epoch:
                return
            latest.epoch = fields["epoch"]
        self._witness.note(event, **fields)


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
        self._key = key
        self._wish = wish
        self._others = others
        self._done: set[bytes] = set()
        self._latest = _Latest()
        self._credit = self.random.choice((1000, 20_000, 1_000_000))

    async def live(self) -> None:
        with self.world.witness(self.name) as own:
            witness = self._sorted(own)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._stop, nursery.cancel_scope)
                while True:
                    await self._visit(witness, self.name)
                    await self.wait_a_little()
                    if self._others and self.random.random() < CHANGES_ITS_MIND:
                        self._wish = self.random.choice(self._others)

    async def rival(self) -> None:
        """Subscribe under the same name on a second link, while the first may still be at work."""
        self._latest.seen_on_two_links = True
        with self.world.witness(f"{self.name}-rival") as own, trio.move_on_after(self.random.uniform(0.05, 1.0)):
            await self._visit(self._sorted(own), f"{self.name}-rival")

    async def _visit(self, witness: Witness, name: str) -> None:
        """One link, until it ends, the subscription is taken over, or the run is over."""
        try:
            async with (
                self.linked(self.at, self._key, witness) as client,
                client.subscribe(self.name, self._wish.pattern, self._wish.filter, credit=self._credit) as subscription,
            ):
                await self._take(subscription, witness)
        except BywayError as error:
            self.world.note(f"{name} left: {error.code}")

    async def _take(self, subscription: Subscription, witness: Witness) -> None:
        async for delivery in subscription:
            if self.slow_s:
                await trio.sleep(self.slow_s)
            statement_id = delivery.statement.id
            if statement_id not in self._done:
                self._done.add(statement_id)
                witness.note(
                    "effect",
                    node=self.at.node,
                    key=node_urn(bytes(self._key.verify_key)),
                    sub=self.name,
                    id=statement_id,
                )
                if self.between:
                    between, self.between = self.between, None
                    await between()
            subscription.ack(delivery)

    def _sorted(self, witness: Witness) -> Witness:
        return cast("Witness", _Sorted(witness, self._latest))

    async def _stop(self, scope: trio.CancelScope) -> None:
        await self.world.over.wait()
        scope.cancel()
