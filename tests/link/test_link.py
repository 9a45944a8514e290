"""One open link: order, signs of life, and how it ends."""

# ruff: noqa: ARG001 - pytest-trio runs a test on the clock that the test takes as an argument

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from byway.errors import LinkError, LocalProtocolError, RemoteProtocolError
from byway.link.link import Link
from byway.protocol.frames import Ack, Bye, Credit, Ended, Ping, Pong, Resolve, Subscribe, Subscribed
from byway.protocol.limits import PING_AFTER_S, PONG_WITHIN_S
from tests.link.parts import CLIENT, SERVER, Ends


async def test_both_ends_know_whom_they_talk_to(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    assert link.peer == bytes(SERVER.verify_key)
    assert server.link.peer == bytes(CLIENT.verify_key)


async def test_frames_of_many_tasks_arrive_whole_and_in_order(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    async with trio.open_nursery() as nursery:
        for query in range(50):
            nursery.start_soon(link.send, Resolve(query, "urn" * query))
        got = [await server.expect(Resolve) for _ in range(50)]
    assert {frame.query: frame.urn for frame in got} == {query: "urn" * query for query in range(50)}


async def test_a_frame_that_is_not_ours_to_send_is_refused_here_and_those_before_it_are_sent(
    ends: Ends, autojump_clock: MockClock
) -> None:
    link, server = ends
    with pytest.raises(LocalProtocolError) as caught:
        await link.send_many([Resolve(1, "a"), Ended("s", "ended", ""), Resolve(2, "b")])
    assert caught.value.code == "unexpected-frame"
    assert (await server.expect(Resolve)).query == 1
    await link.send(Resolve(2, "b"))
    assert (await server.expect(Resolve)).query == 2


async def test_the_word_of_the_end_that_leaves_is_the_reason_for_the_other(
    ends: Ends, autojump_clock: MockClock
) -> None:
    link, server = ends
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.link.aclose, "shutting-down", "the operator stops the node", 5000)
        assert await link.receive() == [Credit(None, 1_048_576)]
        with pytest.raises(LinkError) as caught:
            await link.receive()
        assert caught.value.code == "shutting-down"
        assert "the operator stops the node" in str(caught.value)
        assert link.bye == Bye("shutting-down", "the operator stops the node", 5000)
        with pytest.raises(LinkError):
            await link.send(Resolve(1, "a"))


async def test_a_code_that_is_not_known_here_is_a_lost_link(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.link._leave, Bye("from-the-future", "new reasons"))
        await link.receive()
        with pytest.raises(LinkError, match="new reasons") as caught:
            await link.receive()
        assert caught.value.code == "link-lost"
        await link.aclose()


async def test_who_breaks_the_rules_gets_bye_with_the_code(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    await link._stream.send_all(b"\xff\xff\xff\xff and more")
    with pytest.raises(RemoteProtocolError) as caught:
        await server.link.receive()
    assert caught.value.code == "frame-too-large"
    await link.receive()
    with pytest.raises(LinkError) as told:
        await link.receive()
    assert told.value.code == "frame-too-large"


async def test_frames_before_the_fault_are_still_received(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    good = link._connection.send(Resolve(1, "a"))
    await link._stream.send_all(good + b"\x00\x00\x00\x01\xc1")
    assert await server.link.receive() == [Resolve(1, "a")]
    with pytest.raises(LinkError) as told:
        await server.send(Ended("s", "ended", ""))
    assert told.value.code == "bad-frame"
    with pytest.raises(RemoteProtocolError, match="not one msgpack value"):
        await server.link.receive()


async def test_a_stream_that_ends_without_a_word_is_a_lost_link(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    await link.receive()
    await trio.aclose_forcefully(server.link._stream)
    with pytest.raises(LinkError) as caught:
        await link.receive()
    assert caught.value.code == "link-lost"


async def test_whoever_waits_is_told_when_the_link_is_closed_here(ends: Ends, autojump_clock: MockClock) -> None:
    link, _server = ends
    async with trio.open_nursery() as nursery:

        async def wait() -> None:
            await link.receive()
            with pytest.raises(LinkError, match="closed here"):
                await link.receive()

        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        await link.aclose()


async def test_silence_is_asked_about_and_the_answer_keeps_the_link(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    async with trio.open_nursery() as nursery:
        await link.receive()
        nursery.start_soon(_receive_nothing, link)
        nursery.start_soon(_receive_nothing, server.link)
        await trio.sleep(10 * PING_AFTER_S)
        assert trio.current_time() - link._quiet_since() <= PING_AFTER_S  # nobody sent a frame: an answer came
        await server.send(Credit(None, 1))
        await link.send(Resolve(1, "a"))
        nursery.cancel_scope.cancel()


async def _receive_nothing(link: Link) -> None:
    await link.receive()


async def test_silence_without_an_answer_ends_the_link(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    await link.receive()
    began = trio.current_time()  # nobody receives at the server's end, so nobody answers there
    with pytest.raises(LinkError) as caught:
        await link.receive()
    assert caught.value.code == "idle"
    assert trio.current_time() == pytest.approx(began + PING_AFTER_S + PONG_WITHIN_S, abs=0.01)
    with pytest.raises(LinkError) as told:
        await server.link.receive()
    assert told.value.code == "idle"


async def test_who_waits_to_receive_is_told_in_time_that_nothing_can_be_sent_any_more(
    ends: Ends, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, _ = ends
    await link.receive()

    async def fail(_: bytes) -> None:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    monkeypatch.setattr(link._stream, "send_all", fail)
    began = trio.current_time()
    told: list[str] = []

    async def receive() -> None:
        with pytest.raises(LinkError) as caught:
            await link.receive()
        told.append(caught.value.code)

    with trio.fail_after(10 * PING_AFTER_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await wait_all_tasks_blocked()
            with pytest.raises(LinkError):
                await link.send(Resolve(1, "a"))
    assert told == ["link-lost"]
    assert trio.current_time() <= began + PING_AFTER_S + PONG_WITHIN_S


async def test_silence_means_nothing_while_nobody_listens(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    await trio.sleep(10 * PING_AFTER_S)
    await link.send(Resolve(1, "a"))
    assert await server.expect(Resolve)


async def test_a_ping_that_comes_before_the_link_is_kept_alive_is_answered_then(
    ends: Ends, autojump_clock: MockClock
) -> None:
    link, server = ends
    server.link._keeper = None
    await link.send_many([Ping(b"early"), Resolve(1, "a")])
    assert await server.link.receive() == [Resolve(1, "a")]
    async with trio.open_nursery() as nursery:
        server.link.keep_alive(nursery)
        with trio.fail_after(1):
            while Pong(b"early") not in link._connection.receive(bytes(await link._stream.receive_some())):
                pass
        nursery.cancel_scope.cancel()


async def test_pings_without_end_cost_one_answer_at_a_time(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    await link._stream.send_all(b"".join(link._connection.send(Ping(b"")) for _ in range(100)))
    await link.send(Resolve(1, "a"))
    assert await server.expect(Resolve)
    assert server.link._keeper is not None
    assert len(server.link._keeper.child_tasks) <= 2  # one watches, one answers


async def test_closing_takes_no_longer_than_a_second(ends: Ends, autojump_clock: MockClock) -> None:
    _link, server = ends
    began = trio.current_time()
    await server.link.aclose()  # the client does not read, so the server waits for its end in vain
    assert trio.current_time() == pytest.approx(began + 1)


async def test_a_send_cut_off_by_cancelling_ends_the_link(ends: Ends, autojump_clock: MockClock) -> None:
    link, _server = ends
    with trio.CancelScope() as scope:
        scope.cancel()
        await link._write(b"half a fr")
    with pytest.raises(LinkError, match="cut off here"):
        await link.send(Resolve(1, "a"))


async def test_a_send_that_was_cancelled_before_it_began_changes_nothing(ends: Ends, autojump_clock: MockClock) -> None:
    link, _ = ends
    with trio.CancelScope() as scope:
        scope.cancel()
        await link.send(Ping(b"never"))
    assert scope.cancelled_caught
    await link.send(Ping(b"ping"))


async def test_cancelling_receive_changes_nothing(ends: Ends, autojump_clock: MockClock) -> None:
    link, server = ends
    await link.receive()
    with trio.CancelScope() as scope:
        scope.cancel()
        await link.receive()
    await link.send(Subscribe("s", "open:**", None, "all", "now", 1))
    await server.expect(Subscribe)
    await server.send(Subscribed("s", 1, ()))
    assert await link.receive() == [Subscribed("s", 1, ())]
    await link.send(Ack("s", 1, 0, 0))
