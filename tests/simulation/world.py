"""One small byway of machines, people and a network, made from a seed, with everything that may go wrong in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final
from zlib import crc32

import trio

from authorities.addressing.authority import AddressingPolicy
from authorities.messaging.authority import MessagingPolicy
from byway.errors import LinkError, Refused, RemoteProtocolError
from byway.protocol.statement import Statement
from byway.protocol.urn import mailbox_urn
from byway.router.policy import RouterPolicy
from tests.checker.evidence import Witness
from tests.simulation.machine import Machine
from tests.simulation.market import FILTERS, PATTERNS, Market, topic_of
from tests.simulation.network import Network
from tests.simulation.parties import Party, Publisher
from tests.simulation.parts import Parts
from tests.simulation.subscribers import Subscriber, Wish
from tests.strategies.randomness import Seeded

Line = tuple[object, ...]

START_MS: Final = 1_800_000_000_000
BUSY_S: Final = 3.0  # as long people have new ideas
CASTS: Final = 8
NEW: Final = 2  # casts that come at once
HOSTILE: Final = 0.3  # of all batches have something among them that no node may take
WITH_MAIL: Final = 0.6  # of all worlds have a messaging authority, and people who use it
WITH_NAMES: Final = 0.4  # have an addressing authority
QUIET_S: Final = 2.4  # so long nothing new is seen when all is done
DRAIN_S: Final = 34.0  # more than the checker allows


class World:
    """Everything of one run.  `trace` is what happened, in order."""

    def __init__(self, seed: str, folder: Path, parts: Parts, *, skew_ms: int) -> None:
        self.seed = seed
        self.trace: list[Line] = []
        self.over = trio.Event()
        self.random = Random(f"{seed} world")  # noqa: S311 - a simulation
        self.bytes = Seeded(f"{seed} clients")
        self.network = Network(Random(f"{seed} network"), self.note)  # noqa: S311
        self.market = Market(seed, self.now_ms)
        self.evidence = folder / "evidence"
        self.evidence.mkdir()
        self.moved = 0.0  # when evidence was given last
        self._skew_ms = skew_ms
        self._witnesses = 0
        self._last_ns = 0

        def machine(name: str, make_policy: Callable[[bytes, Callable[[], int]], Any]) -> Machine:
            return Machine(
                name,
                folder,
                self.network,
                seed=seed,
                wall_ms=self.now_ms,
                make_policy=make_policy,
                parts=parts,
                note=self.note,
            )

        self.routers = [
            machine(f"router-{number}", lambda key, _: RouterPolicy(key))
            for number in range(2 if self.random.random() < 0.3 else 1)
        ]
        self.messaging = machine("messaging", MessagingPolicy)
        self.addressing = machine("addressing", AddressingPolicy)
        self._mail = self.random.random() < WITH_MAIL
        self._names = self.random.random() < WITH_NAMES
        self.carriers = [*self.routers, *self.routers, *([self.messaging] if self._mail else [])]
        self.machines = list(dict.fromkeys([*self.carriers, *([self.addressing] if self._names else [])]))
        self.publishers: list[Publisher] = []
        self.subscribers: list[Subscriber] = []

    # what the witnesses are given

    def now_ms(self) -> int:
        return START_MS + int(trio.current_time() * 1000)

    def monotonic_ns(self) -> int:
        """Virtual time; what happens at one instant is told apart, so that evidence has one order."""
        self._last_ns = max(self._last_ns + 1, round(trio.current_time() * 1e9))
        return self._last_ns

    def wall_ns(self) -> int:
        return self.now_ms() * 1_000_000

    def note(self, *line: object) -> None:
        self.trace.append((trio.current_time(), *line))

    def witness(self, name: str) -> Witness:
        self._witnesses += 1
        return _TracedWitness(self, f"{self._witnesses:03}-{name}")

    def hand_in_new(self, at: Machine) -> None:
        """One of the publishers has new ideas at once."""
        for _ in range(NEW):
            publisher, key = self.random.choice(self.publishers), self.market.key()
            publisher.hand_in(at, [self.market.cast(key, self.messaging.node)], key)

    # the run

    async def live(self, nursery: trio.Nursery) -> None:
        """Start everybody; returns when nobody has a new idea any more."""
        for machine in self.machines:
            nursery.start_soon(machine.keep)
        self._settle_in()
        for party in (*self.publishers, *self.subscribers):
            nursery.start_soon(party.run)
        async with trio.open_nursery() as ideas:
            for publisher in self.publishers[:-1]:
                ideas.start_soon(self._publish, publisher)
            if self._mail:
                ideas.start_soon(self._exchange, self.publishers[-1], nursery)
            if self._names:
                ideas.start_soon(self._name)

    async def drain(self) -> None:
        """Wait until everybody has finished and nothing is on its way."""
        healed = trio.current_time()
        for publisher in self.publishers:
            publisher.finish()
        while True:
            until = min(max(self.moved, healed) + QUIET_S, healed + DRAIN_S)
            if until <= trio.current_time():
                return
            await trio.sleep_until(until)

    def _settle_in(self) -> None:
        random = self.random
        for number in range(random.randrange(1, 4)):
            self.publishers.append(Publisher(self, f"publisher-{number}"))
        self.publishers.append(Publisher(self, "dealer"))
        wishes = [Wish(random.choice(PATTERNS), random.choice(FILTERS)) for _ in range(4)]
        for number in range(random.randrange(2, 5)):
            at, key = random.choice(self.routers), self.market.key()
            everything = number == 0
            seller = Subscriber(
                self,
                f"seller-{number}",
                at,
                Wish() if everything else random.choice(wishes),
                key=key,
                others=() if everything else wishes,
            )
            self.subscribers.append(seller)

    async def _publish(self, publisher: Publisher) -> None:
        random, market = publisher.random, self.market
        authority = self.messaging.node
        left = CASTS // (len(self.publishers) - 1)
        while left > 0:
            await trio.sleep(random.uniform(0, 2 * BUSY_S / CASTS * (len(self.publishers) - 1)))
            keys = [market.key() for _ in range(random.randrange(1, 5))]
            casts = [market.cast(key, authority) for key in keys]
            left -= len(casts)
            at = random.choice(self.routers)
            hostile: dict[bytes, str] = {}
            handed_in: list[Statement] = list(casts)
            if random.random() < HOSTILE:
                bad, why = market.hostile(authority)
                hostile[bad.id] = why
                handed_in.append(bad)
            publisher.hand_in(at, handed_in, keys[0], hostile)
            if random.random() < 0.2:  # the same on two links, at the same time
                publisher.hand_in(at, casts, keys[-1])
            if random.random() < 0.2:
                await trio.sleep(random.uniform(0, 0.5))
                publisher.hand_in(at, [market.close(casts[0], keys[0])], keys[0])

    async def _exchange(self, dealer: Publisher, nursery: trio.Nursery) -> None:
        """A mailbox is opened; sealed offers come into it, and its owner collects them."""
        market, random, at = self.market, dealer.random, self.messaging
        owner = market.key()
        opened = dealer.hand_in(at, [market.mailbox(owner, at.node)], owner)
        await opened.ended.wait()
        mailbox = mailbox_urn(bytes(owner.verify_key))
        collector = Subscriber(self, "buyer", at, Wish(mailbox), key=owner)
        self.subscribers.append(collector)
        nursery.start_soon(collector.run)
        for _ in range(2):
            seller = market.key()
            for serial in range(1, random.randrange(2, 4)):
                await trio.sleep(random.uniform(0, BUSY_S / 4))
                dealer.hand_in(at, [market.sealed(seller, bytes(owner.verify_key), serial)], seller)

    async def _name(self) -> None:
        """A topic gets newer and newer records, and somebody asks for it."""
        dealer, at = self.publishers[-1], self.addressing
        homes = [router.node for router in self.routers]
        asker = Party(self, "asker")
        for serial in range(1, 3):
            dealer.hand_in(at, [self.market.record(at.key, serial, homes, self.messaging.node)], self.market.key())
            await trio.sleep(BUSY_S / 3)
            with self.witness("asker") as witness, trio.move_on_after(1.0):
                try:
                    async with asker.linked(at, self.market.key(), witness) as client:
                        await client.resolve(topic_of(at.key))
                except (LinkError, RemoteProtocolError, Refused) as error:
                    self.note(f"asker: {error.code}")


class _TracedWitness(Witness):
    """A witness of a world, whose lines are part of its trace."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        super().__init__(world.evidence, name, world, role=name[4:], skew_ms=world._skew_ms)

    def note(self, event: str, /, **fields: Any) -> None:
        super().note(event, **fields)
        world = self._world
        world.moved = trio.current_time()
        world.note(self.name, event, fields)


def as_text(line: Line) -> str:
    """One line of a trace, for people and for comparison."""
    return " ".join(_brief(each) for each in line)


def _brief(value: object) -> str:
    match value:
        case float():
            return f"{value:.6f}"
        case bytes():
            return f"{value[:12].hex()}/{len(value)}/{crc32(value):08x}"
        case dict():
            return " ".join(f"{name}={_brief(each)}" for name, each in value.items())
    return str(value)
