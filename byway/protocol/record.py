"""The record: where a node is reached, or who carries a topic (wire-protocol section 4.8)."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from byway.errors import StatementError
from byway.protocol.body import AddressText, Body, Many, Maybe, NodeUrn, Serial, TermsUrns, refused, validator
from byway.protocol.limits import MAX_ADDRESSES, MAX_HOMES, MAX_LABEL_BYTES, MAX_TTL_S
from byway.protocol.statement import Kind, Statement
from byway.protocol.urn import OPEN_ROOT, Urn, from_base32, parse_urn

_NEEDED: Final = {"node": frozenset({"role", "addresses"}), "topic": frozenset({"homes", "messaging"})}
_ALLOWED: Final = {"node": _NEEDED["node"], "topic": _NEEDED["topic"] | {"terms"}}


def _label(text: str) -> str:
    if len(text.encode()) > MAX_LABEL_BYTES:
        raise refused(f"a label has at most {MAX_LABEL_BYTES} bytes")
    return text


class Record(Body):
    """What an answer about `name` says, and for how many seconds it may be kept."""

    kind = Kind.RECORD

    name: Annotated[str, AfterValidator(validator(lambda text: parse_urn(text, "node", "topic").text))]
    serial: Serial
    ttl: Annotated[int, Field(ge=1, le=MAX_TTL_S)]
    role: Maybe[Literal["router", "addressing", "messaging"]] = None
    addresses: Maybe[Annotated[Many[AddressText], Field(min_length=1, max_length=MAX_ADDRESSES)]] = None
    homes: Maybe[Annotated[Many[NodeUrn], Field(min_length=1, max_length=MAX_HOMES)]] = None
    messaging: Maybe[NodeUrn] = None
    terms: Maybe[TermsUrns] = None
    label: Maybe[Annotated[str, AfterValidator(_label)]] = None

    @classmethod
    def from_statement(cls, statement: Statement) -> Self:
        """As every body; also `wrong-signer` unless the key that the name belongs to has signed."""
        record = super().from_statement(statement)
        if statement.signer != authority_key(parse_urn(record.name)):
            raise StatementError(f"{record.name} is not for this key to describe", code="wrong-signer")
        return record

    @model_validator(mode="after")
    def _fields_fit_the_name(self) -> Self:
        about = parse_urn(self.name).kind
        given = {name for names in _ALLOWED.values() for name in names if getattr(self, name) is not None}
        for name in sorted(_NEEDED[about] - given):
            raise refused(f"the field {name!r} of a record about a {about} is missing")
        for name in sorted(given - _ALLOWED[about]):
            raise refused(f"a record about a {about} has no field {name!r}")
        return self


def authority_key(name: Urn) -> bytes | None:
    """The key that may sign a record about this node or topic; None for open topics, which have no record."""
    root = name.parts[0]
    return None if root == OPEN_ROOT else from_base32(root)
