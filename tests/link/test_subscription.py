"""Subscriptions of a client, against a server that says what the test tells it."""

# ruff: noqa: ARG001 - pytest-trio runs a test on the clock that the test takes as an argument

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from byway.errors import LinkError, LocalProtocolError, Refused
from byway.link.client import Client, connect
from byway.link.subscription import ACK_EVERY_S, ACK_SHARE, Subscription
from byway.protocol.acknowledgement import Acknowledgement, acks_digest
from byway.protocol.frames import (
    Accepted,
    Ack,
    Acked,
    Deliver,
    Ended,
    Entry,
    Refusal,
    Submit,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.limits import SUBMIT_CREDIT
from byway.protocol.statement import parse_statement
from tests.link.parts import NODE, Asking, Ends, Scripted, a_statement, accepted


@asynccontextmanager
async def subscribed(
    ends: Ends, cursor: int = 0, credit: int = SUBMIT_CREDIT
) -> AsyncGenerator[tuple[Client, Subscription, Scripted]]:
    link, server = ends
    async with connect(link) as client, trio.open_nursery() as nursery:

        async def answer() -> None:
            asked = await server.expect(Subscribe)
            assert asked == Subscribe("s", "open:homes:**", ["known", "price"], "all", "oldest", credit)
            await server.send(Subscribed("s", 7, ((0, cursor),)))

        nursery.start_soon(answer)
        async with client.subscribe(
            "s", "open:homes:**", ["known", "price"], from_="oldest", credit=credit
        ) as subscription:
            yield client, subscription, server


def delivery(through: int, *numbers: int) -> Deliver:
    return Deliver("s", 7, 0, through, tuple(Entry(number, a_statement(number).data) for number in numbers))


async def expect_ack(server: Scripted, through: int) -> Ack:
    """The Ack that has come so far; there may be others on the way."""
    while (ack := await server.expect(Ack)).through < through:
        pass
    return ack


async def settle(server: Scripted, ack: Ack) -> Acknowledgement:
    """Make an Ack durable, and take the signed acknowledgement that follows."""
    await server.send(Acked("s", 7, 0, ack.through))
    submit = await server.expect(Submit)
    await server.send(accepted(submit))
    return Acknowledgement.from_statement(parse_statement(submit.items[0][0]))


async def test_what_is_delivered_is_acked_and_signed_for(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends, cursor=10) as (_, subscription, server):
        await server.send(delivery(14, 11, 13))
        for number in (11, 13):
            got = await subscription.receive()
            assert (got.sequence, got.journal, got.statement) == (number, 0, a_statement(number))
            subscription.ack(got)
        ack = await expect_ack(server, 14)
        assert ack == Ack("s", 7, 0, 14)
        signed = await settle(server, ack)
        await subscription.settled()
    assert (signed.router, signed.sub, signed.epoch, signed.journal) == (NODE, "s", 7, 0)
    assert (signed.after, signed.through, signed.refused) == (10, 14, ())
    assert signed.digest == acks_digest([(11, a_statement(11).id), (13, a_statement(13).id)])


async def test_ranges_of_acknowledgements_join(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends) as (_, subscription, server):
        ranges = []
        for number in (3, 9):
            await server.send(delivery(number + 2, number))
            subscription.ack(await subscription.receive())
            signed = await settle(server, await expect_ack(server, number + 2))
            ranges.append((signed.after, signed.through))
        assert ranges == [(0, 5), (5, 11)]


async def test_acks_within_a_moment_leave_together(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends) as (_, subscription, server):
        await server.send(delivery(3, 1, 2, 3))
        got = [await subscription.receive() for _ in range(3)]
        began = trio.current_time()
        subscription.ack(got[0])
        assert (await server.expect(Ack)).through == 1
        assert trio.current_time() == began
        subscription.ack(got[1])
        subscription.ack(got[2])
        assert (await server.expect(Ack)).through == 3
        assert trio.current_time() == pytest.approx(began + ACK_EVERY_S)


async def test_an_ack_leaves_at_once_when_a_share_of_the_credit_is_handled(
    ends: Ends, autojump_clock: MockClock
) -> None:
    size = len(a_statement(1).data)
    async with subscribed(ends, credit=2 * ACK_SHARE * size) as (_, subscription, server):
        await server.send(delivery(3, 1, 2, 3))
        got = [await subscription.receive() for _ in range(3)]
        began = trio.current_time()
        for each in got:
            subscription.ack(each)
            await wait_all_tasks_blocked()
        assert [(await server.expect(Ack)).through for _ in range(2)] == [1, 3]
        assert trio.current_time() == began


async def test_whoever_waits_to_be_settled_waits_for_no_further_ack(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends) as (_, subscription, server), trio.open_nursery() as nursery:
        await server.send(delivery(2, 1, 2))
        got = [await subscription.receive() for _ in range(2)]
        subscription.ack(got[0])
        assert (await server.expect(Ack)).through == 1
        began = trio.current_time()
        subscription.ack(got[1])
        nursery.start_soon(subscription.settled)
        await settle(server, await server.expect(Ack))
        assert trio.current_time() == began


async def test_deliveries_may_be_handled_in_any_order(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends) as (_, subscription, server):
        await server.send(delivery(9, 1, 2, 3))
        one, two, three = [await subscription.receive() for _ in range(3)]
        subscription.ack(three)
        assert await server.expect(Ack) == Ack("s", 7, 0, 0, (3,))
        subscription.ack(one)
        assert await server.expect(Ack) == Ack("s", 7, 0, 1, (3,))
        subscription.refuse(two, "bad-facet")
        ack = await server.expect(Ack)
        assert ack == Ack("s", 7, 0, 9, (), ((2, "bad-facet"),))
        signed = await settle(server, ack)
        assert (signed.through, signed.refused) == (9, ((2, "bad-facet"),))


async def test_a_refusal_has_a_code_that_is_known(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends) as (_, subscription, server):
        await server.send(delivery(1, 1))
        got = await subscription.receive()
        with pytest.raises(LocalProtocolError, match="is not a code"):
            subscription.refuse(got, "i do not like it")


async def test_what_expires_before_it_is_asked_for_is_refused_and_not_shown(
    ends: Ends, autojump_clock: MockClock
) -> None:
    async with subscribed(ends) as (_, subscription, server):
        await server.send(delivery(1, 1))
        await wait_all_tasks_blocked()
        ends[0].now_ms = lambda: a_statement(1).expires
        with trio.move_on_after(1):
            await subscription.receive()
            raise AssertionError("it was shown")
        assert (await expect_ack(server, 1)).refused == ((1, "expired"),)


async def test_a_bad_statement_is_refused_and_not_shown(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends) as (_, subscription, server):
        forged = a_statement(2).data[:-1] + b"\x00"
        entries = (Entry(1, b"nonsense"), Entry(2, forged), Entry(3, a_statement(3).data))
        await server.send(Deliver("s", 7, 0, 3, entries))
        assert (await subscription.receive()).sequence == 3
        ack = await server.expect(Ack)
        assert (ack.through, ack.refused) == (2, ((1, "malformed"), (2, "bad-signature")))


async def test_a_mark_of_progress_is_acked_but_not_signed_for(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends) as (_, subscription, server):
        await server.send(Deliver("s", 7, 0, 100, ()))
        assert await server.expect(Ack) == Ack("s", 7, 0, 100)
        await server.send(Acked("s", 7, 0, 100))
        await subscription.settled()
        with trio.move_on_after(10):
            await server.expect(Submit)
            pytest.fail("there was nothing to sign for")


async def test_a_repeat_is_not_shown_again_and_acked_again(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends) as (_, subscription, server):
        await server.send(delivery(2, 1, 2))
        one, two = await subscription.receive(), await subscription.receive()
        subscription.ack(one)
        assert (await server.expect(Ack)).through == 1
        await server.send(delivery(2, 1, 2))  # the Ack was not heard, and 2 takes long
        assert (await server.expect(Ack)).through == 1
        subscription.ack(two)
        assert (await server.expect(Ack)).through == 2
        with trio.move_on_after(0.5):
            await subscription.receive()
            pytest.fail("this was delivered before")


async def test_handling_gives_credit_back(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends, credit=1) as (_, subscription, server):  # one statement at a time
        for number in (1, 2, 3):
            await server.send(delivery(number, number))
            subscription.ack(await subscription.receive())
            assert (await server.expect(Ack)).through == number


async def test_a_server_that_delivers_beyond_the_credit_is_left(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends, credit=300) as (_, subscription, server):
        await server.send(delivery(9, 1, 2, 3, 4))
        await wait_all_tasks_blocked()
        with pytest.raises(LinkError) as caught:
            await subscription.receive()
        assert caught.value.code == "credit-exceeded"


async def test_an_owner_who_subscribes_elsewhere_is_told_here(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends) as (_, subscription, server):
        await server.send(Ended("s", "replaced", "the subscription was opened on another link"))
        with pytest.raises(Refused) as caught:
            async for _delivery in subscription:
                pass
        assert caught.value.code == "replaced"


async def test_unsubscribing_ends_the_subscription(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends) as (client, subscription, server), trio.open_nursery() as nursery:
        asking = Asking(nursery, lambda: client.unsubscribe("s"))
        await server.expect(Unsubscribe)
        await server.send(Ended("s", "ended", "the owner ended it"))
        await asking.result()
        with pytest.raises(Refused) as caught:
            await subscription.receive()
        assert caught.value.code == "ended"


async def test_a_refused_subscription_says_why(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    async with connect(link) as client, trio.open_nursery() as nursery:

        async def subscribe() -> None:
            async with client.subscribe("s", "open:**:x"):
                pytest.fail("it was refused")

        asking = Asking(nursery, subscribe)
        await server.expect(Subscribe)
        await server.send(RefusedFrame(Subscribe.number, "s", "bad-pattern", "** comes last"))
        with pytest.raises(Refused, match="comes last") as refused:
            await asking.result()
        assert refused.value.code == "bad-pattern"


async def test_leaving_the_block_settles_what_was_handled(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            await server.expect(Subscribe)
            await server.send(Subscribed("s", 7, ()), delivery(1, 1))
            signed = await settle(server, await server.expect(Ack))
            assert signed.through == 1

        nursery.start_soon(serve)
        began = trio.current_time()
        async with connect(link) as client, client.subscribe("s", "open:**") as subscription:
            subscription.ack(await subscription.receive())
        assert trio.current_time() - began < 0.1


async def test_leaving_the_block_waits_no_longer_than_a_second(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends) as (_, subscription, server):
        await server.send(delivery(1, 1))
        subscription.ack(await subscription.receive())
        began = trio.current_time()
    assert trio.current_time() == pytest.approx(began + 1, abs=0.01)


async def test_an_acknowledgement_that_is_put_off_is_made_again(ends: Ends, autojump_clock: MockClock) -> None:
    async with subscribed(ends) as (_, subscription, server):
        await server.send(delivery(1, 1))
        subscription.ack(await subscription.receive())
        await server.send(Acked("s", 7, 0, (await server.expect(Ack)).through))
        submit = await server.expect(Submit)
        await server.send(Accepted(submit.batch, (), (Refusal("busy", "later", 1000),)))
        again = await server.expect(Submit)
        assert again.items == submit.items
        await server.send(accepted(again))
