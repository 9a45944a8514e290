"""What a node takes: the seam between the router, which keeps and hands on, and who decides what is admitted.

A router admits casts and closes; a messaging authority admits mailboxes and what is sealed to them.  A policy is plain
state that changes between awaits; it is rebuilt from the journal at start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from byway.errors import Refused, StatementError
from byway.protocol.acknowledgement import Acknowledgement
from byway.protocol.close import Close
from byway.protocol.facets import Facet
from byway.protocol.intentcast import Cast
from byway.protocol.statement import Kind, Statement
from byway.protocol.topic import Topic
from byway.protocol.urn import node_urn

NO_ADDRESS: Final = ""  # kept and receipted, but delivered to nobody


class Admitted(NamedTuple):
    """A statement that may be committed, and what matching needs to know of it."""

    statement: Statement
    address: str = NO_ADDRESS  # a topic or mailbox URN
    topic: Topic | None = None
    facets: Mapping[str, Facet] | None = None  # None: matched by topic alone
    acknowledges: str | None = None  # the subscription of its signer that it signs for
    ends: tuple[bytes, bytes] | None = None  # the id and the signer of a statement that is over with this one


class Source(NamedTuple):
    """Where a statement came from: the key of the link, its address prefix, and whether with a stamp worth enough."""

    peer: bytes
    prefix: str = ""
    stamped: bool = False


class Unstamped(Refused):
    """It would be taken with a stamp."""


class Policy(Protocol):
    """Decides about one statement at a time; raises `StatementError` or `Refused` to say no."""

    remembers: tuple[Kind, ...]
    """The kinds that it takes note of, in the order in which they are replayed at start."""

    def admit(self, statement: Statement, source: Source) -> Admitted:
        """Decide about a signed, current statement that came from `source`.

        Deciding twice about the same statement gives the same answer.  Raises `StatementError` or `Refused`, which is
        `Unstamped` where a stamp would have helped.
        """
        ...

    def remember(self, statement: Statement) -> None:
        """Take note of a statement of a kind in `remembers` that is in the journal: now, or again at start."""
        ...

    def forget(self, statement: Statement) -> None:
        """An admitted statement could not be committed."""
        ...

    def is_delivered(self, statement: Statement) -> bool:
        """Whether a stored statement is still handed over to those who asked for its address."""
        ...

    def facets(self, statement: Statement) -> Mapping[str, Facet] | None:
        """What filters look at, of a stored statement that is delivered; None: it is matched by its address alone."""
        ...

    def expire(self, now_ms: int) -> None:
        """Forget what has expired; called now and then."""
        ...

    def may_subscribe(self, pattern: str, peer: bytes) -> None:
        """Raise `Refused` unless `peer` may collect what `pattern` (a topic pattern or mailbox URN) selects."""
        ...


class RouterPolicy:
    """Casts and closes for topics, and the acknowledgements of subscribers."""

    remembers: tuple[Kind, ...] = (Kind.CLOSE,)

    def __init__(self, node_key: bytes) -> None:
        self._urn = node_urn(node_key)
        self._closed: dict[tuple[bytes, bytes], int] = {}  # cast id and its signer, who alone can close it: until when

    def admit(self, statement: Statement, source: Source) -> Admitted:
        if statement.kind is Kind.ACKNOWLEDGEMENT:
            return admit_acknowledgement(statement, source.peer, self._urn)
        if statement.kind not in {Kind.CAST, Kind.CLOSE}:
            raise not_admitted(statement.kind)
        if (statement.id, statement.signer) in self._closed:
            raise Refused("closed")
        return _routing(statement)

    def remember(self, statement: Statement) -> None:
        name = (Close.from_statement(statement).cast, statement.signer)
        self._closed[name] = max(statement.expires, self._closed.get(name, 0))

    def forget(self, statement: Statement) -> None:
        pass  # admitting changes nothing here

    def is_delivered(self, statement: Statement) -> bool:
        return statement.kind in {Kind.CAST, Kind.CLOSE} and (statement.id, statement.signer) not in self._closed

    def facets(self, statement: Statement) -> Mapping[str, Facet] | None:
        return Cast.from_statement(statement).facets if statement.kind is Kind.CAST else None

    def expire(self, now_ms: int) -> None:
        self._closed = {name: until for name, until in self._closed.items() if until > now_ms}

    def may_subscribe(self, pattern: str, peer: bytes) -> None:
        del peer  # topics are open to everybody
        if pattern.startswith("urn:byway:mailbox:"):
            raise Refused("not-served", "this node keeps no mailboxes; ask the messaging authority")


def _routing(statement: Statement) -> Admitted:
    if statement.kind is Kind.CLOSE:
        close = current_close(statement)
        return Admitted(statement, close.to, Topic.parse(close.to), ends=(close.cast, statement.signer))
    cast = Cast.from_statement(statement)
    return Admitted(statement, cast.to, Topic.parse(cast.to), cast.facets)


def current_close(statement: Statement) -> Close:
    """The body of a close, which ends when its cast does: a shorter one would let the cast come back."""
    close = Close.from_statement(statement)
    if close.until != statement.expires:
        raise StatementError("a close expires when its cast does", code="bad-body")
    return close


def admit_acknowledgement(statement: Statement, peer: bytes, node: str) -> Admitted:
    """Admit a subscriber's signed acknowledgement, handed in on its own link and made for this `node`."""
    if statement.signer != peer:
        raise StatementError("an acknowledgement is signed by the key of its link", code="wrong-signer")
    acknowledgement = Acknowledgement.from_statement(statement)
    if acknowledgement.router != node:
        raise StatementError("the acknowledgement is for another node", code="bad-body")
    return Admitted(statement, acknowledges=acknowledgement.sub)


def not_admitted(kind: Kind) -> Refused:
    return Refused("not-admitted", f"this node does not take a statement of kind {kind.name.lower()}")
