"""What may be said on a link, when, and by which end."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from byway.errors import LocalProtocolError, RemoteProtocolError
from byway.protocol.codec import encode
from byway.protocol.connection import Connection, Role, State
from byway.protocol.frames import (
    FRAMES,
    Accepted,
    Ack,
    Acked,
    Answer,
    Bye,
    Credit,
    Deliver,
    Ended,
    Entry,
    Frame,
    Hello,
    Ping,
    Pong,
    Refusal,
    Refused,
    Resolve,
    Start,
    Submit,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.limits import MAX_OPENING_FRAME_BYTES, SUBMIT_CREDIT
from tests.strategies.frames import FRAMES as STRATEGIES
from tests.strategies.frames import frames

START = Start((1,), "urn:byway:node:x", b"n" * 16)
HELLO = Hello(b"statement")
CREDIT = Credit(None, SUBMIT_CREDIT)
NO = Refusal("busy", "later", 1000)


class Pair:
    """Two connections that talk to each other."""

    def __init__(self) -> None:
        self.client = Connection(Role.CLIENT)
        self.server = Connection(Role.SERVER)

    def end(self, role: Role) -> Connection:
        return self.client if role is Role.CLIENT else self.server

    def say(self, role: Role, *said: Frame) -> None:
        """`role` sends these, and the other end receives them."""
        for frame in said:
            assert self.end(role.other).receive(self.end(role).send(frame)) == [frame]

    def open(self) -> Pair:
        self.say(Role.CLIENT, START)
        self.say(Role.SERVER, START, HELLO)
        self.say(Role.CLIENT, HELLO)
        self.say(Role.SERVER, CREDIT)
        return self

    def subscribe(self, credit: int = 1000, epoch: int = 1) -> Pair:
        self.say(Role.CLIENT, Subscribe("s", "open:**", None, "all", "oldest", credit))
        self.say(Role.SERVER, Subscribed("s", epoch, ((0, 0),)))
        return self

    def refuses(self, role: Role, frame: Frame, code: str = "unexpected-frame") -> None:
        """`role` may not send this: it cannot, and the other end does not take it."""
        with pytest.raises(LocalProtocolError) as local:
            self.end(role).send(frame)
        assert local.value.code == code
        self.fails(role, frame, code)

    def fails(self, role: Role, frame: Frame, code: str) -> None:
        """The other end does not take this from `role`."""
        other = copy.deepcopy(self.end(role.other))
        with pytest.raises(RemoteProtocolError) as remote:
            other.receive(encode(frame))
        assert remote.value.code == code
        assert other.state is State.CLOSED
        with pytest.raises(RemoteProtocolError):
            other.receive(b"")
        other.send(Bye(code, "so it ends"))


def submit(batch: int, *sizes: int) -> Submit:
    return Submit(batch, tuple((bytes(size), None) for size in sizes))


def deliver(through: int, *entries: tuple[int, int], epoch: int = 1) -> Deliver:
    return Deliver("s", epoch, 0, through, tuple(Entry(sequence, bytes(size)) for sequence, size in entries))


def test_the_opening_goes_in_turns() -> None:
    pair = Pair()
    pair.refuses(Role.SERVER, START)
    pair.refuses(Role.CLIENT, HELLO)
    pair.say(Role.CLIENT, START)
    pair.refuses(Role.CLIENT, START)
    pair.refuses(Role.CLIENT, HELLO)
    pair.say(Role.SERVER, START)
    pair.refuses(Role.CLIENT, HELLO)
    assert pair.client.state is State.HELLO
    pair.say(Role.SERVER, HELLO)
    pair.refuses(Role.SERVER, CREDIT)
    pair.refuses(Role.CLIENT, Ping(b""))
    pair.say(Role.CLIENT, HELLO)
    assert Pair().open().server.state is State.OPEN


def test_the_server_begins_with_credit() -> None:
    pair = Pair()
    pair.say(Role.CLIENT, START)
    pair.say(Role.SERVER, START, HELLO)
    pair.say(Role.CLIENT, HELLO)
    pair.refuses(Role.SERVER, Ping(b""))
    pair.refuses(Role.SERVER, Credit(None, SUBMIT_CREDIT - 1))
    pair.refuses(Role.SERVER, Credit("s", SUBMIT_CREDIT))
    pair.say(Role.CLIENT, Ping(b""))
    pair.say(Role.SERVER, CREDIT, Pong(b""))


@given(st.sampled_from(list(Role)), st.data())
@settings(max_examples=60)
def test_before_the_hellos_nothing_else_is_taken(role: Role, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([kind for kind in FRAMES.values() if kind not in {Start, Hello, Bye}]))
    Pair().refuses(role, data.draw(STRATEGIES[kind]))


def test_large_frames_wait_for_both_hellos() -> None:
    pair = Pair()
    pair.refuses(Role.CLIENT, Start((1,), "x" * MAX_OPENING_FRAME_BYTES, b"n" * 16), "frame-too-large")
    pair.open()
    pair.say(Role.CLIENT, submit(1, MAX_OPENING_FRAME_BYTES))


def test_frames_that_come_with_the_hello_may_be_large() -> None:
    pair = Pair()
    pair.say(Role.CLIENT, START)
    pair.say(Role.SERVER, START, HELLO)
    large = Subscribe("s", "x" * MAX_OPENING_FRAME_BYTES, None, "all", "now", 1)
    assert pair.server.receive(pair.client.send(HELLO) + pair.client.send(large)) == [HELLO, large]


def test_bye_ends_every_state() -> None:
    for prepared in (Pair(), Pair().open()):
        for role in Role:
            pair = copy.deepcopy(prepared)
            pair.say(role, Bye("shutting-down", "the end"))
            assert pair.client.state is pair.server.state is State.CLOSED
            pair.refuses(role, Bye("shutting-down", "again"))
            with pytest.raises(LocalProtocolError, match="has left"):
                pair.end(role.other).send(Ping(b""))
            pair.end(role.other).send(Bye("shutting-down", "me too"))


def test_what_is_on_its_way_when_we_leave_is_no_violation() -> None:
    pair = Pair().open()
    on_its_way = pair.client.send(Ping(b""))
    pair.server.send(Bye("shutting-down", "the end"))
    assert pair.server.receive(on_its_way) == [Ping(b"")]


def test_submits_are_within_credit_and_answers_give_it_back() -> None:
    pair = Pair().open()
    half = SUBMIT_CREDIT // 2
    pair.say(Role.CLIENT, submit(1, half))
    pair.say(Role.CLIENT, submit(2, half - 400))
    assert pair.client.submit_credit == pair.server.submit_credit == 400
    pair.refuses(Role.CLIENT, submit(3, 200, 201), "credit-exceeded")
    pair.say(Role.CLIENT, submit(3, 200, 200))
    pair.say(Role.SERVER, Accepted(2, (), (NO,)))
    assert pair.client.submit_credit == half - 400
    pair.say(Role.SERVER, Credit(None, 7))
    assert pair.client.submit_credit == half - 393


def test_a_batch_is_answered_once_and_whole() -> None:
    pair = Pair().open()
    pair.say(Role.CLIENT, submit(1, 10), submit(2, 10, 10))
    pair.refuses(Role.CLIENT, submit(2, 10))
    pair.refuses(Role.SERVER, Accepted(2, (), (NO,)))
    pair.refuses(Role.SERVER, Accepted(3, (), (NO,)))
    pair.refuses(Role.SERVER, Refused(Submit.number, 2, "busy", "no"))
    pair.say(Role.SERVER, Accepted(2, (), (NO, NO)), Accepted(1, (), (NO,)))
    pair.refuses(Role.SERVER, Accepted(1, (), (NO,)))
    pair.say(Role.CLIENT, submit(2, 10))


def test_a_query_is_answered_once() -> None:
    pair = Pair().open()
    pair.say(Role.CLIENT, Resolve(1, "a"), Resolve(2, "b"))
    pair.refuses(Role.CLIENT, Resolve(1, "c"))
    pair.refuses(Role.SERVER, Answer(3, ()))
    pair.say(Role.SERVER, Answer(2, ()), Refused(Resolve.number, 1, "not-served", "ask another"))
    pair.refuses(Role.SERVER, Answer(1, ()))
    pair.refuses(Role.SERVER, Refused(Resolve.number, "1", "not-served", "ask another"))
    pair.say(Role.CLIENT, Resolve(1, "c"))


def test_only_what_was_subscribed_is_delivered() -> None:
    pair = Pair().open()
    pair.refuses(Role.SERVER, deliver(1))
    pair.refuses(Role.SERVER, Subscribed("s", 1, ()))
    pair.refuses(Role.SERVER, Ended("s", "ended", ""))
    pair.subscribe()
    pair.refuses(Role.SERVER, Subscribed("s", 2, ()))
    pair.refuses(Role.SERVER, deliver(1, epoch=2))
    pair.say(Role.SERVER, deliver(1), Ended("s", "replaced", "elsewhere"))
    pair.refuses(Role.SERVER, deliver(1))
    pair.refuses(Role.SERVER, Ended("s", "ended", ""))


def test_what_crosses_the_end_of_a_subscription_is_no_violation() -> None:
    pair = Pair().open().subscribe()
    pair.say(Role.SERVER, Ended("s", "replaced", "elsewhere"))
    pair.say(Role.CLIENT, Ack("s", 1, 0, 1), Credit("s", 10), Unsubscribe("s"))
    pair.say(Role.SERVER, Acked("s", 1, 0, 1), Refused(Unsubscribe.number, "s", "unknown-subscription", ""))


def test_a_refused_subscription_is_none() -> None:
    pair = Pair().open()
    pair.refuses(Role.SERVER, Refused(Subscribe.number, "s", "bad-pattern", ""))
    pair.say(Role.CLIENT, Subscribe("s", "open:**:x", None, "all", "now", 1))
    pair.say(Role.SERVER, Refused(Subscribe.number, "s", "bad-pattern", ""))
    pair.refuses(Role.SERVER, Subscribed("s", 1, ()))


def test_subscribing_again_begins_a_new_epoch_when_it_is_answered() -> None:
    pair = Pair().open().subscribe()
    pair.say(Role.CLIENT, Subscribe("s", "open:x:**", None, "all", "now", 10))
    pair.say(Role.SERVER, deliver(1, (1, 500)), Ended("s", "replaced", "by another link, at the same time"))
    pair.say(Role.SERVER, Subscribed("s", 3, ()))
    pair.refuses(Role.SERVER, deliver(2, epoch=1))
    pair.say(Role.SERVER, deliver(2, (2, 10), epoch=3))
    pair.fails(Role.SERVER, deliver(3, (3, 1), epoch=3), "credit-exceeded")


def test_the_client_sees_when_it_is_delivered_more_than_its_credit() -> None:
    pair = Pair().open().subscribe(credit=1000)
    pair.say(Role.SERVER, deliver(3, (1, 400), (2, 600)))
    too_much = deliver(4, (4, 1))
    pair.fails(Role.SERVER, too_much, "credit-exceeded")
    pair.say(Role.SERVER, deliver(3, (1, 400)))  # a repeat is in flight once
    pair.say(Role.CLIENT, Ack("s", 1, 0, 0, (), ((2, "bad-body"),)))
    pair.say(Role.SERVER, deliver(4, (2, 600), (4, 600)))  # sent before the Ack of 2 arrived
    pair.fails(Role.SERVER, deliver(5, (5, 1)), "credit-exceeded")
    pair.say(Role.CLIENT, Ack("s", 9, 0, 4))  # of another epoch
    pair.fails(Role.SERVER, deliver(5, (5, 1)), "credit-exceeded")
    pair.say(Role.CLIENT, Ack("s", 1, 0, 1, (4,)))
    pair.say(Role.SERVER, deliver(5, (5, 1000)))
    pair.say(Role.CLIENT, Credit("s", 5))
    pair.say(Role.SERVER, deliver(6, (6, 5)))
    pair.fails(Role.SERVER, deliver(7, (7, 1)), "credit-exceeded")


def test_credit_that_is_given_before_the_answer_counts_for_what_was_asked() -> None:
    pair = Pair().open().subscribe(credit=10)
    pair.say(Role.CLIENT, Subscribe("s", "open:x:**", None, "all", "now", 10), Credit("s", 990))
    pair.say(Role.SERVER, Subscribed("s", 2, ()))
    pair.say(Role.SERVER, deliver(2, (1, 500), (2, 500), epoch=2))
    pair.fails(Role.SERVER, deliver(3, (3, 1), epoch=2), "credit-exceeded")


def test_one_statement_is_always_allowed() -> None:
    pair = Pair().open().subscribe(credit=0)
    pair.say(Role.SERVER, deliver(1, (1, 5000)))
    pair.fails(Role.SERVER, deliver(2, (2, 1)), "credit-exceeded")
    pair.say(Role.CLIENT, Ack("s", 1, 0, 1))
    pair.say(Role.SERVER, deliver(2, (2, 5000)))


def test_journals_are_counted_together_and_acked_apart() -> None:
    pair = Pair().open().subscribe(credit=10)
    pair.say(Role.SERVER, deliver(1, (1, 5)), Deliver("s", 1, 1, 1, (Entry(1, bytes(5)),)))
    pair.say(Role.CLIENT, Ack("s", 1, 1, 1))
    pair.say(Role.SERVER, deliver(2, (2, 5)))
    pair.fails(Role.SERVER, deliver(3, (3, 1)), "credit-exceeded")


def test_frames_before_the_fault_are_given_first() -> None:
    pair = Pair().open()
    assert pair.server.receive(pair.client.send(Ping(b"1")) + encode(START)) == [Ping(b"1")]
    assert pair.server.fault is not None
    assert pair.server.state is State.CLOSED
    with pytest.raises(RemoteProtocolError, match="may not send Start"):
        pair.server.receive(b"")


def _heard(connection: Connection, parts: list[bytes]) -> tuple[list[Frame], str]:
    seen: list[Frame] = []
    try:
        for part in parts:
            seen += connection.receive(part)
        seen += connection.receive(b"")
    except RemoteProtocolError as error:
        return seen, error.code
    return seen, ""


@given(st.lists(frames.map(encode) | st.binary(max_size=30), max_size=5), st.booleans(), st.sampled_from(list(Role)))
def test_how_the_bytes_are_cut_does_not_matter(parts: list[bytes], opened: bool, role: Role) -> None:
    pair = Pair().open() if opened else Pair()
    whole = b"".join(parts)
    expected = _heard(copy.deepcopy(pair.end(role)), [whole])
    assert _heard(pair.end(role), [whole[at : at + 1] for at in range(len(whole))]) == expected
    assert expected[1] in {"", "bad-frame", "frame-too-large", "unexpected-frame", "credit-exceeded"}


_few = st.integers(0, 2)
_subs = st.sampled_from(["a", "b"])
_refused: st.SearchStrategy[tuple[int, int | str]] = st.sampled_from(
    [(5, "a"), (5, "b"), (7, "a"), (13, 0), (13, 1), (13, "a"), (3, 1)]
)
_talk = st.one_of(
    st.sampled_from([START, HELLO, CREDIT, Ping(b""), Pong(b"")]),
    st.builds(submit, _few, st.integers(0, SUBMIT_CREDIT // 2)),
    st.builds(Accepted, _few, st.just(()), st.sampled_from([(NO,), (NO, NO)])),
    st.builds(Subscribe, _subs, st.just("open:**"), st.none(), st.just("all"), st.just("now"), _few),
    st.builds(Subscribed, _subs, _few, st.just(())),
    st.builds(Unsubscribe, _subs),
    st.builds(Ended, _subs, st.just("ended"), st.just("")),
    st.builds(Deliver, _subs, _few, st.just(0), st.just(9), st.builds(lambda n: (Entry(n + 1, b"x"),), _few)),
    st.builds(Ack, _subs, _few, st.just(0), _few),
    st.builds(Acked, _subs, _few, st.just(0), _few),
    st.builds(Credit, st.none() | _subs, _few),
    st.builds(Resolve, _few, st.just("urn")),
    st.builds(Answer, _few, st.just(())),
    _refused.map(lambda about: Refused(about[0], about[1], "busy", "")),
)


class Talk(RuleBasedStateMachine):
    """Two ends that say anything: what one may send the other takes, and what it may not the other refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()

    @rule()
    def open(self) -> None:
        if self.pair.client._own.state is self.pair.server._own.state is State.START:
            self.pair.open()

    @rule(role=st.sampled_from(list(Role)), frame=_talk)
    def say(self, role: Role, frame: Frame) -> None:
        sender, receiver = self.pair.end(role), self.pair.end(role.other)
        try:
            data = copy.deepcopy(sender).send(frame)
        except LocalProtocolError as error:
            self.pair.refuses(role, frame, error.code)
            return
        try:
            copy.deepcopy(receiver).receive(data)
        except RemoteProtocolError as error:
            # The client alone keeps the account of what is delivered to it.
            assert isinstance(frame, Deliver)
            assert error.code == "credit-exceeded"  # noqa: PT017 - it may be taken as well
            return
        self.pair.say(role, frame)

    @invariant()
    def both_ends_count_the_same(self) -> None:
        client, server = self.pair.client, self.pair.server
        assert client.state is server.state
        assert client.submit_credit == server.submit_credit


Talk.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestTalk = Talk.TestCase
