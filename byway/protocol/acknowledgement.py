"""The acknowledgement: a subscriber signs for what it was delivered (wire-protocol section 4.10).

Only this releases custody.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from byway.protocol.body import Body, Bytes32, Count, Many, NodeUrn, Ordinal, refused
from byway.protocol.limits import MAX_SUB_BYTES
from byway.protocol.statement import Kind


def _sub(text: str) -> str:
    if not 1 <= len(text.encode()) <= MAX_SUB_BYTES:
        raise refused(f"the name of a subscription has 1 to {MAX_SUB_BYTES} bytes")
    return text


class Acknowledgement(Body):
    """The signer has had everything of one subscription in the journal range (`after`, `through`]."""

    kind = Kind.ACKNOWLEDGEMENT

    router: NodeUrn
    sub: Annotated[str, AfterValidator(_sub)]
    epoch: Count
    journal: Count
    after: Count
    through: Count
    digest: Bytes32
    refused: Many[Annotated[tuple[Ordinal, str], Field(strict=False)]]

    @model_validator(mode="after")
    def _range_is_one(self) -> Self:
        if self.after > self.through:
            raise refused("the range ends before it begins")
        return self


def acks_digest(delivered: Iterable[tuple[int, bytes]]) -> bytes:
    """The digest over the (journal sequence, statement id) of everything delivered in a range, in order."""
    digest = blake2b(digest_size=32, person=b"byway/acks")
    for sequence, statement_id in delivered:
        digest.update(sequence.to_bytes(8, "big") + statement_id)
    return digest.digest()
