"""The sender against an authority that says what a test wants: order, refusals, and the same bytes again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from byway.link.memory import MemoryNetwork
from byway.protocol.frames import Refusal
from byway.protocol.limits import DAY_MS
from byway.protocol.statement import Kind, Statement
from intentron.deal import Wish, draft_cast
from intentron.keys import Keys
from intentron.node import Node
from intentron.settings import IntentronSettings
from intentron.vault import Vault
from tests.intentron.told_answers import ToldNode, started
from tests.link.parts import NOW
from tests.strategies.randomness import Seeded

Refuses = Callable[[Statement], Refusal | None]


@pytest.fixture(autouse=True)
def _store_calls_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that jumps does not wait for a thread."""

    async def run_at_once(call: Callable[..., object], *args: object, **_: object) -> object:
        await trio.lowlevel.checkpoint()
        return call(*args)

    monkeypatch.setattr(trio.to_thread, "run_sync", run_at_once)


def a_cast(authority: ToldNode) -> Statement:
    person = Keys(bytes(31) + b"p")
    wish = Wish("urn:byway:topic:open:homes", {}, {}, 5, (), DAY_MS)
    return draft_cast(
        wish, key=person.cast(bytes(16)), reply_secret=bytes(range(32)), authority=authority.place.node, now_ms=NOW
    ).cast


@asynccontextmanager
async def a_seller(vault: Vault, network: MemoryNetwork, authority: ToldNode) -> AsyncGenerator[Node]:
    """A seller with one cast in its inbox, to which it has made an offer."""
    began = trio.current_time()
    authority.now_ms = lambda: NOW + int((trio.current_time() - began) * 1000)
    node = Node(
        vault,
        Keys(bytes(31) + b"s"),
        IntentronSettings(messaging=authority.place),
        now_ms=authority.now_ms,
        random=Seeded("seller"),
        open_link=network.open_link,
    )
    kept = vault.inbox.receive(a_cast(authority), sub="homes", sequence=1, now=NOW)
    assert kept
    await node.offer(kept.name, {"title": "a flat"})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.run)
        yield node
        nursery.cancel_scope.cancel()


async def until(node: Node, event: str) -> None:
    after = 0
    while True:
        news = await node.events(after, 3600)
        assert news
        if event in [fact["event"] for fact in news]:
            return
        after = news[-1]["number"]


async def test_the_mailbox_goes_before_the_offer_whose_answer_waits_there(
    vault: Vault, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    del autojump_clock
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    async with a_seller(vault, network, authority) as node:
        await until(node, "offer_sent")
    assert [statement.kind for statement in authority.given] == [Kind.MAILBOX, Kind.SEALED]
    assert len({statement.signer for statement in authority.given}) == 1


async def test_without_a_mailbox_there_is_no_offer(
    vault: Vault, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    del autojump_clock
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    authority.refuses = lambda statement: (
        Refusal("wrong-authority", "not here", None) if statement.kind is Kind.MAILBOX else None
    )
    async with a_seller(vault, network, authority) as node:
        await until(node, "offer_refused")
        (answer,) = await node.answers()
    assert (answer["state"], answer["reason"]) == ("refused", "wrong-authority")
    assert [statement.kind for statement in authority.given] == [Kind.MAILBOX]


async def test_a_later_statement_of_the_same_mailbox_is_as_good(
    vault: Vault, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    del autojump_clock
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    authority.refuses = lambda statement: (
        Refusal("older-serial", "a later one is here", None) if statement.kind is Kind.MAILBOX else None
    )
    async with a_seller(vault, network, authority) as node:
        await until(node, "offer_sent")


async def test_a_busy_authority_gets_the_same_bytes_when_it_says(
    vault: Vault, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    began = autojump_clock.current_time()
    authority.refuses = lambda statement: (
        Refusal("busy", "later", 8_000)
        if statement.kind is Kind.SEALED and autojump_clock.current_time() < began + 8
        else None
    )
    async with a_seller(vault, network, authority) as node:
        await trio.sleep(6)
        (answer,) = await node.answers()
        assert (answer["state"], answer["waiting_for"]) == ("sending", "later")
        assert (await node.status())["waiting"] == [f"{answer['name']}: later"]
        await until(node, "offer_sent")
        (answer,) = await node.answers()
        assert (answer["state"], answer["waiting_for"]) == ("stored", None)
    sealed = [statement.data for statement in authority.given if statement.kind is Kind.SEALED]
    assert len(sealed) == 2
    assert len(set(sealed)) == 1
    assert [statement.kind for statement in authority.given].count(Kind.MAILBOX) == 1


async def test_an_authority_that_is_away_is_tried_less_and_less_often(
    vault: Vault, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    del autojump_clock
    network = MemoryNetwork()
    authority = ToldNode(network, "authority")
    async with a_seller(vault, network, authority) as node:
        await trio.sleep(3600)
        (waiting, _) = vault.outbox.due(NOW + DAY_MS)
        assert 55 < waiting.attempts < 140
        assert "cannot be reached" in (await node.answers())[0]["waiting_for"]

        await nursery.start(authority.run)
        await until(node, "offer_sent")


async def test_an_offer_that_could_not_be_sent_expires(
    vault: Vault, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    del autojump_clock, nursery
    network = MemoryNetwork()
    authority = ToldNode(network, "authority")
    async with a_seller(vault, network, authority) as node:
        vault.expire(NOW + 4 * DAY_MS)
        assert [answer["state"] for answer in await node.answers()] == ["expired"]
        assert vault.outbox.next_try() is not None  # its mailbox lives longer, and harms nobody
