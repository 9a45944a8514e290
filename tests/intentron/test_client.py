"""The courier and the client library: the same bytes until there is an answer, and nothing that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import trio
from nacl.signing import SigningKey
from structlog.testing import capture_logs
from trio.testing import MockClock

import intentron
from byway.errors import LinkError, Refused
from byway.link.memory import MemoryNetwork
from byway.node_address import NodeAddress
from byway.protocol.frames import Refusal
from byway.protocol.limits import HOUR_MS
from byway.protocol.statement import Statement
from intentron import client
from intentron.backoff import Backoff
from intentron.courier import Courier
from intentron.resolver import Resolver
from tests.intentron.told_answers import ToldNode, started
from tests.link.parts import NOW, a_statement
from tests.strategies.randomness import Seeded

KEY = SigningKey(bytes(32))


def courier(network: MemoryNetwork, now_ms: Callable[[], int] = lambda: NOW) -> Courier:
    random = Seeded("courier")
    resolver = Resolver((), router=None, messaging=None, open_link=network.open_link, now_ms=now_ms, random=random)
    return Courier(resolver, open_link=network.open_link, now_ms=now_ms, random=random)


def refusing(*refusals: Refusal) -> Iterator[Refusal | None]:
    yield from refusals
    while True:
        yield None


def statement() -> Statement:
    return a_statement(1)


async def test_a_temporary_refusal_is_tried_again_with_the_same_bytes_when_it_says(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    network = MemoryNetwork()
    node = await started(nursery, network, "node")
    answers = refusing(Refusal("busy", "later", 7_000))
    node.refuses = lambda _: next(answers)
    told: list[str] = []
    began = autojump_clock.current_time()

    receipt = await courier(network).hand_in(
        node.place, KEY, statement(), on_failure=lambda error: told.append(error.code)
    )

    receipt.verify(statement().id, node.place.key)
    assert [given.data for given in node.given] == [statement().data] * 2
    assert told == ["busy"]
    assert autojump_clock.current_time() >= began + 7


async def test_a_final_refusal_is_raised(nursery: trio.Nursery) -> None:
    network = MemoryNetwork()
    node = await started(nursery, network, "node")
    node.refuses = lambda _: Refusal("not-admitted", "no", None)
    with pytest.raises(Refused) as caught:
        await courier(network).hand_in(node.place, KEY, statement())
    assert caught.value.code == "not-admitted"
    assert len(node.given) == 1


async def test_a_node_that_cannot_be_reached_is_tried_until_the_statement_expires(autojump_clock: MockClock) -> None:
    network = MemoryNetwork()
    nowhere = NodeAddress("urn:byway:node:" + "a" * 52, "nowhere.test:1")
    hands = courier(network, lambda: NOW + int(autojump_clock.current_time() * 1000))
    tries: list[float] = []

    with pytest.raises(Refused) as caught:
        await hands.hand_in(nowhere, KEY, statement(), on_failure=lambda _: tries.append(autojump_clock.current_time()))

    assert caught.value.code == "expired"
    pauses = [after - before for before, after in pairwise(tries)]
    assert max(pauses) <= 60
    assert pauses[0] < 1
    assert tries[-1] > HOUR_MS / 1000 - 61


async def test_a_node_that_is_away_is_told_once_in_the_log_and_again_when_the_reason_changes_and_at_the_end(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    network = MemoryNetwork()
    node = ToldNode(network, "node")
    hands = courier(network)

    async def come_back() -> None:
        await trio.sleep(120)
        refusals = refusing(*[Refusal("busy", "later", 1_000)] * 5)
        node.refuses = lambda _: next(refusals)
        await nursery.start(node.run)

    nursery.start_soon(come_back)
    with capture_logs() as told:
        await hands.hand_in(node.place, KEY, statement())

    assert autojump_clock.current_time() > 120
    about = [(line["event"], line.get("code")) for line in told if line["event"].startswith("hand_in")]
    assert about == [("hand_in_failed", "unreachable"), ("hand_in_failed", "busy"), ("hand_in_recovered", None)]


async def test_a_link_that_cannot_be_opened_is_told(nursery: trio.Nursery) -> None:
    network = MemoryNetwork()
    node = await started(nursery, network, "node")
    another = NodeAddress("urn:byway:node:" + "a" * 52, node.place.address)
    with pytest.raises(LinkError) as caught:
        await courier(network).submit(another, KEY, [statement()])
    assert caught.value.code == "wrong-key"


def test_pauses_grow_differ_and_end() -> None:
    backoff, other = Backoff(Seeded("a")), Backoff(Seeded("b"))
    pauses = [backoff.next_s() for _ in range(12)]
    assert all(whole / 2 <= pause <= whole for pause, whole in zip(pauses, (0.5, 1, 2, 4, 8), strict=False))
    assert all(30 <= pause <= 60 for pause in pauses[-4:])
    assert pauses != [other.next_s() for _ in range(12)]
    backoff.reset()
    assert backoff.next_s() <= 0.5
    assert backoff.next_s(5_000) == 5


def test_the_library_begins_with_connect() -> None:
    assert intentron.connect is client.connect
    with pytest.raises(AttributeError):
        _ = intentron.disconnect
