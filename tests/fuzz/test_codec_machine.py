"""The codec under any order of writing, cutting and spoiling: what comes out is what went in, up to the fault."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from byway.errors import RemoteProtocolError
from byway.protocol.codec import Decoder, encode
from byway.protocol.frames import Frame
from byway.protocol.limits import MAX_FRAME_BYTES
from tests.strategies.frames import frames


class CodecMachine(RuleBasedStateMachine):
    """A stream that is written at one end and read at the other, in pieces that have nothing to do with frames."""

    def __init__(self) -> None:
        super().__init__()
        self._decoder = Decoder()
        self._decoder.widen()
        self._written: list[Frame] = []
        self._ends: list[int] = []  # of the frames, in the stream
        self._length = 0  # of the stream
        self._wire = b""  # written, not carried yet
        self._carried = 0
        self._read: list[Frame] = []
        self._spoilt_at: int | None = None  # the decoder has to see it once this much is carried
        self._code = ""

    @precondition(lambda self: self._spoilt_at is None)
    @rule(frame=frames)
    def write(self, frame: Frame) -> None:
        self._put(encode(frame))
        self._written.append(frame)
        self._ends.append(self._length)

    @precondition(lambda self: self._spoilt_at is None)
    @rule(body=st.sampled_from([b"", b"\xc1", b"\x90", b"\x92\x10\xc4", b"\x91\x63", b"\x92\x10\xc4\x00\x00"]))
    def write_what_is_no_frame(self, body: bytes) -> None:
        self._put(len(body).to_bytes(4, "big") + body)
        self._spoilt_at = self._length

    @precondition(lambda self: self._spoilt_at is None)
    @rule(over=st.integers(1, 2**32 - 1 - MAX_FRAME_BYTES))
    def write_a_length_over_the_limit(self, over: int) -> None:
        self._put((MAX_FRAME_BYTES + over).to_bytes(4, "big"))
        self._spoilt_at = self._length

    @rule(size=st.integers(0, 40) | st.integers(0, 4000))
    def carry(self, size: int) -> None:
        if self._code:
            return  # after a fault nothing may be fed
        piece, self._wire = self._wire[:size], self._wire[size:]
        self._carried += len(piece)
        try:
            for frame in self._decoder.feed(piece):
                self._read.append(frame)
        except RemoteProtocolError as error:
            self._code = error.code

    @invariant()
    def the_whole_frames_that_were_carried_have_been_read(self) -> None:
        whole = sum(end <= self._carried for end in self._ends)
        assert self._read == self._written[:whole]

    @invariant()
    def a_fault_is_seen_when_it_has_come_and_not_before(self) -> None:
        spoilt = self._spoilt_at is not None and self._carried >= self._spoilt_at
        assert self._code in ({"bad-frame", "frame-too-large"} if spoilt else {""})

    def _put(self, data: bytes) -> None:
        self._wire += data
        self._length += len(data)


TestCodecMachine = CodecMachine.TestCase
TestCodecMachine.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
