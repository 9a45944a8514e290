"""Golden vectors of frames: frames of every kind, and what looks like a frame and is none."""

from __future__ import annotations

from typing import Any

import msgpack

from byway.protocol.codec import encode
from byway.protocol.fields import to_wire
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
    MAX_INTEGER,
    MAX_OPENING_FRAME_BYTES,
    MAX_STAMP_BITS,
    MAX_STAMP_BYTES,
    MAX_SUB_BYTES,
    SUBMIT_CREDIT,
)
from byway.protocol.stamp import WORK, Stamp
from byway.protocol.urn import mailbox_urn, node_urn
from tests.vectors.notation import Vector, public, to_json

ABOUT = (
    "Frames, section 8.2.  `valid` have the array, and its bytes on the wire in the shortest forms, length first.  "
    "`spellings` are other bytes for the frame named `same`.  `refused` end the link with `code`; before both hellos "
    "if `opening`."
)
LONGEST_SHOWN = 2048  # what is wrong only by its length is left to a test

LONG_ENTRIES = ("deliver two", "a mark of progress")  # as our encoder joins them

# The statements here are shorter than statements are: what is in one is nothing to the frame around it.
GOOD: dict[str, Frame] = {
    "the client begins": Start((1,), node_urn(public(1)), b"client nonce 016"),
    "the server begins": Start((1, 2), node_urn(public(4)), b"server nonce 016"),
    "hello": Hello(b"IB hello"),
    "submit one": Submit(1, ((b"IB one", None),)),
    "submit three, one of them empty": Submit(MAX_INTEGER, ((b"IB one", None), (b"", None), (bytes(300), None))),
    "submit with stamps": Submit(
        2, ((b"IB one", Stamp(WORK, b"nonce...")), (b"IB two", None), (b"IB three", Stamp(2, bytes(MAX_STAMP_BYTES))))
    ),
    "a receipt from a commit of one": Accepted(1, (b"IB head",), (Proof(0, 1, ()),)),
    "receipts of two commits, and refusals": Accepted(
        2,
        (b"IB head", b"IB next head"),
        (
            Proof(0, 9, (b"h" * 32, b"i" * 32)),
            Refusal("store-full", "the disk of the node is nearly full", 30_000),
            Proof(1, 2**40, (b"j" * 32,)),
            Refusal("bad-signature", "", None),
        ),
    ),
    "subscribe to everything": Subscribe("all", "open:**", None, "all", "cursor", SUBMIT_CREDIT),
    "subscribe with a filter": Subscribe(
        "é" * (MAX_SUB_BYTES // 2),
        "open:homes:*:condo",
        ["and", [">=", "price", ["money", "USD", 70_000_000, 70_000_000]], ["not", ["known", "pets"]]],
        "own",
        "oldest",
        0,
    ),
    "subscribe to the own mailbox": Subscribe("mailbox", mailbox_urn(public(1)), None, "all", "now", 65_536),
    "subscribed": Subscribed("all", 3, ((0, 41),)),
    "subscribed to two journals": Subscribed("all", 4, ((0, 41), (1, 0))),
    "unsubscribe": Unsubscribe("all"),
    "ended": Ended("all", "replaced", "the same subscription was opened on another link"),
    "deliver two": Deliver("all", 3, 0, 60, (Entry(42, b"IB one"), Entry(55, b"IB two"))),
    "a mark of progress": Deliver("all", 3, 0, 100, ()),
    "ack": Ack("all", 3, 0, 60, (), ()),
    "ack with more above, and a refusal": Ack("all", 3, 0, 60, (70, 71), ((71, "bad-signature"),)),
    "acked": Acked("all", 3, 0, 60),
    "credit for submits": Credit(None, SUBMIT_CREDIT),
    "credit for a subscription": Credit("all", 4096),
    "resolve": Resolve(1, node_urn(public(4))),
    "answer": Answer(1, (b"IB record", b"IB another record")),
    "no such name": Answer(2, ()),
    "a subscription refused": Refused(5, "all", "bad-pattern", "** comes last", None),
    "a query refused for now": Refused(13, 7, "busy", "", 1000),
    "something refused": Refused(12, None, "unknown-subscription", "", None),
    "ping": Ping(b""),
    "pong": Pong(b"sixteen bytes ..."[:16]),
    "bye": Bye("shutting-down", "the node is stopping", 5000),
    "bye for good": Bye("hello-mismatch", "", None),
    "stamps are asked for": Stamps(12),
    "no stamps are asked for": Stamps(0),
}


def array(frame: Frame) -> tuple[Any, ...]:
    """The msgpack array of a frame."""
    if isinstance(frame, Deliver):
        entries = tuple([(entry.sequence, entry.statement) for entry in frame.entries])
        return (frame.number, frame.sub, frame.epoch, frame.journal, frame.through, entries)
    return to_wire(frame)


# Other bytes for the same frame: frames need not be canonical, and later fields are ignored.
OTHER_SPELLINGS: dict[str, tuple[str, bytes]] = {
    "long forms": ("ping", b"\xdd\x00\x00\x00\x02\xcd\x00\x10\xc6\x00\x00\x00\x00"),
    "a later field": ("ping", b"\x93\x10\xc4\x00\x82\xa3new\x01\xa1a\x93\x01\xc0\xc3"),
    "a number in a signed form": ("ping", b"\x92\xd0\x10\xc4\x00"),
    **{f"{name}, its entries in a long form": (name, encode(GOOD[name])[4:]) for name in LONG_ENTRIES},
}

# Arrays that are wrong in one place.
NONCE, HASH, LONG = b"n" * 16, b"h" * 32, "x" * 65

WRONG: dict[str, tuple[Any, ...]] = {
    "no number": (),
    "number 0": (0,),
    "number 20": (20, b""),
    "a number that is a boolean": (True, (1,), "node", NONCE),
    "Start without versions": (1, (), "node", NONCE),
    "Start with too many versions": (1, tuple(range(17)), "node", NONCE),
    "Start with a short nonce": (1, (1,), "node", NONCE[1:]),
    "Start with a version that is a boolean": (1, (True,), "node", NONCE),
    "Hello of text": (2, "statement"),
    "Submit of nothing": (3, 1, ()),
    "Submit of too much": (3, 1, ((b"s", None),) * (MAX_BATCH + 1)),
    "Submit with a stamp of bytes": (3, 1, ((b"s", b"stamp"),)),
    "Submit with a stamp without a value": (3, 1, ((b"s", (WORK,)),)),
    "Submit with a stamp of three": (3, 1, ((b"s", (WORK, b"nonce...", b"")),)),
    "Submit with a stamp of kind 0": (3, 1, ((b"s", (0, b"nonce...")),)),
    "Submit with a short nonce": (3, 1, ((b"s", (WORK, b"nonce..")),)),
    "Submit with an empty token": (3, 1, ((b"s", (2, b"")),)),
    "Submit with a long token": (3, 1, ((b"s", (2, bytes(MAX_STAMP_BYTES + 1))),)),
    "Submit with a wrong stamp beside a good one": (3, 1, ((b"s", (2, b"t")), (b"s", (True, b"t")))),
    "Submit with bare statements": (3, 1, (b"s",)),
    "Submit with a negative batch": (3, -1, ((b"s", None),)),
    "Accepted with a head that is not there": (4, 1, (b"head",), ((0, 1, 1, ()),)),
    "Accepted with a sequence of 0": (4, 1, (b"head",), ((0, 0, 0, ()),)),
    "Accepted with a short hash": (4, 1, (b"head",), ((0, 0, 1, (HASH[1:],)),)),
    "Accepted with a path that has no end": (4, 1, (b"head",), ((0, 0, 1, (HASH,) * 64),)),
    "Accepted with an unknown answer": (4, 1, (), ((2, "code", "sentence", None),)),
    "Accepted with an answer of nothing": (4, 1, (), ((),)),
    "Accepted with no answers": (4, 1, (), ()),
    "Subscribe without a name": (5, "", "open:**", None, "all", "now", 1),
    "Subscribe with a long name": (5, LONG, "open:**", None, "all", "now", 1),
    "Subscribe with another scope": (5, "s", "open:**", None, "some", "now", 1),
    "Subscribe from somewhere": (5, "s", "open:**", None, "all", "here", 1),
    "Subscribe with less than no credit": (5, "s", "open:**", None, "all", "now", -1),
    "Subscribed with a cursor alone": (6, "s", 1, (7,)),
    "Ended without a code": (8, "s", "", "sentence"),
    "Deliver of sequence 0": (9, "s", 1, 0, 5, ((0, b"s"),)),
    "Deliver out of order": (9, "s", 1, 0, 5, ((2, b"s"), (1, b"s"))),
    "Deliver of one sequence twice": (9, "s", 1, 0, 5, ((2, b"s"), (2, b"s"))),
    "Deliver beyond through": (9, "s", 1, 0, 5, ((6, b"s"),)),
    "Ack of too much": (10, "s", 1, 0, 5, tuple(range(6, MAX_ALSO + 7)), ()),
    "Ack with a refusal without a code": (10, "s", 1, 0, 5, (), ((6,),)),
    "Acked with a number that is too large": (11, "s", 1, 0, MAX_INTEGER + 1),
    "Credit of text": (12, None, "much"),
    "Resolve of bytes": (13, 1, b"urn"),
    "Answer of text": (14, 1, ("statement",)),
    "Refused about bytes": (15, 5, b"sub", "busy", "", None),
    "Refused with a wait that is a float": (15, 5, "sub", "busy", "", 1.5),
    "Ping with a long token": (16, b"t" * 17),
    "Bye with a long code": (18, LONG, "", None),
    "Stamps of too many bits": (19, MAX_STAMP_BITS + 1),
    "Stamps of less than nothing": (19, -1),
    "a float in a later field": (16, b"", 1.5),
}

# Bodies that are no array of a frame at all.
NO_FRAMES: dict[str, bytes] = {
    "nothing": b"",
    "the byte that is never used": b"\xc1",
    "a byte too many": b"\x92\x10\xc4\x00\x00",
    "bytes too few": b"\x92\x10\xc4\x05ab",
    "text that is not UTF-8": b"\x93\x0d\x01\xa1\xff",
    "text with a surrogate": b"\x93\x0d\x01\xa3\xed\xa0\x80",
    "a number alone": b"\x10",
    "a map": b"\x81\x10\xc0",
    "an array without an end": b"\xdd\xff\xff\xff\xff",
    "text without an end": b"\xdb\xff\xff\xff\xff",
    "a float in a later field": b"\x93\x10\xc4\x00\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00",
    "an extension type in a later field": b"\x93\x10\xc4\x00\xd4\x05\x00",
    "a filter that is nested too deep": b"\x97\x05\xa1s\xa7open:**" + b"\x91" * 15 + b"\x90\xa3all\xa3now\x01",
}


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def frames() -> Vector:
    bad = {name: msgpack.packb(value) for name, value in WRONG.items()} | NO_FRAMES
    too_large = {
        False: (MAX_FRAME_BYTES + 1).to_bytes(4, "big"),
        True: (MAX_OPENING_FRAME_BYTES + 1).to_bytes(4, "big"),
    }
    return {
        "about": ABOUT,
        "valid": [
            {
                "name": name,
                "frame": type(frame).__name__,
                "array": to_json(array(frame)),
                "bytes": framed(msgpack.packb(array(frame))).hex(),
            }
            for name, frame in GOOD.items()
        ],
        "spellings": [
            {"name": name, "same": same, "bytes": framed(body).hex()} for name, (same, body) in OTHER_SPELLINGS.items()
        ],
        "refused": [
            {"name": name, "opening": False, "code": "bad-frame", "bytes": framed(body).hex()}
            for name, body in bad.items()
            if len(body) <= LONGEST_SHOWN
        ]
        + [
            {"name": "a length over the limit", "opening": opening, "code": "frame-too-large", "bytes": data.hex()}
            for opening, data in too_large.items()
        ],
    }
