"""A link of a node that keeps mailboxes: each is filled by many and emptied by one key alone."""

from __future__ import annotations

import pytest
from nacl.signing import SigningKey

from authorities.messaging.authority import MessagingPolicy
from byway.errors import Refused
from byway.protocol.frames import Deliver, Subscribe
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.limits import DAY_MS
from byway.protocol.mailbox import Mailbox
from byway.protocol.seal import Sealed
from byway.protocol.statement import Statement
from byway.protocol.urn import mailbox_urn
from tests.router.node_in_memory import BUYER, NODE, SELLER, Node

MAILBOX = mailbox_urn(bytes(BUYER.verify_key))


@pytest.fixture
async def keeper(node: Node) -> Node:
    """The node, as a messaging authority."""
    await node.stop()
    node.make_policy = lambda key: MessagingPolicy(key, node.now_ms)
    await node.start()
    return node


def mailbox(node: Node) -> Statement:
    body = Mailbox.from_wire({"at": NODE, "messages": 3, "bytes": 100_000})
    return body.sign(BUYER, created=node.now_ms(), expires=node.now_ms() + DAY_MS)


def sealed(node: Node, key: SigningKey, serial: int = 1) -> Statement:
    fields = {"to": MAILBOX, "cast": bytes(32), "serial": serial, "suite": 1, "key": bytes(32), "commit": bytes(32)}
    body = Sealed.from_wire(fields | {"nonce": bytes(24), "box": bytes(1040)})
    return body.sign(key, created=node.now_ms(), expires=node.now_ms() + DAY_MS)


async def hand_in(node: Node, key: SigningKey, *statements: Statement) -> list[str]:
    """The codes of the refusals among the answers."""
    async with node.client(key) as client:
        return [answer.code for answer in await client.submit(statements) if isinstance(answer, Refused)]


async def test_offers_wait_in_the_mailbox_for_its_own_key(keeper: Node) -> None:
    first, second = sealed(keeper, SELLER), sealed(keeper, SigningKey(b"2" * 32))
    assert await hand_in(keeper, SELLER, first) == ["mailbox-unknown"]
    assert await hand_in(keeper, BUYER, mailbox(keeper)) == []
    assert await hand_in(keeper, SELLER, first) == []
    async with keeper.peer(BUYER) as owner:
        await owner.subscribe("offers", MAILBOX)
        assert [entry.statement for entry in (await owner.expect(Deliver)).entries] == [first.data]
        assert await hand_in(keeper, SigningKey(b"2" * 32), second) == []
        assert [entry.statement for entry in (await owner.expect(Deliver)).entries] == [second.data]


async def test_the_mailbox_of_another_key_stays_shut(keeper: Node) -> None:
    await hand_in(keeper, BUYER, mailbox(keeper))
    async with keeper.peer(SELLER) as thief:
        for pattern, filter_wire, code in [
            (MAILBOX, None, "not-yours"),
            (mailbox_urn(bytes(SELLER.verify_key)), None, "mailbox-unknown"),
            ("urn:byway:mailbox:mine", None, "bad-urn"),
            ("open:homes:**", None, "not-served"),
        ]:
            await thief.send(Subscribe("s", pattern, filter_wire, "all", "oldest", 1000))
            assert (await thief.expect(RefusedFrame)).code == code
    async with keeper.peer(BUYER) as owner:
        await owner.send(Subscribe("s", MAILBOX, ["known", "beds"], "all", "oldest", 1000))
        assert (await owner.expect(RefusedFrame)).code == "bad-filter"


async def test_an_offer_that_was_replaced_is_not_handed_over(keeper: Node) -> None:
    await hand_in(keeper, BUYER, mailbox(keeper))
    old, new = sealed(keeper, SELLER), sealed(keeper, SELLER, serial=2)
    assert await hand_in(keeper, SELLER, old, new) == []
    async with keeper.peer(BUYER) as owner:
        await owner.subscribe("offers", MAILBOX)
        assert [entry.statement for entry in (await owner.expect(Deliver)).entries] == [new.data]
