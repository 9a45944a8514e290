"""The checker's own reading of statements: fixed offsets, and a table of fields (wire-protocol sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any, Final

from tests.checker import canonical_form, signatures
from tests.checker.facets import BadFacetError, is_facet_name, read_facet
from tests.checker.names import is_urn

CAST, CLOSE, SEALED, MAILBOX, HEAD, ACKNOWLEDGEMENT, NOTICE, RECORD, AGREEMENT, HELLO, OFFER, DECLINE = range(1, 13)
REASONS: Final = frozenset(["price", "place", "time", "terms", "chosen-another", "other"])
HEADER_BYTES: Final = 56
SIGNATURE_BYTES: Final = 64
MAX_BODY_BYTES: Final = 32_768
MAX_TIME_MS: Final = 253_402_300_799_000

_DAY_MS: Final = 86_400_000
_LIFETIMES: Final = (30, 30, 30, 60, None, 1, 30, None, None, 5 / 1440, 90, 30)  # days, by kind from 1


class BadStatementError(ValueError):
    """The bytes are no statement that a node may accept; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement whose form is right.  `fault` says what is wrong with its signature or body; empty: nothing."""

    data: bytes
    kind: int
    signer: bytes
    created: int
    expires: int
    id: bytes
    body: dict[str, Any]
    fault: str


def read_statement(data: bytes) -> Statement:
    """Read and verify, without a clock.  Raises `BadStatementError` if the form is wrong."""
    body_end = len(data) - SIGNATURE_BYTES
    if not 1 <= body_end - HEADER_BYTES <= MAX_BODY_BYTES or data[:3] != b"IB\x01":
        raise BadStatementError("the bytes are not a statement of version 1")
    kind, signer = data[3], data[4:36]
    created, expires, length = (int.from_bytes(data[at:end], "big") for at, end in ((36, 44), (44, 52), (52, 56)))
    if length != body_end - HEADER_BYTES or not 1 <= kind <= len(_LIFETIMES):
        raise BadStatementError("the length or the kind of the statement is wrong")
    longest = _LIFETIMES[kind - 1]
    if not created < expires <= MAX_TIME_MS or (longest is not None and expires - created > longest * _DAY_MS):
        raise BadStatementError("the lifetime of the statement is wrong")
    body, fault = _read_body(kind, data[HEADER_BYTES:body_end])
    if not _is_signed(data):
        fault = "it is not signed by its signer"
    return Statement(data, kind, signer, created, expires, statement_id(data), body, fault)


def statement_id(data: bytes) -> bytes:
    """The id of a statement, which leaves the signature out."""
    return unsigned_id(data[:-SIGNATURE_BYTES])


def unsigned_id(header_and_body: bytes) -> bytes:
    """The id that the statement has when it is signed."""
    return blake2b(header_and_body, digest_size=32, person=b"byway/statement").digest()


def _is_signed(data: bytes) -> bool:
    domain = (b"byway/1/statement/" + data[3:4]).ljust(32, b"\0")
    return signatures.is_signed(data[4:36], domain + data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:])


def _read_body(kind: int, data: bytes) -> tuple[dict[str, Any], str]:
    try:
        body = canonical_form.read(data)
    except canonical_form.NotCanonicalError as error:
        return {}, f"its body is not canonical: {error}"
    if not isinstance(body, dict):
        return {}, "its body is no map"
    for name in (*body, *_named(body.get("facets"))):
        if name.startswith("!"):
            return body, f"its body has the unknown critical key {name!r}"
    for name, is_good in _FIELDS.get(kind, {}).items():
        if name.endswith("?") and name[:-1] not in body:
            continue
        if not is_good(body.get(name.rstrip("?"), _MISSING)):
            return body, f"the field {name!r} of its body is missing or wrong"
    if kind == ACKNOWLEDGEMENT and body["after"] > body["through"]:
        return body, "its range ends before it begins"
    if kind == NOTICE:
        return body, "its kind is reserved"
    return body, ""


def _named(facets: object) -> list[str]:
    return list(facets) if isinstance(facets, dict) else []


def _is_integer(least: int, most: int, value: object) -> bool:
    return type(value) is int and least <= value <= most


def _is_bytes(least: int, most: int, value: object) -> bool:
    return type(value) is bytes and least <= len(value) <= most


def _is_text(least: int, most: int, value: object) -> bool:
    return type(value) is str and least <= len(value.encode()) <= most


def _is_map(value: object) -> bool:
    return type(value) is dict


def _is_padding(value: object) -> bool:
    return type(value) is bytes and not any(value)


def _is_array(least: int, most: int, is_item: Callable[[Any], bool], value: object) -> bool:
    return type(value) is list and least <= len(value) <= most and all(map(is_item, value))


def _is_pair(is_first: Callable[[Any], bool], is_second: Callable[[Any], bool], value: object) -> bool:
    return type(value) is list and len(value) == 2 and is_first(value[0]) and is_second(value[1])


def _are_facets(value: object) -> bool:
    try:
        return (
            type(value) is dict
            and len(value) <= 64
            and all(is_facet_name(name) and read_facet(facet) for name, facet in value.items())
        )
    except BadFacetError:
        return False


def _urn(kind: str) -> Callable[[object], bool]:
    return lambda value: is_urn(value, kind)


_MISSING: Final = object()
_ANY: Final = MAX_BODY_BYTES
_count: Final = partial(_is_integer, 0, canonical_form.MAX_INTEGER)
_ordinal: Final = partial(_is_integer, 1, canonical_form.MAX_INTEGER)
_hash: Final = partial(_is_bytes, 32, 32)
_bytes: Final = partial(_is_bytes, 0, _ANY)
_integer: Final = partial(_is_integer, canonical_form.MIN_INTEGER, canonical_form.MAX_INTEGER)
_text: Final = partial(_is_text, 0, _ANY)

# Name (with ? where it may be left out) and what is a good value, by kind.  Of the other kinds only form, signature
# and canonical form are judged: they travel sealed or in frames, or are an addressing authority's.
_FIELDS: Final[dict[int, dict[str, Callable[[Any], bool]]]] = {
    CAST: {
        "to": _urn("topic"),
        "facets": _are_facets,
        "demand": _is_map,
        "reply": partial(_is_array, 1, 4, partial(_is_pair, _integer, _bytes)),
        "authority": _urn("node"),
        "offers": partial(_is_integer, 1, 1000),
        "terms": partial(_is_array, 0, 8, _urn("terms")),
        "pad?": _is_padding,
    },
    CLOSE: {"cast": _hash, "to": _urn("topic"), "until": partial(_is_integer, 1, MAX_TIME_MS)},
    SEALED: {
        "to": _urn("mailbox"),
        "cast": _hash,
        "serial": partial(_is_integer, 1, 2**53),
        "suite": lambda value: value == 1 and type(value) is int,
        "key": _hash,
        "commit": _hash,
        "nonce": partial(_is_bytes, 24, 24),
        "box": partial(_is_bytes, 0, 16_400),
    },
    MAILBOX: {
        "at": _urn("node"),
        "messages": partial(_is_integer, 1, 1000),
        "bytes": partial(_is_integer, 1, 16_777_216),
    },
    HEAD: {
        "journal": _count,
        "chain": partial(_is_bytes, 16, 16),
        "previous?": _hash,
        "first": _ordinal,
        "count": _ordinal,
        "root": _hash,
        "size": _ordinal,
        "tree": _hash,
        "durable": _text,
    },
    ACKNOWLEDGEMENT: {
        "router": _urn("node"),
        "sub": partial(_is_text, 1, 64),
        "epoch": _count,
        "journal": _count,
        "after": _count,
        "through": _count,
        "digest": _hash,
        "refused": partial(_is_array, 0, _ANY, partial(_is_pair, _ordinal, _text)),
    },
    DECLINE: {"offer": _hash, "reason": lambda value: type(value) is str and value in REASONS},
}
