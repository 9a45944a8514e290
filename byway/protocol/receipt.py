"""The head, which a node signs once for each commit, and the receipt (wire-protocol sections 4.9 and 7).

A receipt is a head and the path that proves one statement to be in its commit: a promise of custody that
anybody can check, without the node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from byway.errors import StatementError
from byway.protocol import canonical
from byway.protocol.body import Body, Bytes16, Bytes32, Count, Maybe, Ordinal
from byway.protocol.limits import MAX_INTEGER, MAX_TIME_MS
from byway.protocol.merkle import HASH_BYTES, leaf, root_from_path
from byway.protocol.statement import MAX_STATEMENT_BYTES, Kind, Statement, parse_statement, unsigned_bytes

MAX_PATH: Final = 63  # a commit has fewer than 2^63 statements
MAX_EVIDENCE_BYTES: Final = MAX_STATEMENT_BYTES + MAX_PATH * (HASH_BYTES + 2) + 64  # and keys, lengths, sequence


class Head(Body):
    """One commit of a journal, and its place in the chain of commits."""

    kind = Kind.HEAD

    journal: Count
    chain: Bytes16
    previous: Maybe[Bytes32] = None
    first: Ordinal
    count: Ordinal
    root: Bytes32
    size: Ordinal
    tree: Bytes32
    durable: str

    def check_path(self, statement_id: bytes, sequence: int, path: Sequence[bytes]) -> None:
        """Raise `bad-receipt` unless `path` proves that the statement has this sequence in the commit."""
        index = sequence - self.first
        if not 0 <= index < self.count:
            raise _bad("the sequence is not in the commit")
        if root_from_path(leaf(sequence, statement_id), index, self.count, path) != self.root:
            raise _bad("the statement is not in the commit")


def unsigned_head(signer: bytes, head: Head, *, created: int) -> bytes:
    """What the store keeps in the transaction of the commit, to be signed once that is durable."""
    return unsigned_bytes(signer, Kind.HEAD, head.wire(), created=created, expires=MAX_TIME_MS)


def check_head(statement: Statement, node_key: bytes) -> Head:
    """The body of a head that `node_key` has signed.  Raises `bad-receipt` for anything else.

    Many receipts share a head: check it once, then each path with `Head.check_path`.
    """
    if statement.signer != node_key:
        raise _bad("another node has signed it")
    try:
        statement.verify()
        return Head.from_statement(statement)
    except StatementError as error:
        raise _bad(str(error)) from error


@dataclass(frozen=True, slots=True)
class Receipt:
    """The promise of the node that signed `head`, for the statement at `sequence` of its journal."""

    head: Statement
    sequence: int
    path: tuple[bytes, ...]

    def verify(self, statement_id: bytes, node_key: bytes) -> Head:
        """The head, if this is a receipt of `node_key` for that statement.  Raises `bad-receipt` if not."""
        head = check_head(self.head, node_key)
        head.check_path(statement_id, self.sequence, self.path)
        return head

    def to_bytes(self) -> bytes:
        """The canonical map of `head`, `path` and `sequence`, to be kept as evidence."""
        return canonical.encode({"head": self.head.data, "path": list(self.path), "sequence": self.sequence})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The receipt that `to_bytes` wrote, not verified.  Raises `StatementError` for anything else."""
        match canonical.decode(data, max_bytes=MAX_EVIDENCE_BYTES):
            case {"head": bytes(head), "path": list(path), "sequence": int(sequence), **rest} if not rest:
                return cls(parse_statement(head), _ordinal(sequence), _hashes(path))
        raise _bad("the bytes are not a receipt")


def _ordinal(number: int) -> int:
    if isinstance(number, bool) or not 1 <= number <= MAX_INTEGER:
        raise _bad("the sequence is not one of a journal")
    return number


def _hashes(path: list[Any]) -> tuple[bytes, ...]:
    if len(path) > MAX_PATH or any(type(sibling) is not bytes or len(sibling) != HASH_BYTES for sibling in path):
        raise _bad("the path is not one of hashes")
    return tuple(path)


def _bad(sentence: str) -> StatementError:
    return StatementError(f"the receipt does not prove what it claims: {sentence}", code="bad-receipt")
