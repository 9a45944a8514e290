"""What one link is answered, and that nothing it says disturbs what else it has said, or anybody else."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
import trio
from structlog.testing import capture_logs

from byway.protocol.codec import encode
from byway.protocol.frames import (
    Accepted,
    Ack,
    Acked,
    Credit,
    Deliver,
    Ended,
    Frame,
    Ping,
    Pong,
    Proof,
    Refusal,
    Refused,
    Resolve,
    Submit,
    Subscribe,
    Unsubscribe,
)
from byway.protocol.limits import SUBMIT_CREDIT
from byway.protocol.receipt import Receipt
from byway.protocol.statement import parse_statement
from byway.protocol.urn import mailbox_urn
from byway.router.session import MAX_BAD_SIGNATURES, Session
from tests.router.bad_statements import bad_statements
from tests.router.node_in_memory import BUYER, NODE_KEY, Node, settle


def receipts(accepted: Accepted) -> list[Receipt | None]:
    return [
        Receipt(parse_statement(accepted.heads[answer.head]), answer.sequence, answer.path)
        if isinstance(answer, Proof)
        else None
        for answer in accepted.answers
    ]


async def test_each_bad_statement_is_refused_alone_and_logged_once(node: Node) -> None:
    bad = bad_statements(node)
    good = [node.cast() for _ in bad]
    batch = [
        data for pair in zip([data for _, data in bad], [cast.data for cast in good], strict=True) for data in pair
    ]
    async with node.peer() as peer:
        with capture_logs() as logs:
            accepted = await peer.submit(*batch)
        refused, proofs = accepted.answers[0::2], accepted.answers[1::2]
        assert [answer.code for answer in refused if isinstance(answer, Refusal)] == [code for code, _ in bad]
        for answer in refused:
            assert isinstance(answer, Refusal)
            assert 10 < len(answer.sentence) < 300
            assert answer.retry_after is None
        for cast, receipt in zip(good, receipts(accepted)[1::2], strict=True):
            assert receipt is not None
            receipt.verify(cast.id, bytes(NODE_KEY.verify_key))
        assert all(isinstance(answer, Proof) for answer in proofs)
        logged = {entry["code"]: entry["count"] for entry in logs if entry["event"] == "statement_refused"}
        assert logged == Counter(code for code, _ in bad)

        (again,) = (await peer.submit(node.cast().data)).answers
        assert isinstance(again, Proof)


async def test_statements_with_any_bit_turned_are_refused_and_the_link_goes_on(node: Node) -> None:
    chance = Random(7)  # noqa: S311 - to be repeated
    for _ in range(50):
        await trio.sleep(1)  # so many of them would be too many at once
        async with node.peer() as peer:
            good = node.cast(beds=["integer", 2, 2]).data
            spoilt = []
            for _ in range(MAX_BAD_SIGNATURES - 1):
                data = bytearray(good)
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
                spoilt.append(bytes(data[: chance.choice([len(data), len(data), chance.randrange(len(data))])]))
            accepted = await peer.submit(*spoilt, good)
            assert [isinstance(answer, Refusal) for answer in accepted.answers] == [True] * 9 + [False]


async def test_a_resubmission_gets_its_first_receipt_again(node: Node) -> None:
    cast, other = node.cast(), node.cast()
    async with node.peer() as peer:
        first = await peer.submit(cast.data)
        await peer.submit(other.data)
        twice = await peer.submit(cast.data, cast.data)
    assert receipts(twice) == receipts(first) * 2
    await node.stop()
    await node.start()
    async with node.peer() as peer:
        assert receipts(await peer.submit(cast.data)) == receipts(first)


async def test_a_submit_gives_its_credit_back(node: Node) -> None:
    casts = [node.cast(pad=30_000).data for _ in range(30)]
    assert 2 * sum(map(len, casts)) > SUBMIT_CREDIT
    async with node.peer() as peer:
        for _ in range(3):
            assert len((await peer.submit(*casts)).answers) == 30


async def late(statements: Sequence[bytes]) -> Sequence[bool]:
    await trio.sleep(1)
    return [True] * len(statements)


async def test_more_than_the_credit_ends_the_link_and_is_logged_once(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = Submit(1, tuple((node.cast(pad=30_000).data, None) for _ in range(30)))
    async with node.peer() as peer, node.peer(BUYER) as other:
        with monkeypatch.context() as slow, capture_logs() as logs:
            slow.setattr(node.router._intake._verifier, "verify", late)
            peer.link._connection._credit = 2 * SUBMIT_CREDIT  # a client that does not count
            await peer.send(submit, replace(submit, batch=2))
            await peer.is_left()
            await trio.sleep(2)
        assert peer.link.bye is not None
        assert peer.link.bye.code == "credit-exceeded"
        assert [entry["code"] for entry in logs if entry["log_level"] != "debug"] == ["credit-exceeded"]
        assert isinstance((await other.submit(node.cast().data)).answers[0], Proof)


@pytest.mark.parametrize("last_words", [b"", b"\xff" * 8])
async def test_a_closed_link_leaves_nothing_that_only_a_collection_would_free(
    node: Node, monkeypatch: pytest.MonkeyPatch, last_words: bytes
) -> None:
    """People open a link for each cast, and a collection stops all the others."""
    made: list[weakref.ref[object]] = []
    run = Session.run

    async def noted(session: Session) -> None:
        made.extend([weakref.ref(session), weakref.ref(session._link)])
        await run(session)

    monkeypatch.setattr(Session, "run", noted)
    gc.disable()
    try:
        for _ in range(10):
            async with node.peer() as peer:
                await peer.subscribe(pattern="open:elsewhere")
                await peer.submit(node.cast().data)
                await peer.link._stream.send_all(last_words)
                await settle()
            await settle()
        left = [each for each in made if each() is not None]
    finally:
        gc.enable()
    assert len(made) == 20
    assert len(left) <= 2, "what the event loop has done last"


@pytest.mark.parametrize(
    ("pattern", "filter_wire", "code"),
    [
        ("homes", None, "bad-pattern"),
        ("open:**:homes", None, "bad-pattern"),
        ("open:" + "x" * 5000, None, "bad-pattern"),
        ("", None, "bad-pattern"),
        ("open:**", ["maybe"], "bad-filter"),
        ("open:**", [">=", "beds", ["integer", 1, 2]], "bad-filter"),
        ("open:**", ["=", "beds", ["decimal", [10, 0], [10, 0]]], "bad-filter"),
        ("open:**", "beds > 2", "bad-filter"),
        ("open:**", {"a": 1}, "bad-filter"),
        ("open:**", ["and"], "bad-filter"),
        ("open:**", ["or", *[["known", "beds"]] * 33], "bad-filter"),
        ("open:**", ["in", "a", [["text", "x" * 200]] * 64], "bad-filter"),
        ("urn:byway:topic:open:homes", None, "bad-pattern"),
        (mailbox_urn(bytes(BUYER.verify_key)), None, "not-served"),
        ("urn:byway:mailbox:me", None, "not-served"),
    ],
)
async def test_a_subscription_that_cannot_be_is_refused_and_the_link_goes_on(
    node: Node, pattern: str, filter_wire: object, code: str
) -> None:
    async with node.peer() as peer:
        await peer.subscribe("running")
        with capture_logs() as logs:
            for sub in ("new", "running"):
                await peer.send(Subscribe(sub, pattern, filter_wire, "all", "cursor", 1000))
                refused = await peer.expect(Refused)
                assert (refused.frame, refused.subject, refused.code) == (Subscribe.number, sub, code)
                assert refused.sentence
                assert refused.retry_after is None
        assert [entry["code"] for entry in logs if "code" in entry] == [code] * 2
        await node.publish(node.cast())
        assert (await peer.expect(Deliver)).sub == "running"


async def test_a_filter_that_nests_without_end_is_refused(node: Node) -> None:
    deep: object = ["known", "beds"]
    for _ in range(12):
        deep = ["not", deep]
    async with node.peer() as peer:
        await peer.send(Subscribe("s", "open:**", deep, "all", "cursor", 1000))
        assert (await peer.expect(Refused)).code == "bad-filter"


async def test_a_key_has_so_many_subscriptions_and_no_more(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byway.router.subscriptions.MAX_SUBSCRIPTIONS", 8)
    async with node.peer() as peer, node.peer(BUYER) as other:
        for number in range(8):
            await peer.subscribe(f"s{number}", "open:homes")
        await peer.send(Subscribe("one more", "open:homes", None, "all", "cursor", 1000))
        assert (await peer.expect(Refused)).code == "too-many-subscriptions"
        await other.subscribe()  # another key has its own
        await peer.send(Unsubscribe("s7"))
        await peer.expect(Ended)
        await peer.subscribe("one more", "open:homes")


async def test_what_there_is_not_cannot_be_unsubscribed(node: Node) -> None:
    async with node.peer() as peer, node.peer(BUYER) as other:
        await other.subscribe("theirs")
        for sub in ("theirs", "nobody's"):
            with capture_logs() as logs:
                await peer.send(Unsubscribe(sub))
                refused = await peer.expect(Refused)
            assert (refused.subject, refused.code) == (sub, "unknown-subscription")
            assert [entry["code"] for entry in logs if "code" in entry] == ["unknown-subscription"]


async def test_a_router_does_not_answer_for_names(node: Node) -> None:
    async with node.peer() as peer:
        await peer.send(Resolve(1, "urn:byway:topic:open:homes"))
        refused = await peer.expect(Refused)
        assert (refused.frame, refused.subject, refused.code) == (Resolve.number, 1, "not-served")


async def test_acks_and_credit_for_what_there_is_not_are_ignored(node: Node) -> None:
    async with node.peer() as peer:
        subscribed = await peer.subscribe()
        await peer.send(
            Ack("nobody's", 1, 0, 5),
            Ack("s", subscribed.epoch + 1, 0, 5),
            Ack("s", subscribed.epoch, 7, 5),
            Credit("nobody's", 2**60),
        )
        await node.publish(node.cast())
        assert len((await peer.expect(Deliver)).entries) == 1


@pytest.mark.parametrize(
    ("noise", "code"),
    [
        (b"\0\0\0\1\xc1", "bad-frame"),
        (b"\0\0\0\2\x91\x09", "bad-frame"),
        (b"\0\0\0\5\x94\x0b\xa1s\1\1", "bad-frame"),
        (b"\x10\0\0\0", "frame-too-large"),
        (encode(Acked("s", 1, 0, 1)), "unexpected-frame"),
        (encode(Deliver("s", 1, 0, 1, ())), "unexpected-frame"),
        (encode(Credit(None, 1)), "unexpected-frame"),
    ],
)
async def test_what_a_client_may_not_say_ends_its_link_and_is_logged_once(node: Node, noise: bytes, code: str) -> None:
    before = [Subscribe(sub, "open:**", None, "all", "cursor", 1000) for sub in "abc"]
    async with node.peer() as peer, node.peer(BUYER) as other:
        with capture_logs() as logs:
            await peer.link._stream.send_all(b"".join(map(peer.link._connection.send, before)) + noise)
            await peer.is_left()
            await trio.sleep(2)  # the router waits a moment for us to have heard it
        assert peer.link.bye is not None
        assert peer.link.bye.code == code
        assert [entry["code"] for entry in logs if entry["log_level"] != "debug"] == [code]
        assert isinstance((await other.submit(node.cast().data)).answers[0], Proof)


async def test_signs_of_life_are_answered(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    async with node.peer() as peer:
        heard: list[Frame] = []
        take = peer.link._take

        def note(frame: Frame) -> bool:
            heard.append(frame)
            return take(frame)

        monkeypatch.setattr(peer.link, "_take", note)
        await peer.send(Ping(b"there?"))
        await peer.submit(node.cast().data)
        assert Pong(b"there?") in heard


async def test_an_expired_cast_is_not_taken_even_again(node: Node) -> None:
    cast = node.cast(lifetime_ms=1000)
    async with node.peer() as peer:
        assert isinstance((await peer.submit(cast.data)).answers[0], Proof)
        await trio.sleep(1)
        (answer,) = (await peer.submit(cast.data)).answers
    assert isinstance(answer, Refusal)
    assert answer.code == "expired"
