"""Two ends of a link whose bytes are on their way, cut anywhere; what may be said, and what may not.

`tests/protocol/test_connection.py` has them hear each other at once; here their words cross.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from byway.errors import LocalProtocolError, RemoteProtocolError
from byway.protocol.codec import encode
from byway.protocol.connection import Connection, Role, State
from byway.protocol.frames import (
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
    Refusal,
    Refused,
    Resolve,
    Stamps,
    Start,
    Submit,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.limits import SUBMIT_CREDIT

START = Start((1,), "urn:byway:node:x", bytes(16))
HELLO = Hello(b"statement")
NO = Refusal("busy", "later", 1000)
BYE = Bye("shutting-down", "")

_few = st.integers(0, 2)
_subs = st.sampled_from(["a", "b"])
_submits = st.builds(lambda batch, size: Submit(batch, ((bytes(size), None),)), _few, st.sampled_from([0, 400_000]))
_subscribes = st.builds(
    Subscribe, _subs, st.just("open:**"), st.none(), st.just("all"), st.just("now"), st.just(1 << 40)
)
_delivers = st.builds(lambda sub, epoch, n: Deliver(sub, epoch, 0, 9, (Entry(n + 1, b"x"),)), _subs, _few, _few)

SAYINGS: dict[Role, st.SearchStrategy[Frame]] = {
    Role.CLIENT: st.one_of(
        st.sampled_from([START, HELLO, Ping(b"")]),
        _submits,
        _subscribes,
        st.builds(Unsubscribe, _subs),
        st.builds(Ack, _subs, _few, st.just(0), _few),
        st.builds(Credit, _subs, _few),
        st.builds(Resolve, _few, st.just("urn")),
    ),
    Role.SERVER: st.one_of(
        st.sampled_from([START, HELLO, Ping(b"")]),
        st.builds(Accepted, _few, st.just(()), st.sampled_from([(NO,), (NO, NO)])),
        st.builds(Subscribed, _subs, _few, st.just(())),
        st.builds(Ended, _subs, st.just("ended"), st.just("")),
        _delivers,
        st.builds(Acked, _subs, _few, st.just(0), _few),
        st.builds(Credit, st.none(), st.just(SUBMIT_CREDIT)),
        st.builds(Answer, _few, st.just(())),
        st.builds(Stamps, _few),
        st.builds(Refused, st.sampled_from([5, 7, 13]), st.just("a") | _few, st.just("busy"), st.just("")),
    ),
}


class LinkMachine(RuleBasedStateMachine):
    """While both say only what they may, neither finds fault, and when all is heard both know the same."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = {role: Connection(role) for role in Role}
        self.wires = dict.fromkeys(Role, b"")  # from this end, not arrived yet
        self.said: dict[Role, list[Frame]] = {role: [] for role in Role}
        self.heard: dict[Role, list[Frame]] = {role: [] for role in Role}  # by this end
        self.honest = True
        self.both_honest = True
        self.blamed_for = {"unexpected-frame", "credit-exceeded"}
        self.faults: dict[Role, RemoteProtocolError] = {}

    @initialize(opened=st.booleans(), both_honest=st.booleans())
    def begin(self, opened: bool, both_honest: bool) -> None:
        """Most of what can be said needs an open link."""
        self.both_honest = both_honest
        if opened or both_honest:
            order = [(Role.CLIENT, START), (Role.SERVER, START), (Role.SERVER, HELLO), (Role.CLIENT, HELLO)]
            for role, frame in [*order, (Role.SERVER, Credit(None, SUBMIT_CREDIT))]:
                self._say(role, frame)
                self._carry(role, len(self.wires[role]))
        else:
            self.blamed_for.add("frame-too-large")  # a large one, before the hello

    @rule(sub=_subs)
    def end(self, sub: str) -> None:
        self._say(Role.SERVER, Ended(sub, "ended", ""))

    @rule(sub=_subs, epoch=_few)
    def subscribe(self, sub: str, epoch: int) -> None:
        """Both say their part; the answer is on its way."""
        if self._say(Role.CLIENT, Subscribe(sub, "open:**", None, "all", "now", 1 << 40)):
            self._carry(Role.CLIENT, len(self.wires[Role.CLIENT]))
            self._say(Role.SERVER, Subscribed(sub, epoch, ()))

    @rule(data=st.data(), role=st.sampled_from(Role))
    def say(self, data: st.DataObject, role: Role) -> None:
        before = _known(self.ends[role])
        if not self._say(role, data.draw(SAYINGS[role])):
            assert _known(self.ends[role]) == before

    @precondition(lambda self: sum(map(len, self.said.values())) > 20)
    @rule(role=st.sampled_from(Role))
    def leave(self, role: Role) -> None:
        self._say(role, BYE)

    @precondition(lambda self: self.honest and not self.both_honest)
    @rule(data=st.data(), role=st.sampled_from(Role), theirs=st.booleans())
    def say_what_may_not_be_said(self, data: st.DataObject, role: Role, theirs: bool) -> None:
        """Without asking its own connection: frames of the other end, too early, twice."""
        frame = data.draw(SAYINGS[role.other if theirs else role])
        self.wires[role] += encode(frame)
        self.said[role].append(frame)
        self.honest = False

    @rule(role=st.sampled_from(Role), size=st.just(1 << 20) | st.integers(0, 30))
    def carry(self, role: Role, size: int) -> None:
        self._carry(role, size)

    @rule()
    def hear_all(self) -> None:
        for role in Role:
            self._carry(role, len(self.wires[role]))

    @invariant()
    def what_is_heard_was_said(self) -> None:
        for role in Role:
            heard = self.heard[role.other]
            assert heard == self.said[role][: len(heard)]

    @invariant()
    def who_was_honest_is_not_blamed(self) -> None:
        assert not (self.honest and self.faults)

    @invariant()
    def when_all_is_heard_both_know_the_same(self) -> None:
        client, server = self.ends[Role.CLIENT], self.ends[Role.SERVER]
        if self.honest and not any(self.wires.values()):
            assert client.state is server.state
            if client.state is not State.CLOSED:
                assert _known(client) == _known(server)

    @invariant()
    def after_a_fault_nothing_but_bye_is_left(self) -> None:
        for role, fault in self.faults.items():
            end = self.ends[role]
            assert end.state is State.CLOSED
            assert end.fault is not None
            assert (end.fault.code, str(end.fault)) == (fault.code, str(fault))
            assert end.fault is not fault, "what is kept is not raised"
            assert fault.code in self.blamed_for
            try:
                end.send(Ping(b""))
            except LocalProtocolError:
                continue
            raise AssertionError("it still talks")

    def _say(self, role: Role, frame: Frame) -> bool:
        try:
            self.wires[role] += self.ends[role].send(frame)
        except LocalProtocolError:
            return False
        self.said[role].append(frame)
        return True

    def _carry(self, role: Role, size: int) -> None:
        piece, self.wires[role] = self.wires[role][:size], self.wires[role][size:]
        other = self.ends[role.other]
        try:
            self.heard[role.other] += other.receive(piece)
        except RemoteProtocolError as error:
            self.faults[role.other] = error


def _known(end: Connection) -> tuple[Any, ...]:
    """What both ends keep count of, apart from what is delivered, of which the client alone keeps account."""
    flows = {sub: (flow.epoch, tuple(flow.asked)) for sub, flow in end._flows.items()}
    return end.state, end.submit_credit, dict(end._batches), set(end._queries), flows


TestLinkMachine = LinkMachine.TestCase
TestLinkMachine.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
