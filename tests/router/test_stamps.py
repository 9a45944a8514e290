"""Stamps at a router: who is asked, what they buy in a flood, and that nothing keeps or forwards them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio
from nacl.signing import SigningKey

from byway.link.minter import Minter
from byway.protocol.frames import Accepted, Deliver, Proof, Refusal, Stamps, Submit
from byway.protocol.receipt import Receipt
from byway.protocol.stamp import Stamp, mint
from byway.protocol.statement import is_signed
from byway.router import intake, stamp_check
from byway.router.allowance import Allowance, AllowanceLimits
from byway.router.difficulty import BASE_BITS, FALL_EVERY_S
from byway.router.stamp_check import MOST_WAITING
from tests.router.node_in_memory import BUYER, NODE_KEY, Node, settle
from tests.strategies.randomness import Seeded

NODE = bytes(NODE_KEY.verify_key)
PERSON = SigningKey(b"p" * 32)
A_VERDICT_S = 0.1
AT_ONCE = 4
FLOODERS = 20
OF_EACH = 8


class SlowVerifier:
    """Takes its time for each statement."""

    side_by_side = 1

    async def verify(self, statements: Sequence[bytes]) -> Sequence[bool]:
        await trio.sleep(A_VERDICT_S * len(statements))
        return [is_signed(data) for data in statements]


def ask(node: Node) -> None:
    """As if too many statements waited."""
    node.router._intake._entrance._stamps.waiting(MOST_WAITING + 1, trio.current_time())


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_a_cast_with_a_stamp_passes_a_flood_and_one_without_waits(
    node: Node, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamp_check, "MOST_WAITING", FLOODERS * OF_EACH // 2)
    monkeypatch.setattr(intake, "BATCH", AT_ONCE)
    node.router._intake._verifier = SlowVerifier()
    async with AsyncExitStack() as stack:
        for number in range(FLOODERS):
            flooder = await stack.enter_async_context(node.peer(SigningKey(bytes([number + 1]) * 32)))
            await flooder.send(Submit(1, tuple((node.cast().data, None) for _ in range(OF_EACH))))
        await settle()
        person = await stack.enter_async_context(node.client(PERSON))
        other = await stack.enter_async_context(node.client(BUYER))
        with trio.move_on_after(2 * AT_ONCE * A_VERDICT_S + 0.1) as too_long:
            (receipt,) = await person.submit([node.cast()], minter=Minter(BASE_BITS + 4, Seeded("person")))
            assert isinstance(receipt, Receipt)
        assert person.stamp_bits >= BASE_BITS
        assert not too_long.cancelled_caught
        with trio.move_on_after(FLOODERS * A_VERDICT_S) as waited:
            await other.submit([node.cast()])
        assert waited.cancelled_caught
    nursery.cancel_scope.cancel()


async def test_what_is_asked_is_told_at_the_opening_and_when_it_has_changed(node: Node) -> None:
    async with node.peer() as early:
        ask(node)
        async with node.peer(BUYER) as late:
            assert await late.expect(Stamps) == Stamps(BASE_BITS)
            await late.submit(node.cast().data)
        await early.send(Submit(1, ((node.cast().data, None),)))
        assert await early.expect(Stamps) == Stamps(BASE_BITS)
        assert isinstance((await early.expect(Accepted)).answers[0], Proof)
        await early.hears_nothing(for_s=FALL_EVERY_S + 0.1)
        await early.send(Submit(2, ((node.cast().data, None),)))
        assert await early.expect(Stamps) == Stamps(0)
        await early.expect(Accepted)


async def test_who_is_refused_as_busy_is_asked_first_and_comes_in_with_a_stamp(node: Node) -> None:
    node.router._intake._entrance._allowance = Allowance(AllowanceLimits(link_statements_per_s=10))
    async with node.peer() as peer:
        await peer.submit(*[node.cast().data for _ in range(21)])
        cast, other = node.cast(), node.cast()
        await peer.send(Submit(90, ((cast.data, None),)))
        (bits,) = [(await peer.expect(Stamps)).bits]
        (refused,) = (await peer.expect(Accepted)).answers
        assert isinstance(refused, Refusal)
        assert refused.code == "busy"
        stamp = mint(NODE, cast.id, bits, start=0, tries=1 << 20)
        await peer.send(Submit(91, ((other.data, None), (cast.data, stamp), (b"no statement", None))))
        busy, taken, also_busy = (await peer.expect(Accepted)).answers
        assert isinstance(taken, Proof)
        assert [answer.code for answer in (busy, also_busy) if isinstance(answer, Refusal)] == ["busy", "busy"]


async def test_what_stamps_buy_is_not_taken_from_the_share_of_those_without(node: Node) -> None:
    node.router._intake._entrance._allowance = Allowance(AllowanceLimits(link_statements_per_s=1))
    ask(node)
    casts = [node.cast() for _ in range(5)]
    stamps = [mint(NODE, cast.id, BASE_BITS, start=0, tries=1 << 20) for cast in casts]
    async with node.peer() as peer:
        await peer.expect(Stamps)
        await peer.send(Submit(1, tuple((cast.data, stamp) for cast, stamp in zip(casts, stamps, strict=True))))
        assert all(isinstance(answer, Proof) for answer in (await peer.expect(Accepted)).answers)
        await peer.send(Submit(2, ((node.cast().data, None), (node.cast().data, None))))
        assert all(isinstance(answer, Proof) for answer in (await peer.expect(Accepted)).answers)


async def test_a_stamp_makes_no_statement_good(node: Node) -> None:
    ask(node)
    cast = node.cast()
    bad = cast.data[:-1] + bytes([cast.data[-1] ^ 1])
    async with node.peer() as peer:
        await peer.expect(Stamps)
        stamp = mint(NODE, cast.id, BASE_BITS, start=0, tries=1 << 20)
        await peer.send(Submit(1, ((bad, stamp), (cast.data, None))))
        refused, taken = (await peer.expect(Accepted)).answers
        assert isinstance(refused, Refusal)
        assert refused.code == "bad-signature"
        assert isinstance(taken, Proof)


async def test_a_stamp_is_neither_stored_nor_forwarded(node: Node, tmp_path: Path) -> None:
    ask(node)
    worked, beside_a_token = node.cast(), node.cast()
    stamp = mint(NODE, worked.id, BASE_BITS, start=0xBAD_57A4_9000_0000, tries=1 << 20)
    assert stamp is not None
    token = Stamp(2, b"a token that nobody here knows")
    async with node.peer() as seller, node.peer(BUYER) as buyer:
        await seller.expect(Stamps)
        await seller.subscribe()
        await buyer.expect(Stamps)
        await buyer.send(Submit(1, ((worked.data, stamp), (beside_a_token.data, token))))
        assert all(isinstance(answer, Proof) for answer in (await buyer.expect(Accepted)).answers)
        delivered = await seller.expect(Deliver)
        assert [entry.statement for entry in delivered.entries] == [worked.data, beside_a_token.data]
    stored = on_disk(tmp_path)
    assert worked.data in stored
    assert stamp.value not in stored
    assert token.value not in stored
