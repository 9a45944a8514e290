"""A subscriber that takes the word of its router for the signatures, and costs as little as one can.

It does all that the protocol asks of a subscriber (wire-protocol section 8.5), as often as the client library: acks
together, and once a second a signed acknowledgement over them.
"""

from __future__ import annotations

import time
from typing import Final

import trio

from byway.link.handled import Handled
from byway.link.link import Link
from byway.link.subscription import ACK_EVERY_S, ACK_SHARE, SIGN_EVERY_S
from byway.protocol.acknowledgement import Acknowledgement, acks_digest
from byway.protocol.frames import Accepted, Ack, Acked, Deliver, Frame, From, Proof, Submit, Subscribe, Subscribed
from byway.protocol.limits import DAY_MS, SUBMIT_CREDIT
from byway.protocol.statement import Statement, statement_id
from byway.protocol.urn import node_urn

_ENOUGH: Final = SUBMIT_CREDIT // ACK_SHARE


class Trusting:
    """One subscription of the key of `link`, to one journal."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._sub = ""
        self._epoch = 0
        self._journal = 0
        self._handled = Handled(0)
        self._acked = self._accepted = self._submitted = 0
        self._received = 0
        self._unacked_bytes = 0
        self._news = trio.Event()
        self._soon = trio.Event()  # there is so much to ack that it does not wait for its time

    async def subscribe(self, sub: str, pattern: str, from_: From) -> None:
        """Returns when the router has the subscription.  Raises `LinkError`."""
        self._sub = sub
        await self._link.send(Subscribe(sub, pattern, None, "all", from_, SUBMIT_CREDIT))
        while not self._epoch:
            for frame in await self._link.receive():
                self._take(frame)

    async def receive(self, count: int) -> float:
        """Receive, ack and settle `count` casts; returns the instant of the last.  Raises `LinkError`."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen)
            nursery.start_soon(self._send_acks)
            nursery.start_soon(self._sign_acks)
            while self._received < count:
                await self._news.wait()
            delivered = time.monotonic()
            await self._ack()
            settled = self._handled.through
            while self._acked < settled:
                await self._news.wait()
            await self._sign()
            while self._accepted < self._submitted:
                await self._news.wait()
            nursery.cancel_scope.cancel()
        return delivered

    async def _listen(self) -> None:
        while True:
            for frame in await self._link.receive():
                self._take(frame)
            self._news.set()
            self._news = trio.Event()

    def _take(self, frame: Frame) -> None:
        match frame:
            case Subscribed(epoch=epoch, cursors=((journal, cursor),)):
                self._epoch, self._journal, self._handled, self._acked = epoch, journal, Handled(cursor), cursor
            case Deliver(through=through, entries=entries):
                for entry in self._handled.deliver(through, entries):
                    self._handled.handle(entry.sequence, statement_id(entry.statement))
                    self._received += 1
                    self._unacked_bytes += len(entry.statement)
                if self._unacked_bytes > _ENOUGH:
                    self._soon.set()
            case Acked(through=through):
                self._acked = through
            case Accepted(answers=answers):
                if not all(isinstance(answer, Proof) for answer in answers):
                    raise SystemExit(f"the router refused an acknowledgement: {answers}")
                self._accepted += len(answers)

    async def _send_acks(self) -> None:
        while True:
            with trio.move_on_after(ACK_EVERY_S):
                await self._soon.wait()
            await self._ack()

    async def _sign_acks(self) -> None:
        while True:
            await trio.sleep(SIGN_EVERY_S)
            await self._sign()

    async def _ack(self) -> None:
        handled = self._handled
        self._soon, self._unacked_bytes = trio.Event(), 0
        if handled.through > self._acked:
            await self._link.send(Ack(self._sub, self._epoch, self._journal, handled.through, handled.also))

    async def _sign(self) -> None:
        if (range_ := self._handled.range()) is None:
            return
        body = Acknowledgement.from_wire(
            {
                "router": node_urn(self._link.peer),
                "sub": self._sub,
                "epoch": self._epoch,
                "journal": self._journal,
                "after": range_.after,
                "through": range_.through,
                "digest": acks_digest(range_.delivered),
                "refused": (),
            }
        )
        now = self._link.now_ms()
        signed: Statement = body.sign(self._link.key, created=now, expires=now + DAY_MS)
        self._submitted += 1
        self._handled.signed(range_.through)
        await self._link.send(Submit(self._submitted, ((signed.data, None),)))
