"""The client: what people, sellers, authorities and routers do over a link (wire-protocol sections 8.4 to 8.6)."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Any, Final

import trio

from byway.errors import LinkError, LocalProtocolError, Refused, RemoteProtocolError, StatementError
from byway.link.beside import beside
from byway.link.link import Link
from byway.link.minter import Minter
from byway.link.subscription import Subscription
from byway.protocol.frames import (
    Accepted,
    Acked,
    Answer,
    Credit,
    Deliver,
    Ended,
    Frame,
    From,
    Proof,
    Resolve,
    Scope,
    Stamps,
    Submit,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.limits import MAX_BATCH, SUBMIT_CREDIT
from byway.protocol.receipt import Receipt, check_head
from byway.protocol.stamp import Stamp
from byway.protocol.statement import Statement, parse_statement

BATCH_BYTES: Final = SUBMIT_CREDIT // 4  # so that the next batch is on its way while one is answered

__all__ = ["Client", "connect"]


@asynccontextmanager
async def connect(link: Link) -> AsyncGenerator[Client]:
    """A client over `link`, for as long as the block runs.  The link stays open after it."""
    client = Client(link)
    async with beside(client.run):
        yield client


class _Reply:
    """The answer to one request, once it is there."""

    def __init__(self) -> None:
        self._value: Any = None
        self._there = trio.Event()

    def give(self, value: Any) -> None:
        self._value = value
        self._there.set()

    async def get(self) -> Any:
        await self._there.wait()
        match self._value:
            case RefusedFrame(_, _, code, sentence, retry_after):
                raise Refused(code, sentence, retry_after)
            case LinkError() as end:
                raise LinkError(str(end), code=end.code)
        return self._value


class Client:
    """Requests over one link, from any number of tasks.  Made by `connect`.

    Every request raises `LinkError` when the link is lost before it is answered: what became of it is then unknown.
    Cancelling a request that waits for its answer is safe; cancelling it while it is sent may end the link.
    """

    def __init__(self, link: Link) -> None:
        self.stamp_bits = 0  # what the server asks for; 0: no stamps
        self._link = link
        self._end: LinkError | None = None
        self._replies: defaultdict[tuple[int, int | str | None], deque[_Reply]] = defaultdict(deque)
        self._subscriptions: dict[str, Subscription] = {}
        self._numbers = count(1)
        self._submitting = trio.Lock()
        self._begun = False  # the server has given credit, and said with it what it asks for
        self._credit = trio.Event()  # there is more of it, or the link has ended; then there is another event

    async def submit(self, statements: Sequence[Statement], *, minter: Minter | None = None) -> list[Receipt | Refused]:
        """Hand statements in; for each, in order, a receipt that has been verified or the refusal.

        They go in batches, and wait for credit.  With a `minter` they bring stamps where the server asks for some; what
        is refused as `busy` because it brought none is handed in once more with one.  Raises `LinkError`, and
        `RemoteProtocolError` (`bad-receipt`) after which the link is closed; then any of them may be stored or not, and
        handing in the same bytes again tells.
        """
        stamps = await self._mint(statements, minter)
        answers = await self._submit(statements, stamps)
        busy = [place for place, answer in enumerate(answers) if _is_busy(answer) and stamps[place] is None]
        late = zip(busy, await self._mint([statements[place] for place in busy], minter), strict=True)
        again = {place: stamp for place, stamp in late if stamp is not None}
        answers_now = await self._submit([statements[place] for place in again], list(again.values()))
        for place, answer in zip(again, answers_now, strict=True):
            answers[place] = answer
        return answers

    @asynccontextmanager
    async def subscribe(
        self,
        sub: str,
        pattern: str,
        filter_wire: object = None,
        *,
        from_: From = "cursor",
        scope: Scope = "all",
        credit: int = SUBMIT_CREDIT,
    ) -> AsyncGenerator[Subscription]:
        """Subscribe as `sub`: to a topic pattern with a filter in its wire form, or to the mailbox of the link's key.

        `credit` bounds the bytes that are delivered and not acked.  The subscription itself outlives the block and
        the link: its end is `unsubscribe`.  On the way out, what was handled is settled within a second.
        Raises `Refused` if the server says no.
        """
        reply = await self._ask(Subscribe(sub, pattern, filter_wire, scope, from_, credit), sub)
        subscription: Subscription = await reply.get()
        async with beside(partial(subscription.run, credit)):
            try:
                yield subscription
            finally:
                await subscription.finish()
                if self._subscriptions.get(sub) is subscription:
                    del self._subscriptions[sub]

    async def unsubscribe(self, sub: str) -> None:
        """End the subscription for good; it has to be subscribed on this link.  Raises `Refused`."""
        reply = await self._ask(Unsubscribe(sub), sub)
        await reply.get()

    async def resolve(self, urn: str) -> list[Statement]:
        """The statements with which the server answers for a name, none if there is no such name.

        Form and signature of each are checked; whether the signer may say so is the caller's to judge.
        Raises `Refused` (`not-served`), and `StatementError` for an answer that is not signed.
        """
        query = next(self._numbers)
        reply = await self._ask(Resolve(query, urn), query)
        statements = [parse_statement(data) for data in (await reply.get()).statements]
        for statement in statements:
            statement.verify()
        return statements

    async def run(self) -> None:
        """Take in what the server sends, until the link ends.  Raises nothing: whoever waits is told."""
        try:
            while True:
                for frame in await self._link.receive():
                    self._take(frame)
        except (LinkError, RemoteProtocolError) as error:
            self._lose(LinkError(str(error), code=error.code))

    async def _ask(self, frame: Frame, subject: int | str) -> _Reply:
        if self._end is not None:
            raise LinkError(str(self._end), code=self._end.code)
        reply = _Reply()
        waiting = self._replies[frame.number, subject]
        waiting.append(reply)
        try:
            await self._link.send(frame)
        except LocalProtocolError:
            waiting.remove(reply)
            raise
        return reply

    async def _mint(self, statements: Sequence[Statement], minter: Minter | None) -> Sequence[Stamp | None]:
        if minter is None or not statements:
            return [None] * len(statements)
        while not self._begun and self._end is None:
            await self._credit.wait()
        return await minter.mint(statements, self._link.peer, self.stamp_bits)

    async def _submit(self, statements: Sequence[Statement], stamps: Sequence[Stamp | None]) -> list[Receipt | Refused]:
        beside = iter(stamps)
        sent = [
            (batch, await self._send_batch([(each.data, next(beside)) for each in batch]))
            for batch in _batches(statements)
        ]
        answers: list[Receipt | Refused] = []
        for batch, reply in sent:
            answers += await self._read(await reply.get(), batch)
        return answers

    async def _send_batch(self, items: Sequence[tuple[bytes, Stamp | None]]) -> _Reply:
        size = sum(len(data) for data, _ in items)
        async with self._submitting:
            while self._link.submit_credit < size and self._end is None:
                await self._credit.wait()
            number = next(self._numbers)
            return await self._ask(Submit(number, tuple(items)), number)

    async def _read(self, frame: Accepted, batch: Sequence[Statement]) -> list[Receipt | Refused]:
        """The answers to one batch.  Each head is verified once, however many receipts build on it."""
        answers: list[Receipt | Refused] = []
        try:
            heads = [parse_statement(data) for data in frame.heads]
            bodies = [check_head(head, self._link.peer) for head in heads]
            for statement, answer in zip(batch, frame.answers, strict=True):
                if isinstance(answer, Proof):
                    bodies[answer.head].check_path(statement.id, answer.sequence, answer.path)
                    answers.append(Receipt(heads[answer.head], answer.sequence, answer.path))
                else:
                    answers.append(Refused(answer.code, answer.sentence, answer.retry_after))
        except StatementError as error:
            await self._link.aclose("bad-receipt", str(error))
            raise RemoteProtocolError(str(error), code="bad-receipt") from error
        return answers

    def _take(self, frame: Frame) -> None:
        match frame:
            case Accepted(batch=batch):
                self._give(Submit, batch, frame)
                self._tell()
            case Credit():
                self._begun = True
                self._tell()
            case Stamps(bits):
                self.stamp_bits = bits
            case Deliver(sub=sub) | Acked(sub=sub) if subscription := self._subscriptions.get(sub):
                subscription.deliver(frame) if isinstance(frame, Deliver) else subscription.acked(frame)
            case Subscribed(sub=sub):
                self._drop(sub, Refused("replaced"))
                subscription = self._subscriptions[sub] = Subscription(self._link, frame, self.submit)
                self._give(Subscribe, sub, subscription)
            case Ended(sub, code, sentence):
                self._drop(sub, Refused(code, sentence))
                self._give(Unsubscribe, sub, frame)
            case Answer(query=query):
                self._give(Resolve, query, frame)
            case RefusedFrame(number, subject):
                self._give_to((number, subject), frame)

    def _give(self, kind: type[Frame], subject: int | str, value: object) -> None:
        self._give_to((kind.number, subject), value)

    def _give_to(self, request: tuple[int, int | str | None], value: object) -> None:
        if replies := self._replies.get(request):
            replies.popleft().give(value)
            if not replies:
                del self._replies[request]

    def _drop(self, sub: str, error: Refused) -> None:
        if subscription := self._subscriptions.pop(sub, None):
            subscription.end(error)

    def _lose(self, error: LinkError) -> None:
        self._end = error
        for replies in self._replies.values():
            for reply in replies:
                reply.give(error)
        self._replies.clear()
        for subscription in self._subscriptions.values():
            subscription.end(error)
        self._tell()

    def _tell(self) -> None:
        self._credit.set()
        self._credit = trio.Event()


def _is_busy(answer: Receipt | Refused) -> bool:
    return isinstance(answer, Refused) and answer.code == "busy"


def _batches(statements: Sequence[Statement]) -> list[list[Statement]]:
    """The statements in order, in batches that fit a frame and a part of the credit."""
    batches: list[list[Statement]] = []
    size = 0
    for statement in statements:
        size += len(statement.data)
        if not batches or size > BATCH_BYTES or len(batches[-1]) == MAX_BATCH:
            batches.append([])
            size = len(statement.data)
        batches[-1].append(statement)
    return batches
