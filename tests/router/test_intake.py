"""What many links hand in together: each statement ends by itself, and nobody verifies for a link that is gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs

from byway.protocol.frames import Proof, Refusal, Submit
from byway.protocol.statement import Statement, is_signed
from byway.router import intake
from byway.router.policy import Admitted, Source
from tests.router.node_in_memory import BUYER, Node, settle


class Counting:
    """Verifies when it may, and counts."""

    side_by_side = 1

    def __init__(self) -> None:
        self.go_on = trio.Event()
        self.batches: list[int] = []

    async def verify(self, statements: Sequence[bytes]) -> Sequence[bool]:
        self.batches.append(len(statements))
        await self.go_on.wait()
        return [is_signed(data) for data in statements]


class Backwards:
    """Of two batches side by side the second is done first."""

    side_by_side = 2

    def __init__(self) -> None:
        self.begun = 0
        self.ended: list[int] = []

    async def verify(self, statements: Sequence[bytes]) -> Sequence[bool]:
        self.begun += 1
        number = self.begun
        await trio.sleep(0.1 if number % 2 else 0.01)
        self.ended.append(number)
        return [is_signed(data) for data in statements]


async def test_a_mistake_of_ours_about_one_statement_is_told_and_disturbs_no_other(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = node.router._intake._policy
    admit = policy.admit
    unlucky = node.cast()

    def mistaken(statement: Statement, source: Source) -> Admitted:
        if statement.id == unlucky.id:
            raise ZeroDivisionError
        return admit(statement, source)

    monkeypatch.setattr(policy, "admit", mistaken)
    async with node.peer() as peer, node.peer(BUYER) as other:
        with capture_logs() as logs:
            before, refused, after = (await peer.submit(node.cast().data, unlucky.data, node.cast().data)).answers
        assert isinstance(refused, Refusal)
        assert refused.code == "internal-error"
        assert isinstance(before, Proof)
        assert isinstance(after, Proof)
        assert [entry["urn"] for entry in logs if entry["event"] == "statement_failed"] == [unlucky.urn]
        assert isinstance((await other.submit(node.cast().data)).answers[0], Proof)


async def test_a_mistake_about_what_is_stored_takes_its_first_receipt_from_nobody(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = node.cast()

    def mistaken(*_: object) -> Admitted:
        raise ZeroDivisionError

    async with node.peer() as peer:
        (first,) = (await peer.submit(cast.data)).answers
        monkeypatch.setattr(node.router._intake._policy, "admit", mistaken)
        with capture_logs() as logs:
            again = (await peer.submit(*[cast.data] * 20)).answers
    assert isinstance(first, Proof)
    assert {answer.sequence for answer in again if isinstance(answer, Proof)} == {first.sequence}
    assert len(again) == 20
    told = [entry for entry in logs if entry["event"] == "statement_failed"]
    assert len(told) == 1, "a flood of mistakes must not become one of log lines"


async def test_a_submit_in_several_batches_is_answered_once_in_its_order(
    node: Node, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BATCH", 3)
    backwards: Any = Backwards()
    node.router._intake._verifier = backwards
    nursery.start_soon(node.router._intake._verify)  # a second one beside that of the node
    spoilt = bytearray(node.cast().data)
    spoilt[-1] ^= 1
    async with node.peer() as peer:
        answers = (await peer.submit(*[node.cast().data for _ in range(6)], bytes(spoilt))).answers
    assert [type(answer) for answer in answers] == [Proof] * 6 + [Refusal]
    assert backwards.ended[:2] == [2, 1]
    nursery.cancel_scope.cancel()


async def test_what_many_links_hand_in_meanwhile_is_verified_together(node: Node) -> None:
    counting: Any = Counting()
    node.router._intake._verifier = counting
    async with node.peer() as peer, node.peer(BUYER) as other:
        await peer.send(Submit(100, ((node.cast().data, None),)))
        await settle()
        for number in range(101, 104):
            await peer.send(Submit(number, ((node.cast().data, None),)))
            await other.send(Submit(number, ((node.cast().data, None),)))
        await settle()
        counting.go_on.set()
        assert isinstance((await peer.submit(node.cast().data)).answers[0], Proof)
        assert counting.batches[:2] == [1, 6]


async def test_nobody_verifies_for_a_link_that_is_gone(node: Node) -> None:
    counting: Any = Counting()
    node.router._intake._verifier = counting
    async with node.peer() as stays:
        await stays.send(Submit(100, ((node.cast().data, None),)))
        await settle()
        async with node.peer(BUYER) as leaves:
            await leaves.send(Submit(100, tuple((node.cast().data, None) for _ in range(10))))
            await settle()
        await settle()
        counting.go_on.set()
        assert isinstance((await stays.submit(node.cast().data)).answers[0], Proof)
        assert counting.batches == [1, 1]
