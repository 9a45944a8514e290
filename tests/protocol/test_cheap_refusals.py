"""What is plainly hostile is refused for less than it costs to read a cast and to check its signature."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from byway.errors import RemoteProtocolError, StatementError
from byway.protocol import canonical
from byway.protocol.codec import Decoder
from byway.protocol.limits import MAX_BODY_BYTES, MAX_FRAME_BYTES
from byway.protocol.statement import Statement, parse_statement
from tests.vectors.example_deal import the_cast

TRIES = 20
MOST = 8  # times what a sound cast costs, which is some 0.12 ms: less than a millisecond

NESTED = b"\x91"
FRAMES: dict[str, bytes] = {
    "a length of 4 GiB": b"\xff\xff\xff\xff",
    "a length of 4 GiB, and bytes": b"\xff\xff\xff\xff" + bytes(60_000),
    "a length of nothing": bytes(4),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "33 deep": NESTED * 33 + b"\xc0",
    "1,000 deep": NESTED * 1000 + b"\xc0",
    "100,000 deep": NESTED * 100_000 + b"\xc0",
    "an array of 2^32-1": b"\xdd\xff\xff\xff\xff",
    "a map of 2^32-1": b"\xdf\xff\xff\xff\xff",
    "a text of 2^32-1": b"\xdb\xff\xff\xff\xff",
    "bytes of 2^32-1": b"\xc6\xff\xff\xff\xff",
    "an extension of 2^32-1": b"\xc9\xff\xff\xff\xff\x01",
    "an array of 2^32-1, and values": b"\xdd\xff\xff\xff\xff" + b"\x01" * 100_000,
}
BODIES: dict[str, bytes] = {
    "33 deep": NESTED * 33 + b"\xc0",
    "1,000 deep": NESTED * 1000 + b"\xc0",
    "as deep as there is room": NESTED * (MAX_BODY_BYTES - 1) + b"\xc0",
    "100,000 deep": NESTED * 100_000 + b"\xc0",
    "an array of 2^32-1": b"\xdd\xff\xff\xff\xff",
    "a map of 2^32-1": b"\xdf\xff\xff\xff\xff",
    "a text of 2^32-1": b"\xdb\xff\xff\xff\xff",
    "bytes of 2^32-1": b"\xc6\xff\xff\xff\xff",
    "too many bytes": b"\xc6\x00\x10\x00\x00" + bytes(MAX_FRAME_BYTES),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_hostile_frame_is_refused_for_little(name: str) -> None:
    data = FRAMES[name]
    framed = data if name.startswith(("a length", "TLS")) else len(data).to_bytes(4) + data

    def refuse() -> None:
        decoder = Decoder()
        decoder.widen()
        with pytest.raises(RemoteProtocolError):
            list(decoder.feed(framed))

    assert cheapest_s(refuse) <= MOST * cheapest_s(sound(the_cast()))


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_refused_for_little(name: str) -> None:
    def refuse() -> None:
        with pytest.raises(StatementError):
            canonical.decode(BODIES[name], max_bytes=MAX_BODY_BYTES)

    assert cheapest_s(refuse) <= MOST * cheapest_s(sound(the_cast()))


def sound(statement: Statement) -> Callable[[], None]:
    """Read a cast as a router does."""

    def read() -> None:
        found = parse_statement(statement.data)
        found.verify()
        found.body()

    return read


def cheapest_s(work: Callable[[], None]) -> float:
    """The processor time that it takes where nothing disturbs it."""
    took = []
    for _ in range(TRIES):
        began = time.thread_time()
        work()
        took.append(time.thread_time() - began)
    return min(took)
