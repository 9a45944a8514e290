"""Bytes to frames and back: whatever comes, and however it is cut."""

from __future__ import annotations

import tracemalloc
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import LocalProtocolError, RemoteProtocolError
from byway.protocol.codec import Decoder, encode
from byway.protocol.fields import to_wire
from byway.protocol.frames import Ack, Bye, Deliver, Entry, Frame, Hello, Ping, Resolve, Submit, Subscribe
from byway.protocol.limits import MAX_DEPTH, MAX_FRAME_BYTES, MAX_OPENING_FRAME_BYTES
from tests.strategies.frames import frames, packable
from tests.vectors.frame_forms import NO_FRAMES


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def decode(*parts: bytes, opening: bool = False) -> tuple[list[Frame], str]:
    """The frames in the parts, and the code of the fault that ended them."""
    decoder = Decoder()
    if not opening:
        decoder.widen()
    seen: list[Frame] = []
    try:
        for part in parts:
            seen.extend(decoder.feed(part))
    except RemoteProtocolError as error:
        return seen, error.code
    return seen, ""


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@given(st.lists(frames, max_size=5))
def test_what_is_encoded_is_decoded(sent: list[Frame]) -> None:
    assert decode(b"".join(encode(frame) for frame in sent)) == (sent, "")


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_frames_or_refused(data: bytes, opening: bool) -> None:
    assert decode(data, opening=opening)[1] in {"", "bad-frame", "frame-too-large"}


@given(st.lists(st.binary(max_size=60) | packable.map(msgpack.packb), max_size=4))
def test_any_bodies_are_frames_or_refused(bodies: list[bytes]) -> None:
    assert decode(b"".join(map(framed, bodies)))[1] in {"", "bad-frame"}


@given(frames, st.data())
def test_a_frame_with_wrong_bytes_is_a_frame_or_refused(frame: Frame, data: st.DataObject) -> None:
    body = bytearray(encode(frame)[4:])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert decode(framed(bytes(body)))[1] in {"", "bad-frame"}


@given(st.lists(frames.map(encode) | st.binary(max_size=30), max_size=4))
def test_how_the_bytes_are_cut_does_not_matter(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    expected = decode(whole)
    assert decode(*parts) == expected
    assert decode(*one_by_one(whole)) == expected


def test_a_deliver_joined_from_its_entries_is_the_array_itself() -> None:
    frame = Deliver("s", 1, 0, 900, tuple(Entry(n, bytes([n % 256]) * n) for n in range(1, 900, 7)))
    entries = [(entry.sequence, entry.statement) for entry in frame.entries]
    assert msgpack.unpackb(encode(frame)[4:], use_list=False) == (9, "s", 1, 0, 900, tuple(entries))
    assert decode(encode(frame)) == ([frame], "")


def test_a_frame_over_the_limit_is_refused_by_its_length() -> None:
    assert decode((MAX_FRAME_BYTES + 1).to_bytes(4, "big")) == ([], "frame-too-large")
    assert decode((MAX_OPENING_FRAME_BYTES + 1).to_bytes(4, "big"), opening=True) == ([], "frame-too-large")
    assert decode(MAX_FRAME_BYTES.to_bytes(4, "big")) == ([], "")


def test_the_limit_grows_between_two_frames_of_one_piece() -> None:
    large = Submit(1, ((bytes(MAX_OPENING_FRAME_BYTES), None),))
    decoder = Decoder()
    seen: list[Frame] = []
    for frame in decoder.feed(encode(Hello(b"")) + encode(large)):
        seen.append(frame)
        decoder.widen()
    assert seen == [Hello(b""), large]


def test_what_is_decoded_is_not_kept() -> None:
    decoder = Decoder()
    decoder.widen()
    part = encode(Hello(bytes(500_000)))
    list(decoder.feed(part))  # the allocator is warm
    tracemalloc.start()
    for _ in range(20):
        list(decoder.feed(part))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 100_000


def test_nested_headers_reserve_little_before_the_hello() -> None:
    """Each header says that 4,096 elements follow; msgpack would make room for all of them at each depth."""
    body = b"\xdc\x10\x00" * 500
    tracemalloc.start()
    assert decode(framed(body), opening=True)[1] == "bad-frame"
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 65_536


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_filters_are_nested_as_deep_as_a_frame_may_be() -> None:
    """The frame itself is the first level, so that fifteen are left for the filter."""
    fine = Subscribe("s", "open:**", nested(MAX_DEPTH - 1), "all", "now", 1)
    assert decode(encode(fine)) == ([fine], "")
    for depth in (MAX_DEPTH, 400, 600, 2000):
        body = msgpack.packb((5, "s", "open:**")) + b"\x91" * (depth - 1) + b"\x90\xa3all\xa3now\x01"
        assert decode(framed(b"\x97" + body[1:]))[1] == "bad-frame"


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), msgpack.ExtType(5, b""), msgpack.ExtType(5, b"x"), msgpack.Timestamp(1), {1: 2}, [{b"k": 1}]],
    ids=["float", "nan", "empty extension", "extension", "timestamp", "number as key", "bytes as key"],
)
def test_values_that_frames_do_not_have_are_refused(value: object) -> None:
    assert decode(framed(msgpack.packb((5, "s", "open:**", value, "all", "now", 1))))[1] == "bad-frame"
    assert decode(framed(msgpack.packb((16, b"", value))))[1] == "bad-frame"


@pytest.mark.parametrize("body", NO_FRAMES.values(), ids=NO_FRAMES.keys())
def test_bytes_that_are_no_frame_are_refused(body: bytes) -> None:
    assert decode(framed(body)) == ([], "bad-frame")


def test_frames_need_not_be_canonical() -> None:
    assert decode(framed(b"\xdd\x00\x00\x00\x02\xcd\x00\x10\xc6\x00\x00\x00\x00")) == ([Ping(b"")], "")


def test_frames_before_the_fault_are_given_first() -> None:
    assert decode(encode(Ping(b"1")) + framed(b"\xc1") + encode(Ping(b"2"))) == ([Ping(b"1")], "bad-frame")


def test_we_do_not_send_what_is_too_large_or_has_no_bytes() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        encode(Hello(bytes(MAX_FRAME_BYTES)))
    assert caught.value.code == "frame-too-large"
    with pytest.raises(LocalProtocolError) as caught:
        encode(Resolve(2**64, "urn"))
    assert caught.value.code == "bad-frame"
    with pytest.raises(LocalProtocolError):
        encode(Bye("busy", "\ud800"))


def test_an_ack_may_list_as_many_as_it_may() -> None:
    frame = Ack("s", 1, 0, 5, tuple(range(6, 6 + 4096)))
    assert decode(encode(frame)) == ([frame], "")
    assert to_wire(frame)[5] is frame.also
