"""The connection: what may be said on a link, when, and by which end (wire-protocol section 8).

`TABLE` says it: for each end and each of its states, how far the other end must have come and which
frames are allowed.  `_RULES` says what a frame does to the few things both ends count: batches and
queries that wait for their answer, credit, subscriptions.  Table and rules are the same for both ends:
a peer that breaks them is a `RemoteProtocolError`, we ourselves a `LocalProtocolError`.

There is no I/O here and no clock.  Received frames are the events; there are no others.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple

from byway.errors import LocalProtocolError, RemoteProtocolError
from byway.protocol.codec import Decoder, encode
from byway.protocol.flow import Flow
from byway.protocol.frames import (
    Accepted,
    Ack,
    Acked,
    Answer,
    Bye,
    Credit,
    Deliver,
    Ended,
    Frame,
    Hello,
    Ping,
    Pong,
    Refused,
    Resolve,
    Stamps,
    Start,
    Submit,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.limits import MAX_FRAME_BYTES, MAX_OPENING_FRAME_BYTES, SUBMIT_CREDIT


class Role(enum.Enum):
    """Which end: the client opened the link."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def other(self) -> Role:
        return Role.SERVER if self is Role.CLIENT else Role.CLIENT


class State(enum.IntEnum):
    """How far one end has come: nothing said; Start said; Hello said; Bye said."""

    START = 0
    HELLO = 1
    OPEN = 2
    CLOSED = 3


class Turn(NamedTuple):
    """What an end may send in one state, once the other end has come to `after`."""

    after: State
    frames: frozenset[type[Frame]]


# Bye may end every state and waits for nobody.
TABLE: Final[dict[tuple[Role, State], Turn]] = {
    (Role.CLIENT, State.START): Turn(State.START, frozenset([Start])),
    (Role.SERVER, State.START): Turn(State.HELLO, frozenset([Start])),
    (Role.SERVER, State.HELLO): Turn(State.HELLO, frozenset([Hello])),
    (Role.CLIENT, State.HELLO): Turn(State.OPEN, frozenset([Hello])),
    (Role.CLIENT, State.OPEN): Turn(
        State.OPEN, frozenset([Submit, Subscribe, Unsubscribe, Ack, Credit, Resolve, Ping, Pong])
    ),
    (Role.SERVER, State.OPEN): Turn(
        State.OPEN,
        frozenset([Accepted, Subscribed, Ended, Deliver, Acked, Credit, Answer, Refused, Ping, Pong, Stamps]),
    ),
}
_NEXT: Final[dict[type[Frame], State]] = {Start: State.HELLO, Hello: State.OPEN, Bye: State.CLOSED}


class _Violation(Exception):
    """A rule is broken; who broke it decides which error it becomes."""

    def __init__(self, sentence: str, code: str = "unexpected-frame") -> None:
        super().__init__(sentence)
        self.code = code


class _End:
    """How far one of the two ends has come, and what it may send there."""

    __slots__ = ("role", "state", "turn")

    def __init__(self, role: Role) -> None:
        self.role = role
        self.move(State.START)

    def move(self, state: State) -> None:
        self.state = state
        self.turn = TABLE.get((self.role, state))


class Connection:
    """One link's state machine.  `receive` takes bytes and gives frames, `send` takes a frame and gives bytes."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.fault: RemoteProtocolError | None = None
        self._own = _End(role)
        self._peer = _End(role.other)
        self._decoder = Decoder()
        self._credit: int | None = None  # for Submits; None until the server has given some
        self._batches: dict[int, tuple[int, int]] = {}  # unanswered: bytes and number of statements
        self._queries: set[int | str | None] = set()
        self._flows: dict[int | str | None, Flow] = {}

    @property
    def state(self) -> State:
        """START, HELLO, OPEN while both ends may go on; CLOSED once either has left or broken the rules."""
        states = (self._own.state, self._peer.state)
        return State.CLOSED if State.CLOSED in states else min(states)

    @property
    def submit_credit(self) -> int:
        """How many bytes of statements the client may submit now."""
        return self._credit or 0

    def receive(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes.

        Raises `RemoteProtocolError` for what the other end may not send; the connection is then closed and
        only Bye can be sent.  Frames before the fault are returned first: `fault` is then set, and the
        next call raises it.
        """
        if self.fault is not None:
            raise _again(self.fault)
        frames: list[Frame] = []
        try:
            for frame in self._decoder.feed(data):
                self._apply(frame, self._peer, self._own)
                frames.append(frame)
        except (_Violation, RemoteProtocolError) as error:
            self.fault = RemoteProtocolError(str(error), code=error.code)
        if self.fault is not None:
            self._peer.move(State.CLOSED)
            if not frames:
                raise _again(self.fault)
        return frames

    def send(self, frame: Frame) -> bytes:
        """The bytes of `frame`.  Raises `LocalProtocolError` if we may not send it; then nothing has changed."""
        limit = MAX_FRAME_BYTES if self.state is State.OPEN else MAX_OPENING_FRAME_BYTES
        data = encode(frame, max_frame_bytes=limit)
        try:
            if self._peer.state is State.CLOSED and not isinstance(frame, Bye):
                raise _Violation("the other end has left")
            self._apply(frame, self._own, self._peer)
        except _Violation as violation:
            raise LocalProtocolError(str(violation), code=violation.code) from None
        return data

    def _apply(self, frame: Frame, sender: _End, other: _End) -> None:
        kind, turn = type(frame), sender.turn
        if kind is Bye:
            if sender.state is State.CLOSED:
                raise _Violation(f"the {sender.role.value} has said Bye already")
        elif turn is None or other.state < turn.after or kind not in turn.frames:
            raise _Violation(f"the {sender.role.value} may not send {kind.__name__} now")
        else:
            if self._credit is None or kind is Credit:
                self._check_credit(frame, sender)
            if rule := self._RULES.get(kind):
                rule(self, frame)
        if after := _NEXT.get(kind):
            sender.move(after)
            if self.state is State.OPEN:
                self._decoder.widen()

    def _check_credit(self, frame: Frame, sender: _End) -> None:
        """A server gives credit for Submits, and before all else; a client gives it to its subscriptions."""
        is_server = sender.role is Role.SERVER
        if isinstance(frame, Credit):
            if (frame.sub is None) is not is_server:
                raise _Violation(f"the {sender.role.value} may not give credit for {frame.sub or 'Submits'}")
        elif is_server and sender.state is State.OPEN:
            raise _Violation("the first frame of the server after the hellos is Credit")

    # Each rule checks before it changes anything.

    def _credited(self, frame: Credit) -> None:
        if frame.sub is None:
            if self._credit is None and frame.bytes < SUBMIT_CREDIT:
                raise _Violation(f"a server opens with at least {SUBMIT_CREDIT} bytes of credit")
            self._credit = self.submit_credit + frame.bytes
        elif flow := self._flows.get(frame.sub):
            flow.grant(frame.bytes)

    def _submitted(self, frame: Submit) -> None:
        if frame.batch in self._batches:
            raise _Violation(f"batch {frame.batch} has no answer yet")
        size, credit = frame.size, self.submit_credit
        if size > credit:
            raise _Violation(f"{size} bytes are more than the credit of {credit}", "credit-exceeded")
        self._batches[frame.batch] = (size, len(frame.items))
        self._credit = credit - size

    def _accepted(self, frame: Accepted) -> None:
        size, count = self._batches.get(frame.batch, (0, 0))
        if not count:
            raise _Violation(f"batch {frame.batch} waits for no answer")
        if count != len(frame.answers):
            raise _Violation(f"batch {frame.batch} waits for {count} answers, not for {len(frame.answers)}")
        del self._batches[frame.batch]
        self._credit = self.submit_credit + size

    def _subscribing(self, frame: Subscribe) -> None:
        self._flows.setdefault(frame.sub, Flow()).asked.append(frame.credit)

    def _subscribed(self, frame: Subscribed) -> None:
        self._asked(frame.sub).begin(frame.epoch, frame.cursors)

    def _ended(self, frame: Ended) -> None:
        flow = self._flows.get(frame.sub)
        if flow is None or flow.epoch is None:
            raise _Violation(f"there is no subscription {frame.sub!r} to end")
        self._forget(frame.sub, flow)

    def _delivered(self, frame: Deliver) -> None:
        flow = self._flows.get(frame.sub)
        if flow is None or flow.epoch is None or flow.epoch != frame.epoch:
            raise _Violation(f"{frame.sub!r} is not subscribed in epoch {frame.epoch}")
        # The server keeps its own account, with times.
        if self.role is Role.CLIENT and not flow.take(frame):
            raise _Violation(f"{frame.sub!r} is delivered beyond its {flow.credit} bytes", "credit-exceeded")

    def _acking(self, frame: Ack) -> None:
        if self.role is Role.CLIENT and (flow := self._flows.get(frame.sub)):
            flow.release(frame)

    def _asking(self, frame: Resolve) -> None:
        if frame.query in self._queries:
            raise _Violation(f"query {frame.query} has no answer yet")
        self._queries.add(frame.query)

    def _answered(self, frame: Answer) -> None:
        self._close_query(frame.query)

    def _refused(self, frame: Refused) -> None:
        if frame.frame == Subscribe.number:
            flow = self._asked(frame.subject)
            flow.asked.pop(0)
            if flow.epoch is None:
                self._forget(frame.subject, flow)
        elif frame.frame == Resolve.number:
            self._close_query(frame.subject)
        elif frame.frame == Submit.number:
            raise _Violation("a Submit is answered by Accepted")

    def _asked(self, sub: int | str | None) -> Flow:
        flow = self._flows.get(sub)
        if flow is None or not flow.asked:
            raise _Violation(f"nobody waits to be subscribed as {sub!r}")
        return flow

    def _forget(self, sub: int | str | None, flow: Flow) -> None:
        if flow.asked:
            self._flows[sub] = Flow(asked=flow.asked)
        else:
            del self._flows[sub]

    def _close_query(self, query: int | str | None) -> None:
        if query not in self._queries:
            raise _Violation(f"nobody asked query {query}")
        self._queries.remove(query)

    _RULES: ClassVar[dict[type[Frame], Callable[[Any, Any], None]]] = {
        Credit: _credited,
        Submit: _submitted,
        Accepted: _accepted,
        Subscribe: _subscribing,
        Subscribed: _subscribed,
        Ended: _ended,
        Deliver: _delivered,
        Ack: _acking,
        Resolve: _asking,
        Answer: _answered,
        Refused: _refused,
    }


def _again(fault: RemoteProtocolError) -> RemoteProtocolError:
    """The same one, new: what is raised keeps hold of all that it goes through, and that has hold of the first."""
    return RemoteProtocolError(str(fault), code=fault.code)
