"""Offers at a messaging authority when the mailbox is nearly full: whoever brings a stamp still finds room."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from nacl.signing import SigningKey

from authorities.messaging.authority import MessagingPolicy
from byway.errors import Refused
from byway.link.minter import Minter
from byway.protocol.limits import HOUR_MS
from byway.protocol.mailbox import Mailbox
from byway.protocol.receipt import Receipt
from byway.protocol.seal import Sealed
from byway.protocol.statement import Statement
from byway.protocol.urn import mailbox_urn
from tests.router.node_in_memory import BUYER, NODE, Node, node_in_memory, on_a_virtual_clock
from tests.strategies.randomness import Seeded


def offer(node: Node, key: SigningKey) -> Statement:
    body = Sealed.from_wire(
        {
            "to": mailbox_urn(bytes(BUYER.verify_key)),
            "cast": bytes(32),
            "serial": 1,
            "suite": 1,
            "key": bytes(32),
            "commit": bytes(32),
            "nonce": bytes(24),
            "box": bytes(1040),
        }
    )
    return body.sign(key, created=node.now_ms(), expires=node.now_ms() + HOUR_MS)


async def hand_in(node: Node, number: int, minter: Minter | None) -> Receipt | Refused:
    key = SigningKey(bytes([number]) * 32)
    async with node.client(key) as client:
        (answer,) = await client.submit([offer(node, key)], minter=minter)
        return answer


@pytest.mark.trio(run=on_a_virtual_clock)
async def test_whoever_finds_the_last_quarter_of_a_mailbox_is_asked_for_a_stamp_and_taken_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node_in_memory(tmp_path, monkeypatch) as node:
        await node.stop()
        node.make_policy = lambda key: MessagingPolicy(key, node.now_ms)
        await node.start()
        async with node.client(BUYER) as client:
            body = Mailbox(at=NODE, messages=4, bytes=100_000)
            await client.submit([body.sign(BUYER, created=node.now_ms(), expires=node.now_ms() + HOUR_MS)])
        for number in range(1, 4):
            assert isinstance(await hand_in(node, number, None), Receipt)
        refused = await hand_in(node, 4, None)
        assert isinstance(refused, Refused)
        assert (refused.code, refused.temporary) == ("busy", True)
        await trio.sleep(60)  # nobody is asked for anything any more
        assert isinstance(await hand_in(node, 5, Minter(20, Seeded("minter"))), Receipt)
