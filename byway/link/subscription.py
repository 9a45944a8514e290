"""A subscription as its owner sees it: deliveries to handle, and marks of what was handled.

Acks go to the server on their own, together; once a second the owner's signature over them follows, which
releases the custody of the routers on the way (wire-protocol sections 4.10 and 8.5).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog
import trio

from byway.errors import CODES, BywayError, LinkError, LocalProtocolError, Refused, RemoteProtocolError, StatementError
from byway.link.handled import Handled, Range
from byway.link.link import Link
from byway.protocol.acknowledgement import Acknowledgement, acks_digest
from byway.protocol.frames import Ack, Acked, Deliver, Entry, Subscribed
from byway.protocol.limits import SUBMIT_CREDIT
from byway.protocol.receipt import Receipt
from byway.protocol.statement import LONGEST_LIFETIME_MS, Kind, Statement, parse_statement, statement_id
from byway.protocol.urn import node_urn

ACK_EVERY_S: Final = 0.2  # what is handled within this time is acked together
ACK_SHARE: Final = 4  # and sooner where it is more than one part in so many of the credit
SIGN_EVERY_S: Final = 1.0
FINISH_WITHIN_S: Final = 1.0

Submitting = Callable[[Sequence[Statement]], Awaitable[list[Receipt | Refused]]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One statement that was delivered; its form and its signature are checked, its body is not."""

    sequence: int
    journal: int
    statement: Statement


class Subscription:
    """One epoch of a subscription: iterate over it for the deliveries, and `ack` or `refuse` each.

    What is not acked is delivered again, here or on a later link: a statement may come more than once, and is
    recognised by its id.
    """

    def __init__(self, link: Link, begun: Subscribed, submit: Submitting) -> None:
        self.sub = begun.sub
        self.epoch = begun.epoch
        self._link = link
        self._submit = submit
        self._journals = {journal: Handled(cursor) for journal, cursor in begun.cursors}
        self._acked = dict(begun.cursors)
        self._arrived: deque[tuple[int, Entry]] = deque()
        self._end: Refused | LinkError | None = None
        self._news = trio.Event()  # something arrived, was acked, or ended; then there is another event
        self._marked: set[int] = set()  # journals with something to ack
        self._mark = trio.Event()
        self._soon = trio.Event()  # the next Ack is waited for; then there is another event
        self._enough = SUBMIT_CREDIT // ACK_SHARE  # bytes
        self._handled_bytes = 0  # since the last Ack
        self._signing = trio.Lock()

    async def receive(self) -> Delivery:
        """The next delivery.  A statement that is malformed, badly signed or expired by now is refused, and not shown.

        Raises `Refused` when the server has ended the subscription (`replaced`, `ended`), and `LinkError` when the
        link was lost.  Cancelling it is safe.
        """
        await trio.lowlevel.checkpoint()
        while True:
            self._check_open()
            while self._arrived:
                journal, entry = self._arrived.popleft()
                try:
                    statement = parse_statement(entry.statement)
                    statement.check_expiry(self._link.now_ms())  # on the way, or while nobody asked for it
                    statement.verify()
                except StatementError as error:
                    log.warning("delivery_refused", sub=self.sub, sequence=entry.sequence, code=error.code)
                    self._handle(journal, entry.sequence, statement_id(entry.statement), entry.statement, error.code)
                else:
                    return Delivery(entry.sequence, journal, statement)
            await self._news.wait()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Delivery:
        return await self.receive()

    def ack(self, delivery: Delivery) -> None:
        """The delivery is handled and need not come again.  This only notes it; the Ack follows on its own."""
        self._handle(delivery.journal, delivery.sequence, delivery.statement.id, delivery.statement.data)

    def refuse(self, delivery: Delivery, code: str) -> None:
        """The delivery cannot be used, for the reason `code` (one of CODES), and need not come again."""
        if code not in CODES:
            raise LocalProtocolError(f"{code!r} is not a code", code="bad-frame")
        self._handle(delivery.journal, delivery.sequence, delivery.statement.id, delivery.statement.data, code)

    async def settled(self) -> None:
        """Wait until the server has made durable, and has our signature for, what is handled now.

        That is everything before the first delivery that is not handled.  Raises as `receive` does, and `Refused`
        if the server does not take the signed acknowledgement.
        """
        goal = {journal: handled.through for journal, handled in self._journals.items()}
        while any(self._acked.get(journal, 0) < through for journal, through in goal.items()):
            self._check_open()
            self._soon.set()
            await self._news.wait()
        await self._sign()

    # What follows is for the client that made it.

    async def run(self, credit: int) -> None:
        """Send Acks, and sign for them, until cancelled.  When the link is lost, whoever receives is told.

        `credit` is what the server was given, in bytes.
        """
        self._enough = credit // ACK_SHARE
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send_acks)
                nursery.start_soon(self._sign_acks)
        except* (LinkError, RemoteProtocolError):
            pass

    async def finish(self) -> None:
        """Settle what is handled, as far as that takes no longer than a second."""
        with trio.move_on_after(FINISH_WITHIN_S, shield=True), suppress(BywayError):
            await self.settled()

    def deliver(self, frame: Deliver) -> None:
        """The server sent this."""
        handled = self._journals.setdefault(frame.journal, Handled(0))
        before = handled.through
        new = handled.deliver(frame.through, frame.entries)
        self._arrived += [(frame.journal, entry) for entry in new]
        if handled.through > before or len(new) < len(frame.entries):  # progress, or an Ack that was not heard
            self._to_ack(frame.journal)
        self._tell()

    def acked(self, frame: Acked) -> None:
        """The server has made this durable."""
        if frame.epoch == self.epoch:
            self._acked[frame.journal] = max(frame.through, self._acked.get(frame.journal, 0))
            self._tell()

    def end(self, error: Refused | LinkError) -> None:
        """There is nothing more to come."""
        self._end = self._end or error
        self._tell()

    def _handle(self, journal: int, sequence: int, digest: bytes, data: bytes, code: str = "") -> None:
        self._journals[journal].handle(sequence, digest, code)
        self._handled_bytes += len(data)
        if self._handled_bytes >= self._enough:
            self._soon.set()
        self._to_ack(journal)

    def _to_ack(self, journal: int) -> None:
        self._marked.add(journal)
        self._mark.set()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()

    def _check_open(self) -> None:
        match self._end:
            case Refused() as end:
                raise Refused(end.code, str(end), end.retry_after_ms)
            case LinkError() as end:
                raise LinkError(str(end), code=end.code)

    async def _send_acks(self) -> None:
        while True:
            await self._mark.wait()
            self._mark, self._soon = trio.Event(), trio.Event()
            self._handled_bytes = 0
            marked, self._marked = self._marked, set()
            if self._end is None:
                await self._link.send_many([self._ack(journal) for journal in sorted(marked)])
            with trio.move_on_after(ACK_EVERY_S):
                await self._soon.wait()

    def _ack(self, journal: int) -> Ack:
        handled = self._journals[journal]
        return Ack(self.sub, self.epoch, journal, handled.through, handled.also, handled.take_refused())

    async def _sign_acks(self) -> None:
        while True:
            await trio.sleep(SIGN_EVERY_S)
            try:
                await self._sign()
            except Refused as error:
                log.warning("acknowledgement_refused", sub=self.sub, code=error.code)
                if not error.temporary:
                    return

    async def _sign(self) -> None:
        async with self._signing:
            for journal, handled in list(self._journals.items()):
                while (range_ := handled.range()) is not None:
                    (answer,) = await self._submit([self._acknowledgement(journal, range_)])
                    if isinstance(answer, Refused):
                        raise answer
                    handled.signed(range_.through)

    def _acknowledgement(self, journal: int, range_: Range) -> Statement:
        body = Acknowledgement.from_wire(
            {
                "router": node_urn(self._link.peer),
                "sub": self.sub,
                "epoch": self.epoch,
                "journal": journal,
                "after": range_.after,
                "through": range_.through,
                "digest": acks_digest(range_.delivered),
                "refused": range_.refused,
            }
        )
        now = self._link.now_ms()
        return body.sign(self._link.key, created=now, expires=now + LONGEST_LIFETIME_MS[Kind.ACKNOWLEDGEMENT])
