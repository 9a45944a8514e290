"""The intake: what a link hands in ends in a receipt or a refusal.

The way of one statement: `Entrance`, `Policy.admit`, `Writer`.  What the writer has committed it hands on by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from byway.errors import Refused, StatementError, StoreError
from byway.protocol.limits import RETRY_AFTER_MS
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement
from byway.router.entrance import Entrance
from byway.router.policy import Admitted, Policy, Source, Unstamped
from byway.router.stamp_check import Item
from byway.router.writer import Writer

TOO_LATE: Final = frozenset(["closed", "older-serial"])  # what may have been stored before it was too late


class Intake:
    """Takes statements in for one router."""

    def __init__(self, entrance: Entrance, policy: Policy, writer: Writer) -> None:
        self._entrance = entrance
        self._policy = policy
        self._writer = writer

    def stamp_bits(self, prefix: str) -> int:
        """How many bits the stamps of those who come from `prefix` need now; 0: none are asked for."""
        return self._entrance.stamp_bits(prefix)

    async def submit(self, items: Sequence[Item], peer: bytes, prefix: str) -> list[Receipt | Refused]:
        """A receipt or a refusal for each statement that `peer` handed in, with or without a stamp, in order.

        `prefix` is the address prefix that its link comes from.  A receipt means that the statement is durable.
        Cancelling leaves the outcome unknown.
        """
        entered, stamped = await self._entrance.enter(items, peer, prefix)
        sources = Source(peer, prefix), Source(peer, prefix, stamped=True)
        decided = [self._decide(each, sources[position in stamped]) for position, each in enumerate(entered)]
        receipts = iter(await self._kept([each for each in decided if isinstance(each, Admitted)]))
        answers = [next(receipts) if isinstance(each, Admitted) else each for each in decided]
        await self._look_for_first_receipts(entered, answers)
        return answers

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
            return refusal

    async def _kept(self, admitted: Sequence[Admitted]) -> Sequence[Receipt | Refused]:
        """Receipts for these, once they are durable; or the reason why nothing can be said to be."""
        if not admitted:
            return ()
        try:
            answers = await self._writer.write(admitted)
        except StoreError as error:
            answers = [self._not_kept(error)] * len(admitted)
        for item, answer in zip(admitted, answers, strict=True):
            if isinstance(answer, Refused) and answer.code != "damaged":  # that is stored all the same
                self._policy.forget(item.statement)
        return answers

    async def _look_for_first_receipts(
        self, entered: Sequence[Statement | Refused], answers: list[Receipt | Refused]
    ) -> None:
        """What is refused because it comes too late may have been stored before: then that is the answer."""
        late = {
            position: statement.id
            for position, (statement, answer) in enumerate(zip(entered, answers, strict=True))
            if isinstance(statement, Statement) and isinstance(answer, Refused) and answer.code in TOO_LATE
        }
        if not late:
            return
        try:
            first = await self._writer.first_receipts(list(late.values()))
        except StoreError as error:
            first = [self._not_kept(error)] * len(late)
        for position, stored in zip(late, first, strict=True):
            answers[position] = stored or answers[position]

    def _not_kept(self, error: StoreError) -> Refused:
        told = self._writer.fail(error)
        return Refused(told.code, str(told), RETRY_AFTER_MS if told.temporary else None)
