"""The intake: what a link hands in ends in a receipt or a refusal.

The way of one statement: `Entrance.enter`, a verdict on its signature, `Policy.admit`, `Writer.write`, and the answer
to who handed it in.  What the writer has committed it hands on by itself.  No task belongs to a statement, nor to a
link: what many links handed in is verified together, and takes one turn of the event loop where it would take many.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

import structlog
import trio

from byway.bucket import Buckets
from byway.errors import Refused, StatementError, StoreError
from byway.protocol.frames import Submit
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement
from byway.router.entrance import Entrance
from byway.router.policy import Admitted, Policy, Source, Unstamped
from byway.router.shares import Owner
from byway.router.verdict_queue import VerdictQueue
from byway.router.verifier import Verifier
from byway.router.writer import Writer

BATCH: Final = 64  # statements: beyond this the hop to a verifier no longer shows, and other cores would sit idle
MAY_BE_STORED: Final = frozenset(["closed", "older-serial", "internal-error"])  # before it was refused as that
MISTAKES_PER_S: Final = 1.0  # told in the log, with where they were made; all of them are counted as refusals
NOT_SIGNED: Final = "the statement is not signed by the key it names"

log = structlog.get_logger()


class Sender(Protocol):
    """A link that hands statements in."""

    owner: Owner
    gone: bool
    """It waits for no answer any more; what has no verdict yet needs none."""

    def answered(self, submits: Sequence[Submit], answers: Sequence[Receipt | Refused]) -> None:
        """The answers to all statements of these Submits, in order."""
        ...


class _Handed:
    """What a sender handed in together, and how far it has come."""

    __slots__ = ("entered", "sender", "stamped", "submits", "unverified")

    def __init__(
        self,
        sender: Sender,
        submits: Sequence[Submit],
        entered: list[Statement | Refused],
        stamped: Collection[int],
    ) -> None:
        self.sender = sender
        self.submits = submits
        self.entered = entered
        self.stamped = stamped  # the positions of those with a stamp that is worth enough
        self.unverified = 0


class Intake:
    """Takes statements in for one router."""

    def __init__(self, entrance: Entrance, verifier: Verifier, policy: Policy, writer: Writer) -> None:
        self._entrance = entrance
        self._verifier = verifier
        self._policy = policy
        self._writer = writer
        self._waiting: VerdictQueue[tuple[_Handed, Statement, int]] = VerdictQueue()
        self._idle = trio.lowlevel.ParkingLot()
        self._called = 0  # tasks that have been woken to verify something, and have not looked yet
        self._late: list[tuple[_Handed, list[Receipt | Refused], Mapping[int, bytes]]] = []
        self._late_came = trio.Event()
        self._mistakes = Buckets(rate=MISTAKES_PER_S, burst=1)

    def stamp_bits(self, prefix: str) -> int:
        """How many bits the stamps of those who come from `prefix` need now; 0: none are asked for."""
        return self._entrance.stamp_bits(prefix)

    def submit(self, submits: Sequence[Submit], sender: Sender) -> None:
        """Take in what `sender` hands in; it gets a receipt or a refusal for each statement, at once or later.

        A receipt means that the statement is durable.  No answer leaves the outcome unknown.
        """
        items = submits[0].items if len(submits) == 1 else [item for submit in submits for item in submit.items]
        entered, stamped = self._entrance.enter(items, sender.owner)
        handed = _Handed(sender, submits, entered, stamped)
        formed = [(handed, each, at) for at, each in enumerate(entered) if isinstance(each, Statement)]
        handed.unverified = len(formed)
        if not formed:
            sender.answered(submits, [each for each in entered if isinstance(each, Refused)])
            return
        key, prefix = sender.owner
        if stamped:
            self._waiting.put(prefix, key, [item for item in formed if item[2] in stamped], stamped=True)
            formed = [item for item in formed if item[2] not in stamped]
        self._waiting.put(prefix, key, formed, stamped=False)
        self._entrance.waiting(len(self._waiting))
        if (more := -(-len(self._waiting) // BATCH) - self._called) > 0:
            self._called += len(self._idle.unpark(count=more))

    async def run(self) -> None:
        """Verify what is handed in, and see that it is answered, until cancelled."""
        async with trio.open_nursery() as nursery:
            for _ in range(self._verifier.side_by_side):
                nursery.start_soon(self._verify)
            nursery.start_soon(self._answer_late)

    async def _verify(self) -> None:
        while True:
            batch = [item for item in self._waiting.take(BATCH) if not item[0].sender.gone]
            if batch:
                verdicts = await self._verifier.verify([statement.data for _, statement, _ in batch])
                for (handed, _, position), signed in zip(batch, verdicts, strict=True):
                    self._settle(handed, position, signed=signed)
            if self._waiting:
                await trio.lowlevel.checkpoint()
            else:
                await self._idle.park()
                self._called -= 1

    def _settle(self, handed: _Handed, position: int, *, signed: bool) -> None:
        if not signed:
            handed.entered[position] = Refused("bad-signature", NOT_SIGNED)
            self._entrance.blame(handed.sender.owner.prefix)
        handed.unverified -= 1
        if not handed.unverified and not handed.sender.gone:
            self._keep(handed)

    def _keep(self, handed: _Handed) -> None:
        """All of it has been verified: have what is admitted made durable."""
        key, prefix = handed.sender.owner
        plain, stamped = Source(key, prefix), Source(key, prefix, stamped=True)
        decided = [
            self._decide(each, stamped if position in handed.stamped else plain)
            for position, each in enumerate(handed.entered)
        ]
        admitted = [each for each in decided if isinstance(each, Admitted)]
        if admitted:
            self._writer.write(admitted, partial(self._kept, handed, decided))
        else:
            self._kept(handed, decided, [])

    def _decide(self, entered: Statement | Refused, source: Source) -> Admitted | Refused:
        if isinstance(entered, Refused):
            return entered
        try:
            return self._policy.admit(entered, source)
        except StatementError as error:
            return Refused(error.code, str(error))
        except Refused as refusal:
            if isinstance(refusal, Unstamped):
                self._entrance.ask(source.prefix)
            return refusal.with_traceback(None)  # which would keep all of this
        except Exception as error:  # noqa: BLE001 - a mistake of ours about one statement is nobody else's loss
            self._note_mistake(entered, error)
            return Refused("internal-error")

    def _note_mistake(self, statement: Statement, error: Exception) -> None:
        now = trio.current_time()
        if not self._mistakes.wait(None, now):
            self._mistakes.spend(None, now, 1)
            log.error("statement_failed", urn=statement.urn, exc_info=error)

    def _kept(
        self, handed: _Handed, decided: Sequence[Admitted | Refused], answers: Sequence[Receipt | Refused]
    ) -> None:
        """The writer has answered for what was admitted, in order."""
        kept = iter(answers)
        told = [next(kept) if isinstance(each, Admitted) else each for each in decided]
        late: dict[int, bytes] = {}
        for position, answer in enumerate(told):
            if isinstance(answer, Receipt):
                continue
            each, entered = decided[position], handed.entered[position]
            if isinstance(each, Admitted) and answer.code != "damaged":  # that is stored all the same
                self._policy.forget(each.statement)
            if isinstance(entered, Statement) and answer.code in MAY_BE_STORED:
                late[position] = entered.id
        if handed.sender.gone:
            return
        if late:
            self._late.append((handed, told, late))
            self._late_came.set()
        else:
            handed.sender.answered(handed.submits, told)

    async def _answer_late(self) -> None:
        """What is refused may have been stored before it was too late: then its first receipt is the answer."""
        while True:
            await self._late_came.wait()
            self._late_came = trio.Event()
            waiting, self._late = self._late, []
            for handed, told, late in waiting:
                if handed.sender.gone:
                    continue
                try:
                    first = await self._writer.first_receipts(list(late.values()))
                except StoreError as error:
                    first = [self._writer.refusal(error)] * len(late)
                for position, stored in zip(late, first, strict=True):
                    told[position] = stored or told[position]
                handed.sender.answered(handed.submits, told)
