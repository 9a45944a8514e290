"""Handing in with stamps: when they are made, how much work they may cost, and that the loop goes on meanwhile."""

# ruff: noqa: ARG001 - pytest-trio runs a test on the clock that the test takes as an argument

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from byway.errors import Refused
from byway.link import minter as minting
from byway.link.client import connect
from byway.link.minter import Minter
from byway.protocol.frames import Accepted, Refusal, Stamps, Submit
from byway.protocol.receipt import Receipt
from byway.protocol.stamp import Stamp, bits_of
from tests.link.parts import SERVER, Asking, Ends, a_statement, accepted, random

NODE = bytes(SERVER.verify_key)
BUSY = Refusal("busy", "later", 1000)


def work(submit: Submit, place: int = 0) -> int:
    """The bits beside one statement of a Submit."""
    data, stamp = submit.items[place]
    (statement,) = [made for made in (a_statement(number) for number in range(4)) if made.data == data]
    return bits_of(stamp, NODE, statement.id) if stamp else 0


async def test_a_new_link_waits_to_hear_what_is_asked_before_it_hands_in(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    await server.send(Stamps(9))
    async with connect(link) as client, trio.open_nursery() as nursery:
        asking = Asking(nursery, lambda: client.submit([a_statement(1), a_statement(2)], minter=Minter(12, random)))
        submit = await server.expect(Submit)
        assert [work(submit, place) >= 9 for place in (0, 1)] == [True, True]
        await server.send(accepted(submit))
        assert all(isinstance(answer, Receipt) for answer in await asking.result())


async def test_what_is_busy_is_handed_in_once_more_with_a_stamp(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    async with connect(link) as client, trio.open_nursery() as nursery:
        asking = Asking(nursery, lambda: client.submit([a_statement(1), a_statement(2)], minter=Minter(12, random)))
        first = await server.expect(Submit)
        assert [stamp for _, stamp in first.items] == [None, None]
        answer = accepted(first)
        await server.send(Stamps(9), Accepted(first.batch, answer.heads, (answer.answers[0], BUSY)))
        again = await server.expect(Submit)
        assert [data for data, _ in again.items] == [a_statement(2).data]
        assert work(again) >= 9
        await server.send(Accepted(again.batch, (), (BUSY,)))
        taken, busy = await asking.result()
    assert isinstance(taken, Receipt)
    assert isinstance(busy, Refused)


@pytest.mark.parametrize("minter", [None, Minter(8, random)], ids=["no minter", "more than it may do"])
async def test_without_a_stamp_a_refusal_is_the_answer(
    ends: Ends, autojump_clock: MockClock, minter: Minter | None
) -> None:
    link, server = ends
    async with connect(link) as client, trio.open_nursery() as nursery:
        asking = Asking(nursery, lambda: client.submit([a_statement(1)], minter=minter))
        submit = await server.expect(Submit)
        await server.send(Stamps(9), Accepted(submit.batch, (), (BUSY,)))
        (refused,) = await asking.result()
    assert isinstance(refused, Refused)
    assert refused.code == "busy"


async def test_the_work_of_one_call_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def in_vain(node: bytes, statement_id: bytes, bits: int, *, start: int, tries: int) -> Stamp | None:
        tried.append(tries)
        return None

    monkeypatch.setattr(minting, "mint", in_vain)
    statements = [a_statement(number) for number in range(3)]
    assert await Minter(15, random).mint(statements, NODE, 15) == [None, None, None]
    assert sum(tried) == 1 << 17


async def test_the_loop_goes_on_while_a_stamp_is_made_and_cancelling_ends_it() -> None:
    """A stamp of 28 bits takes minutes; the thread gives up after the piece that it is in."""
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while turns < 20:
            turns += 1
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(turn)
            await Minter(28, random).mint([a_statement()], NODE, 28)
    assert turns == 20
