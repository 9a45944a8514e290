"""Fields: what each field of each frame has to be (wire-protocol section 8.2).

`SHAPES` is the page's table.  Whatever a peer sends is checked here, once: a frame that was read holds
only what the page allows.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import call
from typing import Any, Final

from byway.errors import RemoteProtocolError
from byway.protocol.frames import (
    FRAMES,
    Accepted,
    Ack,
    Acked,
    Answer,
    Answered,
    Bye,
    Credit,
    Deliver,
    Ended,
    Entry,
    Frame,
    Hello,
    Ping,
    Pong,
    Proof,
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
from byway.protocol.limits import (
    MAX_ALSO,
    MAX_BATCH,
    MAX_FRAME_BYTES,
    MAX_STAMP_BITS,
    MAX_STAMP_BYTES,
    MAX_SUB_BYTES,
    STAMP_NONCE_BYTES,
)
from byway.protocol.merkle import HASH_BYTES
from byway.protocol.receipt import MAX_PATH
from byway.protocol.shapes import (
    Shape,
    anything,
    array,
    either,
    fields,
    integer,
    octets,
    one_of,
    optional,
    pairs,
    text,
)
from byway.protocol.stamp import WORK, Stamp

MAX_ELEMENTS: Final = 8192  # of one array: a frame has no room for more statements
MAX_VERSIONS: Final = 16
MAX_CODE_BYTES: Final = 64
NONCE_BYTES: Final = 16
MAX_TOKEN_BYTES: Final = 16


def _answer(value: Any) -> Answered:
    """`[0, head, sequence, path]` or `[1, code, sentence, retry_after]`."""
    tag, *_ = value if type(value) is tuple and value else (None,)
    if tag not in (0, 1) or type(tag) is not int:
        raise ValueError("neither a receipt nor a refusal")
    answered: Answered = (_REFUSAL if tag else _PROOF)(value[1:])
    return answered


def _stamp(value: Any) -> Stamp:
    stamp: Stamp = _STAMP(value)
    if stamp.kind == WORK and len(stamp.value) != STAMP_NONCE_BYTES:
        raise ValueError(f"a nonce that has not {STAMP_NONCE_BYTES} bytes")
    return stamp


def _entries(value: Any) -> tuple[Entry, ...]:
    entries = tuple([Entry(sequence, statement) for sequence, statement in _ENTRY_PAIRS(value)])
    before = 0
    for entry in entries:
        if not before < entry.sequence:
            raise ValueError("sequences that do not ascend from 1")
        before = entry.sequence
    return entries


def _check_heads(frame: Accepted) -> None:
    if any(isinstance(answer, Proof) and answer.head >= len(frame.heads) for answer in frame.answers):
        raise ValueError("a receipt names a head that is not there")


def _check_through(frame: Deliver) -> None:
    if frame.entries and frame.entries[-1].sequence > frame.through:
        raise ValueError("an entry lies above through")


_ANY: Final = text(0, MAX_FRAME_BYTES)
_SUB: Final = text(1, MAX_SUB_BYTES)
_CODE: Final = text(1, MAX_CODE_BYTES)
_COUNT: Final = integer(0)
_SEQUENCE: Final = integer(1)
_STATEMENT: Final = octets(0, MAX_FRAME_BYTES)
_RETRY_AFTER: Final = optional(_COUNT)
_PROOF: Final = fields(_COUNT, _SEQUENCE, array(octets(HASH_BYTES, HASH_BYTES), 0, MAX_PATH), make=Proof)
_REFUSAL: Final = fields(_CODE, _ANY, _RETRY_AFTER, make=Refusal)
_STAMP: Final = fields(integer(1), octets(1, MAX_STAMP_BYTES), make=Stamp)
_ITEMS: Final = either(  # the first for the hot path: stamps are rare
    pairs(bytes, type(None), 1, MAX_BATCH), array(fields(_STATEMENT, optional(_stamp)), 1, MAX_BATCH)
)
_ENTRY_PAIRS: Final = pairs(int, bytes, 0, MAX_ELEMENTS)

SHAPES: Final[dict[type[Frame], tuple[Shape, ...]]] = {
    Start: (array(_COUNT, 1, MAX_VERSIONS), _ANY, octets(NONCE_BYTES, NONCE_BYTES)),
    Hello: (_STATEMENT,),
    Submit: (_COUNT, _ITEMS),
    Accepted: (_COUNT, array(_STATEMENT, 0, MAX_BATCH), array(_answer, 1, MAX_BATCH)),
    Subscribe: (_SUB, _ANY, anything, one_of("all", "own"), one_of("cursor", "now", "oldest"), _COUNT),
    Subscribed: (_SUB, _COUNT, array(fields(_COUNT, _COUNT), 0, MAX_ELEMENTS)),
    Unsubscribe: (_SUB,),
    Ended: (_SUB, _CODE, _ANY),
    Deliver: (_SUB, _COUNT, _COUNT, _COUNT, _entries),
    Ack: (_SUB, _COUNT, _COUNT, _COUNT, array(_SEQUENCE, 0, MAX_ALSO), array(fields(_SEQUENCE, _CODE), 0, MAX_ALSO)),
    Acked: (_SUB, _COUNT, _COUNT, _COUNT),
    Credit: (optional(_SUB), _COUNT),
    Resolve: (_COUNT, _ANY),
    Answer: (_COUNT, array(_STATEMENT, 0, MAX_ELEMENTS)),
    Refused: (_COUNT, optional(either(_COUNT, _ANY)), _CODE, _ANY, _RETRY_AFTER),
    Ping: (octets(0, MAX_TOKEN_BYTES),),
    Pong: (octets(0, MAX_TOKEN_BYTES),),
    Bye: (_CODE, _ANY, _RETRY_AFTER),
    Stamps: (integer(0, MAX_STAMP_BITS),),
}

# What no single field can tell.
_AGREEMENTS: Final[dict[type[Frame], Callable[[Any], None]]] = {Accepted: _check_heads, Deliver: _check_through}


def from_wire(value: Any) -> Frame:
    """The frame that a decoded msgpack value (arrays as tuples) is.

    Raises `RemoteProtocolError` (`bad-frame`) that names the field at fault.
    """
    kind = FRAMES.get(value[0]) if type(value) is tuple and value and type(value[0]) is int else None
    if kind is None:
        raise RemoteProtocolError("the bytes are not an array that begins with the number of a frame")
    shapes = SHAPES[kind]
    if len(value) <= len(shapes):
        raise RemoteProtocolError(f"{kind.__name__} has {len(value) - 1} fields and needs {len(shapes)}")
    try:
        frame = kind(*map(call, shapes, value[1:]))
        for later in value[len(shapes) + 1 :]:
            anything(later)
        if agreement := _AGREEMENTS.get(kind):
            agreement(frame)
    except ValueError as error:
        raise RemoteProtocolError(f"{kind.__name__}{_at_fault(kind, value)}: {error}") from None
    return frame


def to_wire(frame: Frame) -> tuple[Any, ...]:
    """The array that msgpack makes the frame's bytes from.  A Deliver is joined by the codec instead."""
    if isinstance(frame, Accepted):
        answers = [(0, *answer) if type(answer) is Proof else (1, *answer) for answer in frame.answers]
        return (frame.number, frame.batch, frame.heads, answers)
    return (frame.number, *[getattr(frame, name) for name in frame.__match_args__])


def _at_fault(kind: type[Frame], value: tuple[Any, ...]) -> str:
    """The name of the first field that is wrong by itself, if there is one."""
    for name, shape, part in zip(kind.__match_args__, SHAPES[kind], value[1:], strict=False):
        try:
            shape(part)
        except ValueError:
            return f", {name.removesuffix('_')}"
    return ""
