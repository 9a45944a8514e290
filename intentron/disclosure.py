"""What leaves this computer with a cast, field by field and in bytes, and who can see it.

The rows are made from the signed statements themselves, so that what is shown is what is sent: those of each statement
add up to its length.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from byway.protocol import canonical
from byway.protocol.calendar_text import format_instant
from byway.protocol.descriptions import describe, printable
from byway.protocol.intentcast import Cast
from byway.protocol.mailbox import Mailbox
from byway.protocol.statement import SIGNATURE_BYTES, Statement
from byway.protocol.topic import Topic
from byway.protocol.urn import KEY_BYTES, OPEN_ROOT, to_base32
from intentron.deal import CastDraft

EVERYBODY: Final = "routers and whoever subscribes"
MESSAGING: Final = "messaging authority"
ADDRESSING: Final = "addressing authority"
BOTH_LINKS: Final = "router and messaging authority"
NOBODY: Final = "nobody"

TIME_BYTES: Final = 8


class Disclosed(NamedTuple):
    """One fact: who learns it, what it is called, how it reads, and how many bytes of the statement it takes."""

    who: str
    field: str
    value: str
    bytes: int


def disclosure(draft: CastDraft, *, sentence: str = "") -> list[Disclosed]:
    """Every field of both statements, what the links show, and what stays here."""
    cast = Cast.from_statement(draft.cast)
    rows = [
        *_statement("cast", draft.cast, dict(_cast_fields(cast)), EVERYBODY),
        *_statement("mailbox", draft.mailbox, dict(_mailbox_fields(Mailbox.from_statement(draft.mailbox))), MESSAGING),
        Disclosed(BOTH_LINKS, "link.address", "the network address of this computer", 0),
        Disclosed(BOTH_LINKS, "link.time", "when it is sent, and when offers are collected", 0),
    ]
    if Topic.parse(cast.to).root != OPEN_ROOT:
        rows.append(Disclosed(ADDRESSING, "link.name", f"that somebody at this address asks for {cast.to}", 0))
    if sentence:
        rows.append(Disclosed(NOBODY, "sentence", printable(sentence), 0))
    return rows


def _statement(name: str, statement: Statement, shown: Mapping[str, str], who: str) -> Iterator[Disclosed]:
    fields = [Disclosed(who, f"{name}.{field}", shown[field], size) for field, size in _sizes(statement)]
    inside = sum(row.bytes for row in fields)
    around = len(statement.data) - inside - KEY_BYTES - 2 * TIME_BYTES - SIGNATURE_BYTES
    yield Disclosed(who, f"{name}.format", f"a {name}, version 1 of the form", around)
    yield Disclosed(who, f"{name}.signer", f"{to_base32(statement.signer)}, made for this cast alone", KEY_BYTES)
    yield Disclosed(who, f"{name}.created", f"{format_instant(statement.created)}, rounded", TIME_BYTES)
    yield Disclosed(who, f"{name}.expires", format_instant(statement.expires), TIME_BYTES)
    yield from fields
    yield Disclosed(who, f"{name}.signature", "by that key", SIGNATURE_BYTES)


def _sizes(statement: Statement) -> Iterator[tuple[str, int]]:
    """The fields of the body as they lie in it; each facet and each word of the demand is a field of its own."""
    for name, value in statement.body().items():
        if name in {"facets", "demand"}:
            for inner, part in value.items():
                yield f"{name}.{inner}", _encoded(inner) + _encoded(part)
        else:
            yield name, _encoded(name) + _encoded(value)


def _encoded(value: Any) -> int:
    return len(canonical.encode(value))


def _cast_fields(cast: Cast) -> Iterator[tuple[str, str]]:
    yield "to", cast.to
    for name, facet in cast.facets.items():
        yield f"facets.{name}", describe(facet)
    for name, value in cast.demand.items():
        yield f"demand.{name}", _json(value)
    yield "reply", "a key to seal offers to, made for this cast alone"
    yield "authority", cast.authority
    yield "offers", f"at most {cast.offers}"
    yield "terms", ", ".join(cast.terms) or "none"
    yield "pad", "zeros, so that the length tells little"


def _mailbox_fields(mailbox: Mailbox) -> Iterator[tuple[str, str]]:
    yield "at", mailbox.at
    yield "messages", f"at most {mailbox.messages}"
    yield "bytes", f"at most {mailbox.bytes:,} together"


def _json(value: Any) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_hexadecimal))


def _hexadecimal(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
