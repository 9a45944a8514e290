"""Frames: what two ends of a link say to each other (wire-protocol section 8.2).

One class for each row of the page's table, with the page's names (`from` is `from_`, a word of
Python) and its number.  `byway.protocol.fields` says what each field has to be.

The frames are plain frozen dataclasses: a frame is made once for a batch (1.8 us), and two frames of
different kinds are never equal.  What a batch holds many of, is a pair of a tuple.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, NamedTuple

import msgpack

from byway.protocol.stamp import Stamp
from byway.protocol.statement import MIN_STATEMENT_BYTES

Scope = Literal["all", "own"]
From = Literal["cursor", "now", "oldest"]


class Frame:
    """One unit on the wire.  `number` says which."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()
    number: ClassVar[int]


class Entry:
    """One statement of a Deliver, with its journal sequence.

    `packed` is its form in the frame.  It is made at the first use and kept, so that a statement that
    goes to many subscribers is packed once: give each of their Delivers the same `Entry`.
    """

    __slots__ = ("_packed", "sequence", "statement")

    def __init__(self, sequence: int, statement: bytes) -> None:
        self.sequence = sequence
        self.statement = statement
        self._packed: bytes | None = None

    @property
    def packed(self) -> bytes:
        if self._packed is None:
            packed: bytes = msgpack.packb((self.sequence, self.statement))
            self._packed = packed
        return self._packed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and (self.sequence, self.statement) == (other.sequence, other.statement)

    def __hash__(self) -> int:
        return hash((self.sequence, self.statement))

    def __repr__(self) -> str:
        return f"Entry({self.sequence}, {len(self.statement)} bytes)"


class Proof(NamedTuple):
    """An answer that is a receipt: which of the frame's heads, the sequence, the audit path."""

    head: int
    sequence: int
    path: tuple[bytes, ...]


class Refusal(NamedTuple):
    """An answer that is a no: `retry_after` is set, in milliseconds, exactly when it is temporary."""

    code: str
    sentence: str
    retry_after: int | None = None


Answered = Proof | Refusal


@dataclass(frozen=True, slots=True)
class Start(Frame):
    number: ClassVar[int] = 1
    versions: tuple[int, ...]
    node: str
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Hello(Frame):
    number: ClassVar[int] = 2
    statement: bytes


@dataclass(frozen=True, slots=True)
class Submit(Frame):
    """`items` are pairs of a statement and its stamp, or None where it has none."""

    number: ClassVar[int] = 3
    batch: int
    items: tuple[tuple[bytes, Stamp | None], ...]

    @property
    def size(self) -> int:
        """The bytes that credit counts: those of the statements, of which none is shorter than one can be."""
        return sum([max(len(statement), MIN_STATEMENT_BYTES) for statement, _ in self.items])


@dataclass(frozen=True, slots=True)
class Accepted(Frame):
    number: ClassVar[int] = 4
    batch: int
    heads: tuple[bytes, ...]
    answers: tuple[Answered, ...]


@dataclass(frozen=True, slots=True)
class Subscribe(Frame):
    number: ClassVar[int] = 5
    sub: str
    pattern: str
    filter: Any
    scope: Scope
    from_: From
    credit: int


@dataclass(frozen=True, slots=True)
class Subscribed(Frame):
    """`cursors` are pairs of a journal and the sequence after which it is delivered."""

    number: ClassVar[int] = 6
    sub: str
    epoch: int
    cursors: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe(Frame):
    number: ClassVar[int] = 7
    sub: str


@dataclass(frozen=True, slots=True)
class Ended(Frame):
    number: ClassVar[int] = 8
    sub: str
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Deliver(Frame):
    number: ClassVar[int] = 9
    sub: str
    epoch: int
    journal: int
    through: int
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """The bytes of the statements, which is what credit counts."""
        return sum([len(entry.statement) for entry in self.entries])


@dataclass(frozen=True, slots=True)
class Ack(Frame):
    """`also` are sequences above `through`; `refused` are pairs of a sequence and a code."""

    number: ClassVar[int] = 10
    sub: str
    epoch: int
    journal: int
    through: int
    also: tuple[int, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Acked(Frame):
    number: ClassVar[int] = 11
    sub: str
    epoch: int
    journal: int
    through: int


@dataclass(frozen=True, slots=True)
class Credit(Frame):
    """More credit: for Submits where `sub` is None, else for the subscription."""

    number: ClassVar[int] = 12
    sub: str | None
    bytes: int


@dataclass(frozen=True, slots=True)
class Resolve(Frame):
    number: ClassVar[int] = 13
    query: int
    urn: str


@dataclass(frozen=True, slots=True)
class Answer(Frame):
    number: ClassVar[int] = 14
    query: int
    statements: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Refused(Frame):
    """No to a frame: `frame` is its number, `subject` its sub or query."""

    number: ClassVar[int] = 15
    frame: int
    subject: int | str | None
    code: str
    sentence: str
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Ping(Frame):
    number: ClassVar[int] = 16
    token: bytes


@dataclass(frozen=True, slots=True)
class Pong(Frame):
    number: ClassVar[int] = 17
    token: bytes


@dataclass(frozen=True, slots=True)
class Bye(Frame):
    number: ClassVar[int] = 18
    code: str
    sentence: str
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Stamps(Frame):
    """How many bits a stamp needs from now on to be worth something here; 0: none is asked for."""

    number: ClassVar[int] = 19
    bits: int


FRAMES: Final[dict[int, type[Frame]]] = {
    kind.number: kind
    for kind in (
        Start, Hello, Submit, Accepted, Subscribe, Subscribed, Unsubscribe, Ended, Deliver, Ack, Acked, Credit,
        Resolve, Answer, Refused, Ping, Pong, Bye, Stamps,
    )
}  # fmt: skip
