"""The checker's own reading of heads and receipts (wire-protocol sections 4.9 and 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from tests.checker import canonical_form, merkle
from tests.checker.statements import HEAD, HEADER_BYTES, BadStatementError, read_statement, unsigned_id

MAX_PATH: Final = 63


class BadReceiptError(ValueError):
    """The bytes are no receipt."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a node says about one commit.  `id` is that of the head statement."""

    id: bytes
    node: bytes
    journal: int
    chain: bytes
    previous: bytes | None
    first: int
    count: int
    root: bytes
    size: int
    tree: bytes


class Receipt(NamedTuple):
    """A head as it was sent, a sequence and a path."""

    head: bytes
    sequence: int
    path: tuple[bytes, ...]


def read_receipt(data: bytes) -> Receipt:
    """The receipt in its form as evidence, not proved.  Raises `BadReceiptError`."""
    try:
        value = canonical_form.read(data)
    except canonical_form.NotCanonicalError as error:
        raise BadReceiptError(f"the receipt is not canonical: {error}") from error
    match value:
        case {"head": bytes(head), "path": [*path], "sequence": sequence} if (
            type(sequence) is int
            and sequence > 0
            and len(path) <= MAX_PATH
            and all(type(sibling) is bytes and len(sibling) == merkle.HASH_BYTES for sibling in path)
        ):
            return Receipt(head, sequence, tuple(path))
    raise BadReceiptError("the bytes are no receipt")


def read_head(data: bytes) -> Head:
    """The head in a head statement that its node has signed.  Raises `BadReceiptError`."""
    try:
        statement = read_statement(data)
    except BadStatementError as error:
        raise BadReceiptError(f"the head is no statement: {error}") from error
    if statement.kind != HEAD or statement.fault:
        raise BadReceiptError(f"the head is not good: {statement.fault or 'it is a statement of another kind'}")
    return _head(statement.id, statement.signer, statement.body)


def read_unsigned_head(data: bytes) -> Head:
    """The head in header and body alone, as a store keeps it.  Raises `BadReceiptError`."""
    try:
        return _head(unsigned_id(data), data[4:36], canonical_form.read(data[HEADER_BYTES:]))
    except (canonical_form.NotCanonicalError, KeyError, TypeError) as error:
        raise BadReceiptError(f"the stored head cannot be read: {error!r}") from error


def proves(receipt: Receipt, head: Head, statement_id: bytes) -> bool:
    """Whether the receipt proves that the statement is in the commit of its head."""
    leaf = merkle.leaf(receipt.sequence, statement_id)
    return merkle.leads_to(head.root, leaf, receipt.sequence - head.first, head.count, receipt.path)


def _head(head_id: bytes, node: bytes, body: dict[str, Any]) -> Head:
    names = ("journal", "chain", "first", "count", "root", "size", "tree")
    journal, chain, first, count, root, size, tree = (body[name] for name in names)
    return Head(head_id, node, journal, chain, body.get("previous"), first, count, root, size, tree)
