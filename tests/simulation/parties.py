"""Publishers, and what they have in common with all who have a link: they try again until they know.

They are the witnesses.  A party that crashes keeps what it had made durable: its outbox and its answers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import TYPE_CHECKING, Final, cast

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, Refused, RemoteProtocolError
from byway.link.client import Client
from byway.link.link import Link
from byway.link.minter import Minter
from byway.protocol.limits import STAMP_NONCE_BYTES
from byway.protocol.stamp import Stamp, mint
from byway.protocol.statement import Statement
from tests.checker.evidence import Witness
from tests.checker.witnesses import NOBODY, witnessed
from tests.simulation.machine import Machine
from tests.simulation.repeating import RepeatingLink

if TYPE_CHECKING:
    from tests.simulation.world import World

AGAIN_AFTER_S: Final = (0.1, 0.5)
GIVE_UP_S: Final = 3.0  # on a link that does not answer; a person's node would wait longer
WITH_STAMPS: Final = 0.5  # of all publishers
REPEATS: Final = 0.3  # of all parties say things twice
IN_TWO: Final = 0.6  # of all letters go in two batches, whose answers may overtake each other
MOST_BITS: Final = 13  # one more than is asked for first: who is asked for more brings no stamp


class Party:
    """Somebody with a link to one machine at a time, whose life can be ended; another begins after it."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.random = Random(f"{world.seed} {name}")  # noqa: S311 - a simulation
        self._repeats = self.random.random() < REPEATS
        self._life = trio.CancelScope()
        self._away_s = 0.0
        self._lives = False

    def crash(self, away_s: float) -> None:
        """End this life; the next begins after so many seconds."""
        self._away_s = away_s
        self._life.cancel()

    @property
    def lives(self) -> bool:
        return self._lives

    async def run(self) -> None:
        """One life after the other, until there is nothing left to do."""
        done = False
        while not done:
            with trio.CancelScope() as self._life:
                self._lives = True
                await self.live()
                done = True
            self._lives = False
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
            witnessed(self._repeating(link), witness, hostile) as client,
        ):
            yield client

    def _repeating(self, link: Link) -> Link:
        return cast("Link", RepeatingLink(link, self.random)) if self._repeats else link

    async def wait_a_little(self) -> None:
        await trio.sleep(self.random.uniform(*AGAIN_AFTER_S))


class Publisher(Party):
    """Hands in what is in its outbox until each has an answer that is an end."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.again = False  # hand in once more what has its answer already
        self._minter = _MinterAtOnce(MOST_BITS, world.bytes) if self.random.random() < WITH_STAMPS else None
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

    def is_at_work_at(self, machine: Machine) -> bool:
        return self.lives and any(letter.at is machine and not letter.ended.is_set() for letter in self._outbox)

    def has_used(self, machine: Machine) -> bool:
        return any(letter.at is machine for letter in self._outbox)

    def hand_in_again(self, machine: Machine) -> None:
        """What this machine was handed before, as somebody does who has lost the answers."""
        there = [letter for letter in self._outbox if letter.at is machine]
        letter = self.random.choice([letter for letter in there if len(letter.statements) > 1] or there)
        self.hand_in(machine, letter.statements, letter.key, letter.hostile)

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
                    half = len(left) // 2 if self.random.random() < IN_TWO else 0
                    with trio.move_on_after(GIVE_UP_S):
                        async with trio.open_nursery() as batches:
                            for batch in filter(None, (left[:half], left[half:])):
                                batches.start_soon(self._submit, client, batch, letter)
            except (LinkError, RemoteProtocolError):
                pass
            if letter.left:
                await self.wait_a_little()
        letter.ended.set()

    async def _submit(self, client: Client, batch: Sequence[Statement], letter: _Letter) -> None:
        with suppress(LinkError, RemoteProtocolError):
            answers = await client.submit(batch, minter=self._minter)
            for statement, answer in zip(batch, answers, strict=True):
                if not (isinstance(answer, Refused) and answer.temporary):
                    letter.answered.add(statement.id)


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
        self.statements = statements

    @property
    def left(self) -> list[Statement]:
        return [each for each in self.statements if each.id not in self.answered]


class _MinterAtOnce(Minter):
    """Makes stamps without a thread, which would know nothing of the virtual clock."""

    async def mint(self, statements: Sequence[Statement], node: bytes, bits: int) -> list[Stamp | None]:
        await trio.lowlevel.checkpoint()
        if not 0 < bits <= self._most_bits:
            return [None] * len(statements)
        starts = [int.from_bytes(self._random(STAMP_NONCE_BYTES), "big") for _ in statements]
        return [
            mint(node, each.id, bits, start=start, tries=16 << bits)
            for each, start in zip(statements, starts, strict=True)
        ]
