"""A node in memory that answers as a test tells it: for what no honest node would say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, RemoteProtocolError
from byway.link.link import Link
from byway.link.memory import MemoryNetwork
from byway.node_address import NodeAddress
from byway.protocol.frames import Accepted, Answer, Credit, Frame, Refusal, Refused, Resolve, Submit, Subscribe
from byway.protocol.limits import SUBMIT_CREDIT
from byway.protocol.statement import Statement, parse_statement
from byway.protocol.urn import node_urn
from tests.link.parts import NOW, accepted
from tests.strategies.randomness import Seeded


class ToldNode:
    """One node.  `answers` are what it says about names; of statements it refuses what `refuses` gives a reason for."""

    def __init__(self, network: MemoryNetwork, name: str) -> None:
        self.random = Seeded(name)
        self.key = SigningKey(self.random(32))
        self.place = NodeAddress(node_urn(bytes(self.key.verify_key)), f"{name}.test:7400")
        self.answers: dict[str, Sequence[Statement]] = {}
        self.refuses: Callable[[Statement], Refusal | None] = lambda _: None
        self.asked: list[tuple[bytes, str]] = []  # link key and name
        self.given: list[Statement] = []
        self.peers: list[bytes] = []
        self.now_ms: Callable[[], int] = lambda: NOW
        self._network = network

    async def run(self, *, task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED) -> None:
        await self._network.serve_links(
            self._serve,
            key=self.key,
            addresses=[self.place.address],
            now_ms=self.now_ms,
            random=self.random,
            task_status=task_status,
        )

    async def _serve(self, link: Link) -> None:
        self.peers.append(link.peer)
        await link.send(Credit(None, SUBMIT_CREDIT))
        try:
            while True:
                for frame in await link.receive():
                    await link.send(self._answer(link, frame))
        except (LinkError, RemoteProtocolError):
            pass

    def _answer(self, link: Link, frame: Frame) -> Frame:
        match frame:
            case Resolve(query, urn):
                self.asked.append((link.peer, urn))
                return Answer(query, tuple(statement.data for statement in self.answers.get(urn, ())))
            case Submit(batch, items):
                self.given += [parse_statement(data) for data, _ in items]
                refusals = [self.refuses(parse_statement(data)) for data, _ in items]
                taken = accepted(frame, key=self.key)
                answers = tuple(no or yes for no, yes in zip(refusals, taken.answers, strict=True))
                return Accepted(batch, taken.heads, answers)
            case Subscribe(sub):
                return Refused(Subscribe.number, sub, "mailbox-unknown", "there is no such mailbox here", None)
        raise AssertionError(f"nobody has told it what to say to {frame}")


async def started(nursery: trio.Nursery, network: MemoryNetwork, name: str) -> ToldNode:
    """A told node that listens."""
    node = ToldNode(network, name)
    await nursery.start(partial(node.run))
    return node
