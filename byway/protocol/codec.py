"""The codec: frames to bytes and back (wire-protocol section 8.2).

A frame is a 4-byte length and one msgpack array.  `encode` makes the bytes; a `Decoder` takes bytes as
they come, cut anywhere, and gives the frames that are whole.  Any bytes either are frames or raise
`RemoteProtocolError`.  A frame over the limit is refused by its length, before its bytes are kept.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import msgpack

from byway.errors import LocalProtocolError, RemoteProtocolError
from byway.protocol.fields import MAX_ELEMENTS, MAX_VERSIONS, from_wire, to_wire
from byway.protocol.frames import Deliver, Frame
from byway.protocol.limits import MAX_FRAME_BYTES, MAX_OPENING_FRAME_BYTES

_LENGTH: Final = struct.Struct(">I")
_ARRAY: Final = struct.Struct(">BI")  # array 32
_DELIVER_FIELDS: Final = 6  # the number and five fields


def encode(frame: Frame, *, max_frame_bytes: int = MAX_FRAME_BYTES) -> bytes:
    """The bytes of `frame` on the wire, the length included.

    The entries of a Deliver are joined from `Entry.packed`, so that a statement for many subscribers is
    packed once.  Raises `LocalProtocolError`: `frame-too-large`, or `bad-frame` for values that msgpack
    does not have.
    """
    try:
        parts = _deliver(frame) if isinstance(frame, Deliver) else [msgpack.packb(to_wire(frame))]
    except (ValueError, TypeError, OverflowError) as error:
        raise LocalProtocolError(f"{type(frame).__name__} has no bytes: {error}", code="bad-frame") from error
    length = sum(map(len, parts))
    if length > max_frame_bytes:
        raise LocalProtocolError(
            f"{type(frame).__name__} of {length} bytes is over {max_frame_bytes}", code="frame-too-large"
        )
    return b"".join([_LENGTH.pack(length), *parts])


def _deliver(frame: Deliver) -> list[bytes]:
    front = msgpack.packb((frame.number, frame.sub, frame.epoch, frame.journal, frame.through))
    parts = [bytes([0x90 | _DELIVER_FIELDS]), front[1:], _ARRAY.pack(0xDD, len(frame.entries))]
    return parts + [entry.packed for entry in frame.entries]


class Decoder:
    """Frames out of bytes that come in pieces, cut anywhere.

    It begins with the limits of the opening; `widen` gives it those of an open link, between two frames
    of one piece too.  What it keeps is bounded by the limit and the piece in hand.
    """

    def __init__(self) -> None:
        self._max_frame_bytes = MAX_OPENING_FRAME_BYTES
        self._max_elements = MAX_VERSIONS
        self._bytes = bytearray()
        self._at = 0

    def widen(self) -> None:
        """From the next frame on: the limits of an open link."""
        self._max_frame_bytes = MAX_FRAME_BYTES
        self._max_elements = MAX_ELEMENTS

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take `data` in; each whole frame is decoded as the iterator is advanced.

        Raises `RemoteProtocolError`: `frame-too-large`, `bad-frame`.  After that nothing may be fed.
        """
        self._bytes += data
        return self._frames()

    def _frames(self) -> Iterator[Frame]:
        while (start := self._at + _LENGTH.size) <= len(self._bytes):
            (length,) = _LENGTH.unpack_from(self._bytes, self._at)
            if length > self._max_frame_bytes:
                raise RemoteProtocolError(
                    f"a frame of {length} bytes is over {self._max_frame_bytes}", code="frame-too-large"
                )
            if start + length > len(self._bytes):
                break
            self._at = start + length
            yield from_wire(_unpack(self._bytes[start : self._at], self._max_elements))
        del self._bytes[: self._at]
        self._at = 0


def _unpack(body: bytearray, max_elements: int) -> object:
    """The one value that `body` is, arrays as tuples.  Floats and depth are left to `from_wire`.

    The header of an array alone makes msgpack reserve room for its elements, so their number is bounded.
    """
    try:
        value: object = msgpack.unpackb(
            body,
            use_list=False,
            raw=False,
            strict_map_key=True,
            max_array_len=max_elements,
            max_ext_len=0,
        )
    except (ValueError, msgpack.UnpackException, OverflowError, RecursionError, TypeError) as error:
        raise RemoteProtocolError("the bytes of a frame are not one msgpack value within the limits") from error
    return value
