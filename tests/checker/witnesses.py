"""A link that writes down what goes over it, as evidence (`tests.checker.evidence`).

This belongs to those who run publishers and subscribers; the checker does not import it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from byway.link.client import Client, connect
from byway.link.link import Link
from byway.link.subscription import Delivery, Subscription
from byway.protocol.frames import (
    Accepted,
    Ack,
    Acked,
    Answer,
    Deliver,
    Frame,
    Proof,
    Submit,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.receipt import Receipt
from byway.protocol.statement import parse_statement, statement_id
from byway.protocol.urn import node_urn
from tests.checker.evidence import Witness

NOBODY: Mapping[bytes, str] = {}


class WitnessedLink:
    """Notes every frame that matters before it is sent, and when it came.  `hostile` is by statement id."""

    def __init__(self, link: Link, witness: Witness, hostile: Mapping[bytes, str] = NOBODY) -> None:
        self._link = link
        self._witness = witness
        self._hostile = hostile
        self._name = witness.new_link()
        self._node, self._key = node_urn(link.peer), node_urn(bytes(link.key.verify_key))
        self._submitted: dict[int, list[bytes]] = {}
        self._asked: defaultdict[str, deque[Subscribe]] = defaultdict(deque)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    async def send(self, frame: Frame) -> None:
        await self.send_many([frame])

    async def send_many(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            self._sends(frame)
        await self._link.send_many(frames)

    async def receive(self) -> list[Frame]:
        frames = await self._link.receive()
        for frame in frames:
            self._receives(frame)
        return frames

    def lost(self) -> None:
        """The link has ended: what was not answered is unknown."""
        for ids in self._submitted.values():
            for each in ids:
                self._witness.note("unknown", node=self._node, id=each)
        self._submitted.clear()

    def _sends(self, frame: Frame) -> None:
        match frame:
            case Submit(batch, items):
                self._submitted[batch] = [statement_id(data) for data, _ in items]
                for each, (data, _) in zip(self._submitted[batch], items, strict=True):
                    why = {"hostile": self._hostile[each]} if each in self._hostile else {}
                    self._witness.note("attempt", node=self._node, key=self._key, statement=data, **why)
            case Subscribe(sub=sub):
                self._asked[sub].append(frame)
                self._note("subscribing", sub, link=self._name)
            case Unsubscribe(sub):
                self._note("unsubscribed", sub)
            case Ack(sub, epoch, journal, through, also, refused):
                more = {"through": through, "also": list(also), "refused": [list(pair) for pair in refused]}
                self._note("ack-sent", sub, epoch=epoch, journal=journal, **more)

    def _receives(self, frame: Frame) -> None:
        match frame:
            case Accepted():
                self._answered(frame)
            case Subscribed(sub, epoch, cursors):
                asked = self._asked[sub].popleft()
                said = {"pattern": asked.pattern, "filter": asked.filter, "from": asked.from_, "link": self._name}
                self._note("subscribed", sub, epoch=epoch, cursors=[list(pair) for pair in cursors], **said)
            case RefusedFrame(frame=Subscribe.number, subject=str(sub)):
                self._asked[sub].popleft()
            case Deliver(sub, epoch, journal, _, entries):
                for entry in entries:
                    what = {"sequence": entry.sequence, "statement": entry.statement, "link": self._name}
                    self._note("received", sub, epoch=epoch, journal=journal, **what)
            case Acked(sub, epoch, journal, through):
                self._note("acked", sub, epoch=epoch, journal=journal, through=through)
            case Answer(statements=statements):
                for data in statements:
                    self._witness.note("answer", node=self._node, statement=data)

    def _answered(self, frame: Accepted) -> None:
        for each, answer in zip(self._submitted.pop(frame.batch), frame.answers, strict=True):
            if isinstance(answer, Proof):
                receipt = Receipt(parse_statement(frame.heads[answer.head]), answer.sequence, answer.path)
                self._witness.note("receipt", node=self._node, id=each, receipt=receipt.to_bytes())
            else:
                self._witness.note("refusal", node=self._node, id=each, code=answer.code)

    def _note(self, event: str, sub: str, **fields: Any) -> None:
        self._witness.note(event, node=self._node, key=self._key, sub=sub, **fields)


@asynccontextmanager
async def witnessed(link: Link, witness: Witness, hostile: Mapping[bytes, str] = NOBODY) -> AsyncGenerator[Client]:
    """A client over `link` whose frames are evidence."""
    seen = WitnessedLink(link, witness, hostile)
    try:
        async with connect(cast("Link", seen)) as client:
            yield client
    finally:
        seen.lost()


class Effects:
    """What a subscriber has done, once for each id, although it may be brought again.

    `done` is what it knows from earlier lives, and is added to.
    """

    def __init__(self, witness: Witness, node: str, key: bytes, sub: str, done: set[bytes]) -> None:
        self._done = done
        self._witness = witness
        self._fields = {"node": node, "key": node_urn(key), "sub": sub}

    def take(self, subscription: Subscription, delivery: Delivery) -> None:
        """Have the one effect, and ack."""
        if delivery.statement.id not in self._done:
            self._done.add(delivery.statement.id)
            self._witness.note("effect", id=delivery.statement.id, **self._fields)
        subscription.ack(delivery)
