"""What a key and a prefix may ask for, and what a bad signature costs them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio

from byway.errors import LinkError
from byway.protocol.frames import Accepted, Proof, Refusal, Stamps, Submit
from byway.router.allowance import Allowance, AllowanceLimits
from byway.router.session import MAX_BAD_SIGNATURES
from byway.router.submissions import BUSY_EACH_S
from tests.router.node_in_memory import BUYER, SELLER, Node, Peer

A, B = bytes([1]) * 32, bytes([2]) * 32


def test_a_key_that_hands_in_too_much_waits_and_others_do_not() -> None:
    allowance = Allowance(AllowanceLimits(link_statements_per_s=10))
    assert allowance.charge(A, "x", 20, 0) == 0
    assert 0 < allowance.charge(A, "x", 1, 0) <= 0.1
    assert allowance.charge(B, "x", 1, 0) == 0
    assert allowance.charge(A, "x", 1, 0.2) == 0


def test_many_keys_of_one_prefix_share_what_it_may() -> None:
    allowance = Allowance(AllowanceLimits(prefix_statements_per_s=10))
    taken = sum(allowance.charge(bytes([number]), "x", 1, 0) == 0 for number in range(100))
    assert taken == 20
    assert allowance.charge(A, "y", 1, 0) == 0


def test_a_prefix_that_sends_what_is_not_signed_has_to_wait() -> None:
    allowance = Allowance(AllowanceLimits())
    allowance.blame("x", 109, 0)
    assert 0.9 < allowance.charge(A, "x", 1, 0) <= 1
    assert allowance.charge(A, "y", 1, 0) == 0
    assert allowance.charge(A, "x", 1, 1.01) == 0


async def test_a_link_that_is_not_signed_ten_times_is_ended_and_no_other(node: Node) -> None:
    good = node.cast()
    bad = good.data[:-1] + bytes([good.data[-1] ^ 1])
    async with node.peer() as peer, node.peer(BUYER) as other:
        for _ in range(MAX_BAD_SIGNATURES - 1):
            (answer,) = (await peer.submit(bad)).answers
            assert isinstance(answer, Refusal)
            assert answer.code == "bad-signature"
        assert isinstance((await peer.submit(good.data)).answers[0], Proof)
        await peer.send(Submit(99, ((bad, None),)))
        await peer.expect(Accepted)
        with pytest.raises(LinkError) as left:
            await peer.link.receive()
        assert left.value.code == "bad-signature"
        assert isinstance((await other.submit(node.cast().data)).answers[0], Proof)


async def test_who_asks_for_too_much_is_told_when_to_come_again(node: Node) -> None:
    node.router._intake._entrance._allowance = Allowance(AllowanceLimits(link_statements_per_s=10))
    casts = [node.cast() for _ in range(40)]
    async with node.peer() as peer:
        first = await peer.submit(*[cast.data for cast in casts[:21]])
        assert all(isinstance(answer, Proof) for answer in first.answers)
        await peer.send(Submit(99, ((casts[21].data, None),)))
        await peer.expect(Stamps)  # with one it may come in now
        (refused,) = (await peer.expect(Accepted)).answers
        assert isinstance(refused, Refusal)
        assert (refused.code, refused.retry_after) == ("busy", 200)
        await trio.sleep(0.2)
        assert isinstance((await peer.submit(casts[21].data)).answers[0], Proof)


async def test_ten_bad_ones_that_come_one_by_one_are_all_answered_before_the_end(node: Node) -> None:
    good = node.cast()
    bad = good.data[:-1] + bytes([good.data[-1] ^ 1])
    async with node.peer() as peer:
        await peer.send(*[Submit(number, ((bad, None),)) for number in range(MAX_BAD_SIGNATURES)])
        for _ in range(MAX_BAD_SIGNATURES):
            await peer.expect(Accepted)
        with pytest.raises(LinkError) as left:
            await peer.link.receive()
        assert left.value.code == "bad-signature"


async def submit(peer: Peer, batch: int, statements: Sequence[bytes]) -> Accepted:
    """The answer, whatever stamps are asked for meanwhile."""
    await peer.send(Submit(batch, tuple((data, None) for data in statements)))
    while True:
        for frame in await peer.link.receive():
            if isinstance(frame, Accepted):
                return frame


async def test_who_is_told_to_wait_and_does_not_is_heard_more_seldom_and_nobody_else_is(node: Node) -> None:
    node.router._intake._entrance._allowance = Allowance(AllowanceLimits(link_statements_per_s=1))
    too_many = [node.cast().data for _ in range(50)]
    async with node.peer(BUYER) as greedy, node.peer(SELLER) as other:
        await submit(greedy, 1, too_many)
        began = trio.current_time()
        for batch in range(2, 22):
            await submit(greedy, batch, too_many)
        now = trio.current_time()
        assert now - began >= 19 * 50 * BUSY_EACH_S
        assert isinstance((await submit(other, 1, [node.cast().data])).answers[0], Proof)
        assert trio.current_time() == now
