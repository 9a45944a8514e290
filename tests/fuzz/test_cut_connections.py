"""A connection cut after each byte of each frame: no partial frame is acted on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from nacl.signing import SigningKey
from trio.testing import MockClock

from byway.protocol.codec import encode
from byway.protocol.connection import Connection, Role, State
from byway.protocol.frames import (
    FRAMES,
    Accepted,
    Ack,
    Acked,
    Answer,
    Bye,
    Credit,
    Deliver,
    Ended,
    Entry,
    Frame,
    Hello,
    Ping,
    Pong,
    Proof,
    Refusal,
    Refused,
    Resolve,
    Stamps,
    Start,
    Submit,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.limits import SUBMIT_CREDIT
from tests.router.node_in_memory import BUYER, SELLER, Node, Peer, node_in_memory, settle

START = Start((1,), "urn:byway:node:x", bytes(16))
HELLO = Hello(bytes(range(256)))
LARGE = bytes(range(256)) * 4
OPENING: list[tuple[Role, Frame]] = [
    (Role.CLIENT, START),
    (Role.SERVER, START),
    (Role.SERVER, HELLO),
    (Role.CLIENT, HELLO),
    (Role.SERVER, Credit(None, SUBMIT_CREDIT)),
]
SUBSCRIBE = Subscribe("s", "open:homes:**", ["and", ["known", "beds"], ["known", "price"]], "all", "cursor", 10_000)
ASKED: list[tuple[Role, Frame]] = [
    (Role.CLIENT, SUBSCRIBE),
    (Role.CLIENT, Submit(1, ((LARGE, None), (b"", None)))),
    (Role.CLIENT, Resolve(1, "urn")),
]
SUBSCRIBED = Subscribed("s", 1, ((0, 7),))
OPEN: list[tuple[Role, Frame]] = [(Role.SERVER, SUBSCRIBED)]

# What was said before, and who says the frame that is cut.
SAID: list[tuple[list[tuple[Role, Frame]], Role, Frame]] = [
    ([], Role.CLIENT, START),
    (OPENING[:1], Role.SERVER, START),
    (OPENING[:2], Role.SERVER, HELLO),
    (OPENING[:3], Role.CLIENT, HELLO),
    (OPENING[:4], Role.SERVER, Credit(None, SUBMIT_CREDIT)),
    (OPENING, Role.CLIENT, Submit(1, ((LARGE, None), (LARGE[:900], None)))),
    (OPENING, Role.CLIENT, SUBSCRIBE),
    (OPENING, Role.CLIENT, Resolve(7, "urn:byway:topic:open:homes")),
    (OPENING, Role.CLIENT, Ping(bytes(16))),
    (OPENING, Role.SERVER, Pong(bytes(16))),
    (OPENING, Role.SERVER, Stamps(12)),
    (OPENING, Role.CLIENT, Bye("shutting-down", "the node is stopping", 5000)),
    (OPENING + ASKED, Role.SERVER, SUBSCRIBED),
    (OPENING + ASKED, Role.SERVER, Refused(Subscribe.number, "s", "bad-filter", "the filter is not an expression")),
    (OPENING + ASKED, Role.SERVER, Accepted(1, (LARGE,), (Proof(0, 9, (bytes(32),) * 20), Refusal("busy", "", 1)))),
    (OPENING + ASKED, Role.SERVER, Answer(1, (LARGE, LARGE[:700]))),
    (OPENING + ASKED + OPEN, Role.SERVER, Deliver("s", 1, 0, 20, (Entry(8, LARGE), Entry(19, LARGE[:900])))),
    (OPENING + ASKED + OPEN, Role.SERVER, Acked("s", 1, 0, 20)),
    (OPENING + ASKED + OPEN, Role.SERVER, Ended("s", "replaced", "it was opened on another link")),
    (OPENING + ASKED + OPEN, Role.CLIENT, Ack("s", 1, 0, 20, tuple(range(22, 300, 2)), ((300, "bad-facet"),))),
    (OPENING + ASKED + OPEN, Role.CLIENT, Credit("s", 70_000)),
    (OPENING + ASKED + OPEN, Role.CLIENT, Unsubscribe("s")),
]  # fmt: skip


def test_every_frame_is_cut() -> None:
    assert {type(frame) for _, _, frame in SAID} == set(FRAMES.values())


@pytest.mark.parametrize(("before", "role", "frame"), SAID, ids=[type(frame).__name__ for *_, frame in SAID])
def test_a_part_of_a_frame_changes_nothing(before: list[tuple[Role, Frame]], role: Role, frame: Frame) -> None:
    """After any number of its bytes but all of them; and the rest completes it."""
    ends = {each: Connection(each) for each in Role}
    for speaker, said in before:
        assert ends[speaker.other].receive(ends[speaker].send(said)) == [said]
    data, other = encode(frame), ends[role.other]
    assert len(data) <= 2048
    untouched = _known(other)
    for at in range(len(data) - 1):
        assert other.receive(data[at : at + 1]) == []
        assert _known(other) == untouched
    assert other.receive(data[-1:]) == [frame]
    assert (other.state is State.CLOSED) is isinstance(frame, Bye)


def _known(end: Connection) -> tuple[Any, ...]:
    """All that a connection knows, but for the bytes it waits to complete."""
    flows = {sub: repr(flow) for sub, flow in end._flows.items()}
    states = (end._own.state, end._peer.state, end.state, end.fault)
    return states, end.submit_credit, dict(end._batches), set(end._queries), flows


@pytest.mark.slow
async def test_a_router_acts_on_no_part_of_a_frame(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real router with a real store: nothing is stored, subscribed, acked or ended by a part of a frame."""
    assert autojump_clock is not None
    async with node_in_memory(tmp_path, monkeypatch) as node:
        cast = node.cast()
        await node.publish(cast)
        submit = encode(Submit(1, ((node.close(cast).data, None),)))
        for cut in (*range(1, len(submit), 9), len(submit) - 1):  # what is not cut off here, is above
            await _cut_off(node, BUYER, submit[:cut])
        for saying in _SAYINGS:
            for cut in (*range(1, len(encode(saying(1))), 5), len(encode(saying(1))) - 1):
                async with node.peer(SELLER) as seller:
                    epoch = (await seller.subscribe(pattern="open:homes:**")).epoch
                    await _vanish(seller, encode(saying(epoch))[:cut])

        await node.stop()
        await node.start()
        assert node.recovered.next_sequence == 2
        (row,) = node.recovered.subscriptions
        assert (row.sub, row.pattern, row.through, row.also) == ("s", "open:homes:**", 0, ())


# What a subscriber says about a subscription of its own, whose epoch has to be right.
_SAYINGS: list[Callable[[int], Frame]] = [
    lambda epoch: Ack("s", epoch, 0, 1),
    lambda _: Unsubscribe("s"),
    lambda _: Subscribe("s", "open:food:**", None, "all", "now", 1000),
    lambda _: Subscribe("t", "open:food:**", None, "all", "now", 1000),
]


async def _cut_off(node: Node, key: SigningKey, part: bytes) -> None:
    async with node.peer(key) as peer:
        await _vanish(peer, part)


async def _vanish(peer: Peer, part: bytes) -> None:
    """Send a part of a frame, and close without a word."""
    await peer.link._stream.send_all(part)
    await settle()
    await trio.aclose_forcefully(peer.link._stream)
