"""Many clients in one process: `python -m tests.faults.crowd KIND ADDRESS NODE COUNT FIRST`; goes on until stdin ends.

`idle` opens COUNT links and keeps them, `active` hands in a cast on each of them now and then; `strangers` begin COUNT
handshakes at a time and do not finish them; `passers-by` say the first word of a handshake and go, hundreds in a
second; `bad-signatures`, `fresh-keys` and `many-casts` hand in as fast as they are let, `subscriptions` subscribe and
unsubscribe so, `stars` subscribe to everything, and `lookups` ask for names that nobody has, on COUNT links each.  They
come from the addresses 127.0.FIRST.1 and on, because what one address prefix may do is bounded.

Kinds that are `NICED` run at a lower priority.  They would otherwise take the two cores from the router and from the
honest, with which they share them, for what a real crowd does on computers of its own: making keys and casts, and
beginning handshakes.

Prints a line when all are there, with how many there are and how many subscriptions they hold; and at the end what came
of it, as JSON: what was `told` how often, how often in a second (`per_s`) since all were there, and how long all of it
`lasted_s`.  The first casts of `fresh-keys` are signed before that begins.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, Refused, RemoteProtocolError
from byway.link.client import connect
from byway.link.link import Link
from byway.node_address import NodeAddress
from byway.protocol.address import parse_address
from byway.protocol.frames import Deliver, Subscribe, Unsubscribe
from byway.protocol.frames import Resolve as ResolveFrame
from byway.protocol.intentcast import Cast
from byway.protocol.limits import HOUR_MS, MAX_SUBSCRIPTIONS
from byway.protocol.statement import Statement
from tests.crash.parties import make_cast
from tests.faults.crowd_links import AGAIN_AFTER_S, PREFIXES, CrowdLinks
from tests.faults.greedy_wishes import met, unmet
from tests.faults.unfinished import client_hello, dawdle
from tests.vectors.notation import damaged

NICED: Final = frozenset({"active", "fresh-keys", "strangers", "passers-by"})
NICENESS: Final = 10
FEW_PREFIXES: Final = 2  # of one process
MANY_PREFIXES: Final = 100
STRANGER_AGAIN_S: Final = 1.0
HALF_SPOKEN: Final = 5  # one stranger in so many says a whole hello first, and makes the router work
PASSES_PER_S: Final = 600  # of one process
HEARS_WITHIN_S: Final = 0.2
BEHIND_S: Final = 1.0  # so much of what was to be done by now is made up for
ACTIVE_EVERY_S: Final = 4.0  # of one link
ENOUGH_BAD: Final = 10  # signatures; a link on which there were so many has been ended
BATCH: Final = 32
FRESH: Final = 25_000  # keys of one process, each with a cast, which is signed before anybody comes
UNPADDED: Final = (0,)  # bytes of padding
PADDED: Final = (2000,)
MANY_AT_ONCE: Final = 128
ELSEWHERE: Final = ("urn:byway:topic:open:elsewhere",)
ASKED_AT_ONCE: Final = 64  # subscriptions
GONE_AT_ONCE: Final = 16
LOOKUPS_PER_S: Final = 750  # of one process

_LOST: Final = (LinkError, RemoteProtocolError, OSError, trio.BrokenResourceError)


class Crowd(CrowdLinks):
    """A method for each kind; it is given a number, which is another one for each member."""

    def __init__(self, at: NodeAddress, first: int, count: int) -> None:
        super().__init__(at, first, count)
        self._hello = client_hello()
        self._signed: list[Statement] = []

    def sign_beforehand(self) -> None:
        """What fresh keys hand in: making it is no part of the flood."""
        self._signed = self._sign(FRESH)

    async def idle(self, number: int) -> None:
        """One link, opened again if need be."""
        while True:
            with suppress(*_LOST):
                async with self._link(self._address(number)) as link:
                    self._came()
                    try:
                        while True:
                            await link.receive()
                    finally:
                        self.there -= 1
            await trio.sleep(AGAIN_AFTER_S)

    async def active(self, number: int) -> None:
        """One cast after the other, in no hurry."""

        async def hand_in(link: Link) -> None:
            async with connect(link) as client:
                self._came()
                while True:
                    await trio.sleep(self._chance.uniform(0, 2 * ACTIVE_EVERY_S))
                    cast = make_cast(self._chance, self._at.node, lifetime_ms=HOUR_MS, topics=ELSEWHERE).statement
                    self._count_answers(await client.submit([cast]))

        await self._again_and_again(number, hand_in)

    async def strangers(self, number: int) -> None:
        """A byte now and then of a handshake, from its beginning or its middle, until one is cut off; and again."""
        host, port = parse_address(self._at.address)
        address = self._address(number, prefixes=MANY_PREFIXES)
        self._came()
        while True:
            with suppress(OSError):
                stream = await trio.open_tcp_stream(host, port, local_address=address)
                await dawdle(stream, b"" if number % HALF_SPOKEN else self._hello)
            self.told["cut off"] += 1
            await trio.sleep(self._chance.uniform(0, 2 * STRANGER_AGAIN_S))

    async def passers_by(self, number: int) -> None:
        """Has its turn to say a whole hello, and goes: each second time without a look at what it costs the node."""
        host, port = parse_address(self._at.address)
        self._came()
        passes, due = number, trio.current_time() + number / PASSES_PER_S
        while True:
            await trio.sleep_until(due)
            with suppress(OSError), trio.socket.socket() as peer:
                await peer.bind((self._address(passes, prefixes=MANY_PREFIXES), 0))
                await peer.connect((host, port))
                await peer.send(self._hello)
                self.told["handshakes begun"] += 1
                if passes // self._count % 2:
                    with trio.move_on_after(HEARS_WITHIN_S):
                        self.told["handshakes answered"] += bool(await peer.recv(1))
            passes += self._count
            due = max(due + self._count / PASSES_PER_S, trio.current_time() - BEHIND_S)

    async def bad_signatures(self, number: int) -> None:
        cast = make_cast(self._chance, self._at.node, lifetime_ms=HOUR_MS).statement
        await self._hand_in(number, lambda: [damaged(cast)] * BATCH)

    async def fresh_keys(self, number: int) -> None:
        """What was signed beforehand, and then more."""

        def make() -> list[Statement]:
            self._signed = self._signed or self._sign(BATCH)
            made = self._signed[-BATCH:]
            del self._signed[-BATCH:]
            return made

        await self._hand_in(number, make, prefixes=FEW_PREFIXES)

    def _sign(self, count: int, *, pads: Sequence[int] = UNPADDED) -> list[Statement]:
        """Casts that say the same, to a topic of their own, each of a key of its own."""
        first = make_cast(self._chance, self._at.node, lifetime_ms=HOUR_MS, pads=pads, topics=ELSEWHERE).statement
        body = Cast.from_statement(first)
        keys = (SigningKey(os.urandom(32)) for _ in range(count))
        return [body.sign(key, created=first.created, expires=first.expires) for key in keys]

    async def many_casts(self, number: int) -> None:
        await self._hand_in(number, lambda: self._sign(MANY_AT_ONCE, pads=PADDED))

    async def _hand_in(self, number: int, make: Callable[[], list[Statement]], *, prefixes: int = PREFIXES) -> None:
        async def hand_in(link: Link) -> None:
            bad_before = 0
            async with connect(link) as client:
                self._came()
                while True:
                    made = make()
                    bad = self._count_answers(await client.submit(made))
                    self.told["bytes"] += sum(len(statement.data) for statement in made)
                    self.told["looked at after ten bad signatures"] += bad if bad_before >= ENOUGH_BAD else 0
                    bad_before += bad

        await self._again_and_again(number, hand_in, prefixes=prefixes)

    def _count_answers(self, answers: Sequence[object]) -> int:
        """Add what was answered; how many were badly signed."""
        said = [answer.code if isinstance(answer, Refused) else "accepted" for answer in answers]
        self.told.update(said)
        return said.count("bad-signature")

    async def subscriptions(self, number: int) -> None:
        """As many as one key gets and one more, which want nothing that is published; then they come and go."""

        async def subscribe(link: Link) -> None:
            heavy = bool(number % 2)
            wanted = [unmet(each, self._chance, heavy=heavy) for each in range(MAX_SUBSCRIPTIONS + 1)]
            got = await self._fill(link, wanted)
            await self.complete.wait()
            while got:
                gone = [got.popleft() for _ in range(min(GONE_AT_ONCE, len(got)))]
                await self._ask(link, [Unsubscribe(each.sub) for each in gone])
                self.held -= len(gone)
                got += await self._subscribe(link, gone)

        await self._again_and_again(number, subscribe)

    async def stars(self, number: int) -> None:
        """As many as one key gets, which want everything; what comes is not acked."""

        async def subscribe(link: Link) -> None:
            await self._fill(link, [met(each) for each in range(MAX_SUBSCRIPTIONS)])
            while True:
                self.told["delivered"] += sum(isinstance(frame, Deliver) for frame in await link.receive())

        await self._again_and_again(number, subscribe)

    async def _fill(self, link: Link, wanted: Sequence[Subscribe]) -> deque[Subscribe]:
        """Ask for these, and come; those that were granted."""
        got = deque[Subscribe]()
        for at in range(0, len(wanted), ASKED_AT_ONCE):
            got += await self._subscribe(link, wanted[at : at + ASKED_AT_ONCE])
        self._came()
        return got

    async def _subscribe(self, link: Link, asked: Sequence[Subscribe]) -> list[Subscribe]:
        """Those that were granted."""
        said = await self._ask(link, asked)
        granted = [each for each, answer in zip(asked, said, strict=True) if answer == "subscribed"]
        self.held += len(granted)
        return granted

    async def lookups(self, number: int) -> None:
        """Names that nobody has, one after the other, at a pace."""

        async def look_up(link: Link) -> None:
            self._came()
            due, query = trio.current_time(), 0
            while True:
                query += 1
                urn = f"urn:byway:topic:{self._at.node.rpartition(':')[2]}:nobody:{self._chance.randbytes(8).hex()}"
                await self._ask(link, [ResolveFrame(query, urn)])
                due = max(due + self._count / LOOKUPS_PER_S, trio.current_time() - BEHIND_S)
                await trio.sleep_until(due)

        await self._again_and_again(number, look_up)


def main() -> None:
    kind, address, node, count, first = sys.argv[1:]
    if kind in NICED:
        os.nice(NICENESS)
    crowd = Crowd(NodeAddress(node, address), int(first), int(count))
    if kind == "fresh-keys":
        crowd.sign_beforehand()
    trio.run(crowd.run, getattr(crowd, kind.replace("-", "_")))


if __name__ == "__main__":
    main()
