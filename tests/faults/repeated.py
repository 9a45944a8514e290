"""Frames that come twice and out of order on a link that lives, as somebody sends them who has lost count.

Beside what witnesses see of a market, the one who does it knows what each frame has to bring about: it goes through
the same frames in the same order as the router.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.clock import now_ms
from byway.errors import LinkError, RemoteProtocolError
from byway.link.link import Link, kept_alive
from byway.protocol.frames import Ack, Credit, Deliver, Ended, Entry, Frame, Resolve, Subscribe, Subscribed, Unsubscribe
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.limits import MINUTE_MS
from byway.protocol.statement import parse_statement
from tests.crash.parties import seeded
from tests.crash.router_process import RouterProcess
from tests.faults.peers import dial, open_on
from tests.faults.stage import SHOWN, Stage

SUB: Final = "twice"
JOURNAL: Final = 0
CREDIT: Final = 30_000  # bytes: some casts at a time
AT_ONCE: Final = 5
BURSTS: Final = 12  # on one link
MOST: Final = 3  # of one kind of frame in a burst
SAID_WITHIN_S: Final = 10.0
LISTENS_S: Final = 0.1  # between two bursts
LONG_MS: Final = 5 * MINUTE_MS  # what expires sooner need not come again


async def frames_come_twice(stage: Stage) -> None:
    """Subscribe, Ack, Credit and Unsubscribe, each several times and in any order, beside a market."""
    async with RouterProcess(stage.folder) as router:
        await router.start()
        async with stage.market(router) as market:
            await market.load(100, 10.0)
            for number in range(stage.times):
                with market.fault(f"links on which everything comes twice {number}"):
                    async with trio.open_nursery() as nursery:
                        for _ in range(AT_ONCE):
                            nursery.start_soon(_confuse, stage, router, seeded(stage.chance.random()))
            stage.expect(await market.load(1, 5.0) > 0, "nobody was served after them")


async def _confuse(stage: Stage, router: RouterProcess, chance: Random) -> None:
    link = await open_on(await dial(router.at), router.at, SigningKey(chance.randbytes(32)))
    confused = Confused(link, chance)
    async with kept_alive(link):
        await confused.run()
    stage.outcome.findings += confused.wrongs[:SHOWN]
    stage.outcome.checked += confused.checked
    stage.count("frames said again or out of order", confused.said)
    stage.count("entries brought to who does so", confused.entries)


class Confused:
    """One end of a link, and what it knows of the subscription at the other.

    `wrongs` has a sentence for each answer that is not what the frames so far have to bring about.
    """

    def __init__(self, link: Link, chance: Random) -> None:
        self.wrongs: list[str] = []
        self.checked = self.said = self.entries = 0
        self._link = link
        self._chance = chance
        self._epoch = 0  # of the frame that was sent last; 0: there is no subscription
        self._answers: deque[str] = deque()  # that are to come
        self._served = 0  # the epoch in which entries come
        self._here: set[int] = set()  # what came in it
        self._owed: set[int] = set()  # what came at any time and has not been acked: it comes again
        self._reached = 0  # so far has it been acked for certain
        self._named = 0  # so far an Ack that counts has named what may be on its way
        self._also: set[int] = set()

    async def run(self) -> None:
        """Some bursts of frames, then one that has only one answer."""
        try:
            await self._say([self._subscribe()])
            for _ in range(BURSTS):
                await self._listen()
                await self._say(self._burst())
            await self._say([Resolve(1, "urn:byway:topic:open:homes")])
        except (LinkError, RemoteProtocolError) as error:
            self.wrongs.append(f"the link ended: {error} ({error.code})")

    def _burst(self) -> list[Frame]:
        chance = self._chance
        frames: list[Frame] = [self._ack() for _ in range(chance.randint(0, MOST))]
        frames += [frame for frame in frames if chance.random() < 0.5]
        frames += [Credit(SUB, chance.choice([0, 1, 5000]))] * chance.randint(0, MOST)
        frames += [self._subscribe()] * chance.choice([0, 0, 1, MOST])
        frames += [Unsubscribe(SUB)] * chance.choice([0, 0, 0, 1, MOST])
        chance.shuffle(frames)
        if Unsubscribe(SUB) in frames:  # an Ack after it could be one of the epochs that begin anew
            end = frames.index(Unsubscribe(SUB))
            frames[end:] = [frame for frame in frames[end:] if not isinstance(frame, Ack)]
        return frames or [self._subscribe()]

    def _subscribe(self) -> Subscribe:
        return Subscribe(SUB, "open:**", None, "all", "cursor", CREDIT)

    def _ack(self) -> Ack:
        """Of something that has come, in this epoch or in another one."""
        chance = self._chance
        came = sorted(self._here | self._owed)
        epoch = chance.choice([self._served, max(self._served - 1, 0)])
        through = chance.choice([0, *came])
        also = chance.sample(came, min(len(came), chance.randint(0, 2)))
        return Ack(SUB, epoch, JOURNAL, through, tuple(sorted(also)), ())

    async def _say(self, frames: Sequence[Frame]) -> None:
        """Send them at once, and wait for the answers, which come in their order."""
        for frame in frames:
            self._expect(frame)
        self.said += len(frames)
        await self._link.send_many(frames)
        with trio.move_on_after(SAID_WITHIN_S) as waiting:
            while self._answers:
                await self._hear()
        if waiting.cancelled_caught:
            self.wrongs.append(f"nothing was said for {SAID_WITHIN_S} s, where {list(self._answers)} had to come")

    def _expect(self, frame: Frame) -> None:
        match frame:
            case Subscribe():
                self._epoch += 1
                self._answers.append(f"epoch {self._epoch}")
            case Unsubscribe():
                self._answers.append("ended" if self._epoch else "unknown-subscription")
                self._epoch = 0
            case Ack(_, epoch, _, through, also) if epoch and epoch == self._epoch:
                self._count_ack(through, also)
            case Resolve():
                self._answers.append("not-served")

    def _count_ack(self, through: int, also: Sequence[int]) -> None:
        """It is of the epoch that the router has come to by then."""
        self._named = max(self._named, through)
        self._also.update(also)
        self._owed -= {sequence for sequence in self._owed if sequence <= through or sequence in also}
        if through in self._here:
            self._reached = max(self._reached, through)

    async def _listen(self) -> None:
        with trio.move_on_after(LISTENS_S):
            while True:
                await self._hear()

    async def _hear(self) -> None:
        for frame in await self._link.receive():
            match frame:
                case Deliver(_, epoch, _, _, entries):
                    self._brought(epoch, entries)
                case Subscribed(_, epoch, cursors):
                    self._answered(f"epoch {epoch}")
                    self._begun(epoch, dict(cursors).get(JOURNAL, 0))
                case Ended(_, code) | RefusedFrame(_, _, code):
                    self._answered(code)
                    if code == "ended":
                        self._owed.clear()
                        self._forget()
                        self._reached = 0

    def _answered(self, said: str) -> None:
        self.checked += 1
        expected = self._answers.popleft() if self._answers else "nothing"
        if said != expected:
            self.wrongs.append(f"the answer was {said}, and had to be {expected}")

    def _begun(self, epoch: int, cursor: int) -> None:
        self._forget()
        self._served = epoch
        self.checked += 1
        if self._owed and cursor >= min(self._owed):
            self.wrongs.append(f"the cursor is at {cursor}, and {min(self._owed)} has not been acked")
        if cursor < self._reached:
            self.wrongs.append(f"the cursor is at {cursor}, and all up to {self._reached} has been acked")

    def _brought(self, epoch: int, entries: Sequence[Entry]) -> None:
        """What comes, comes in order, and nothing that is owed is left out."""
        if epoch != self._served:
            self.wrongs.append(f"something came in epoch {epoch}, not in {self._served}")
        for entry in entries:
            self.checked += 1
            self.entries += 1
            if left_out := [at for at in self._owed if at < entry.sequence and at not in self._here]:
                self.wrongs.append(
                    f"{entry.sequence} came, and {left_out} had not been acked and did not come before it"
                )
            self._here.add(entry.sequence)
            named = entry.sequence <= self._named or entry.sequence in self._also
            if not named and parse_statement(entry.statement).expires > now_ms() + LONG_MS:
                self._owed.add(entry.sequence)

    def _forget(self) -> None:
        """What belongs to one epoch."""
        self._here.clear()
        self._also.clear()
        self._served = self._named = 0
