"""Shares of what filters may cost: one key that takes all it can get does not keep the others out."""

from __future__ import annotations

from byway.protocol.frames import Frame, Subscribe, Subscribed
from byway.protocol.frames import Refused as RefusedFrame
from byway.router.index import SubscriptionIndex
from byway.router.shares import Owner, Shares
from tests.router.node_in_memory import BUYER, Node, Peer

HERE, THERE = "198.51.100.0/24", "203.0.113.0/24"


def take_all(shares: Shares, owner: Owner, spent: int) -> int:
    """Take unit by unit; what was got."""
    got = 0
    while shares.allows(owner, 1, spent + got):
        shares.take(owner, 1)
        got += 1
    return got


def test_a_key_has_a_quarter_of_what_its_prefix_has_left_and_a_prefix_a_quarter_of_what_others_leave() -> None:
    shares = Shares(64_000)
    assert take_all(shares, Owner(b"1", HERE), 0) == 4000
    assert take_all(shares, Owner(b"2", HERE), 4000) == 3000
    assert take_all(shares, Owner(b"1", HERE), 7000) == 0
    assert take_all(shares, Owner(b"1", THERE), 7000) == (64_000 - 7000) // 4 // 4


async def subscribe(peer: Peer, number: int) -> Frame:
    circle = ["near", "where", 1_000_000 + number, 1_000_000, 140_000]
    await peer.send(Subscribe(f"s{number}", "open:homes:**", circle, "all", "now", 1000))
    frames = await peer.link.receive()
    return frames[0]


async def test_who_comes_after_a_greedy_key_is_served(node: Node) -> None:
    node.router._subscriptions._index = SubscriptionIndex(max_work=2000)
    async with node.peer() as greedy, node.peer(BUYER) as late:
        numbers = iter(range(1000))
        answers = [await subscribe(greedy, next(numbers)) for _ in range(100)]
        refused = [answer for answer in answers if isinstance(answer, RefusedFrame)]
        assert refused
        assert {answer.code for answer in refused} == {"filters-full"}
        answers = [await subscribe(late, next(numbers)) for _ in range(5)]
        assert {type(answer) for answer in answers} == {Subscribed}
