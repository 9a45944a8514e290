"""Submitting and resolving, against a server that says what the test tells it."""

# ruff: noqa: ARG001 - pytest-trio runs a test on the clock that the test takes as an argument

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from byway.errors import LinkError, Refused, RemoteProtocolError, StatementError
from byway.link.client import BATCH_BYTES, connect
from byway.protocol.frames import (
    Accepted,
    Answer,
    Credit,
    Refusal,
    Resolve,
    Submit,
    Unsubscribe,
)
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.limits import MAX_BATCH, SUBMIT_CREDIT
from byway.protocol.receipt import Receipt
from tests.link.parts import NODE, OTHER, SERVER, Asking, Ends, a_statement, accepted


def sequences(answers: list[Receipt | Refused]) -> list[int]:
    return [answer.sequence for answer in answers if isinstance(answer, Receipt)]


async def test_each_statement_gets_its_receipt_or_its_refusal(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    good, bad = a_statement(1), a_statement(2)
    async with connect(link) as client, trio.open_nursery() as nursery:
        asking = Asking(nursery, lambda: client.submit([good, bad]))
        submit = await server.expect(Submit)
        assert [data for data, _ in submit.items] == [good.data, bad.data]
        answer = accepted(submit)
        refusal = Refusal("store-full", "no room", 3000)
        await server.send(Accepted(answer.batch, answer.heads, (answer.answers[0], refusal)))
        receipt, refused = await asking.result()
    assert isinstance(receipt, Receipt)
    assert receipt.verify(good.id, bytes(SERVER.verify_key)).durable == "no"
    assert isinstance(refused, Refused)
    assert (refused.code, refused.temporary, refused.retry_after_ms) == ("store-full", True, 3000)


async def test_batches_are_answered_in_any_order(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    async with connect(link) as client, trio.open_nursery() as nursery:
        first = Asking(nursery, lambda: client.submit([a_statement(1)]))
        one = await server.expect(Submit)
        second = Asking(nursery, lambda: client.submit([a_statement(2)]))
        two = await server.expect(Submit)
        await server.send(accepted(two, 8))
        assert sequences(await second.result()) == [8]
        await server.send(accepted(one, 9))
        assert sequences(await first.result()) == [9]


async def test_many_statements_go_in_batches_and_come_back_in_order(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    statements = [a_statement(number) for number in range(MAX_BATCH + 3)]
    async with connect(link) as client, trio.open_nursery() as nursery:
        asking = Asking(nursery, lambda: client.submit(statements))
        batches = [await server.expect(Submit), await server.expect(Submit)]
        assert [len(batch.items) for batch in batches] == [MAX_BATCH, 3]
        await server.send(accepted(batches[1], 1 + MAX_BATCH))
        await server.send(accepted(batches[0], 1))
        answers = await asking.result()
    assert sequences(answers) == list(range(1, MAX_BATCH + 4))


async def test_credit_is_never_exceeded(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    statements = [a_statement(number, pad=30_000) for number in range(60)]  # about twice the credit
    async with connect(link) as client, trio.open_nursery() as nursery:
        asking = Asking(nursery, lambda: client.submit(statements))
        waiting = []
        with trio.move_on_after(1):
            while True:
                waiting.append(await server.expect(Submit))
        in_flight = sum(submit.size for submit in waiting)
        assert SUBMIT_CREDIT - BATCH_BYTES < in_flight <= SUBMIT_CREDIT
        sequence = 1
        while sequence <= len(statements):
            submit = waiting.pop(0) if waiting else await server.expect(Submit)
            await server.send(accepted(submit, sequence))
            sequence += len(submit.items)
        assert len(await asking.result()) == len(statements)


async def test_nothing_to_submit_is_nothing_to_say(ends: Ends, autojump_clock: MockClock) -> None:
    link, _ = ends
    async with connect(link) as client:
        assert await client.submit([]) == []


async def test_a_receipt_that_proves_something_else_ends_the_link(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    async with connect(link) as client, trio.open_nursery() as nursery:
        asking = Asking(nursery, lambda: client.submit([a_statement(1)]))
        submit = await server.expect(Submit)
        other = Submit(submit.batch, ((a_statement(2).data, None),))
        await server.send(accepted(other))
        with pytest.raises(RemoteProtocolError) as caught:
            await asking.result()
        assert caught.value.code == "bad-receipt"
        with pytest.raises(LinkError) as told:
            await server.link.receive()
        assert told.value.code == "bad-receipt"


async def test_a_receipt_by_another_node_is_none(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    async with connect(link) as client, trio.open_nursery() as nursery:
        asking = Asking(nursery, lambda: client.submit([a_statement(1)]))
        await server.send(accepted(await server.expect(Submit), key=OTHER))
        with pytest.raises(RemoteProtocolError, match="another node"):
            await asking.result()


async def test_a_lost_link_leaves_what_was_asked_unknown(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    async with connect(link) as client, trio.open_nursery() as nursery:
        submitting = Asking(nursery, lambda: client.submit([a_statement(1)]))
        resolving = Asking(nursery, lambda: client.resolve(NODE))
        await wait_all_tasks_blocked()
        await server.link.aclose("shutting-down", "back soon")
        with pytest.raises(LinkError, match="back soon") as caught:
            await submitting.result()
        assert caught.value.code == "shutting-down"
        with pytest.raises(LinkError, match="back soon"):
            await resolving.result()
        with pytest.raises(LinkError):
            await client.submit([a_statement(2)])


async def test_a_server_that_answers_what_nobody_asked_ends_the_link(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    async with connect(link) as client, trio.open_nursery() as nursery:
        asking = Asking(nursery, lambda: client.resolve(NODE))
        await server.expect(Resolve)
        await server.link._stream.send_all(
            server.link._connection.send(Answer(1, ())).replace(b"\x0e\x01", b"\x0e\x02")
        )
        with pytest.raises(LinkError) as caught:
            await asking.result()
        assert caught.value.code == "unexpected-frame"


async def test_a_name_resolves_to_signed_statements(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    statement = a_statement(1, key=OTHER)
    async with connect(link) as client, trio.open_nursery() as nursery:
        asking = Asking(nursery, lambda: client.resolve(NODE))
        query = await server.expect(Resolve)
        assert query.urn == NODE
        await server.send(Answer(query.query, (statement.data,)))
        assert await asking.result() == [statement]

        asking = Asking(nursery, lambda: client.resolve(NODE))
        query = await server.expect(Resolve)
        await server.send(Answer(query.query, ()))
        assert await asking.result() == []

        asking = Asking(nursery, lambda: client.resolve(NODE))
        query = await server.expect(Resolve)
        await server.send(RefusedFrame(Resolve.number, query.query, "not-served", "ask an authority"))
        with pytest.raises(Refused) as refused:
            await asking.result()
        assert (refused.value.code, refused.value.temporary) == ("not-served", False)

        asking = Asking(nursery, lambda: client.resolve(NODE))
        query = await server.expect(Resolve)
        await server.send(Answer(query.query, (statement.data[:-1] + bytes([statement.data[-1] ^ 1]),)))
        with pytest.raises(StatementError) as caught:
            await asking.result()
        assert caught.value.code == "bad-signature"


async def test_a_request_that_was_cancelled_does_not_take_the_answer_of_the_next(
    ends: Ends, autojump_clock: MockClock
) -> None:
    link, server = ends
    async with connect(link) as client, trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            await client.unsubscribe("s")
        asking = Asking(nursery, lambda: client.unsubscribe("s"))
        await server.expect(Unsubscribe)
        await server.expect(Unsubscribe)
        await server.send(RefusedFrame(Unsubscribe.number, "s", "busy", "later", 1000))
        await server.send(RefusedFrame(Unsubscribe.number, "s", "unknown-subscription", "no such"))
        with pytest.raises(Refused) as refused:
            await asking.result()
        assert refused.value.code == "unknown-subscription"


async def test_more_credit_lets_waiting_batches_go(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    statements = [a_statement(number, pad=30_000) for number in range(60)]
    async with connect(link) as client, trio.open_nursery() as nursery:
        asking = Asking(nursery, lambda: client.submit(statements))
        await wait_all_tasks_blocked()
        await server.send(Credit(None, 2 * SUBMIT_CREDIT))
        sequence = 1
        submits: list[Submit] = []
        while sum(len(submit.items) for submit in submits) < len(statements):
            submits.append(await server.expect(Submit))
        for submit in submits:
            await server.send(accepted(submit, sequence))
            sequence += len(submit.items)
        assert len(await asking.result()) == len(statements)
