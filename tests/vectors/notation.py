"""How the golden vectors are written down: bytes as hex, times in milliseconds, signing keys by their seeds.

In a body `{"$hex": "..."}` stands for bytes; everything else is what JSON says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nacl.bindings import crypto_sign
from nacl.signing import SigningKey

from byway.protocol.statement import HEADER, Kind, Statement, make_statement, parse_statement

Vector = dict[str, Any]

NOW = 1_800_000_000_000  # 2027-01-15T08:00:00Z
HOUR = 3_600_000
LATER = NOW + 4 * 60_000  # within the longest lifetime of every kind
DOMAIN = b"byway/1/statement/"


def key(number: int) -> SigningKey:
    """A key that everybody knows: its seed is 32 times the same byte."""
    return SigningKey(bytes([number]) * 32)


def public(number: int) -> bytes:
    return bytes(key(number).verify_key)


def to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$hex": value.hex()}
    if isinstance(value, dict):
        return {name: to_json(item) for name, item in value.items()}
    return [to_json(item) for item in value] if isinstance(value, list | tuple) else value


def from_json(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$hex"}:
            return bytes.fromhex(value["$hex"])
        return {name: from_json(item) for name, item in value.items()}
    return [from_json(item) for item in value] if isinstance(value, list) else value


def load(name: str) -> Vector:
    """The golden vectors in the file with this name."""
    vectors: Vector = json.loads((Path(__file__).parent / f"{name}.json").read_text("utf-8"))
    return vectors


def valid(name: str, number: int, statement: Statement, **inputs: Any) -> Vector:
    """A statement that every reader takes, with what it was made of."""
    return {
        "name": name,
        "seed": bytes(key(number)).hex(),
        "kind": statement.kind.value,
        "created": statement.created,
        "expires": statement.expires,
        "body": to_json(statement.body()),
        **inputs,
        "signer": statement.signer.hex(),
        "id": statement.id.hex(),
        "urn": statement.urn,
        "bytes": statement.data.hex(),
    }


def refused(name: str, data: bytes, code: str, now: int = NOW) -> Vector:
    """Bytes that a reader whose clock shows `now` refuses with `code`."""
    return {"name": name, "now": now, "code": code, "bytes": data.hex()}


def make(number: int, kind: Kind, body: dict[str, Any], *, created: int = NOW, expires: int = LATER) -> Statement:
    """A signed statement with a canonical body that may be wrong in every other way."""
    return make_statement(key(number), kind, body, created=created, expires=expires)


def unsigned(body: bytes, **changes: Any) -> bytes:
    """Head and body of a decline by key 1, with some fields of the head changed."""
    head = {
        "magic": b"IB",
        "version": 1,
        "kind": 12,
        "signer": public(1),
        "created": NOW,
        "expires": LATER,
        "length": len(body),
    }
    head.update(changes)
    return HEADER.pack(*head.values()) + body


def message(head_and_body: bytes, kind: int | None = None, prefix: bytes = DOMAIN) -> bytes:
    """What is signed: the domain, of the statement's own kind or of another, and head and body."""
    return (prefix + bytes([head_and_body[3] if kind is None else kind])).ljust(32, b"\0") + head_and_body


def signed(number: int, head_and_body: bytes, what: bytes | None = None) -> bytes:
    """Head and body with a signature over them, or over something else."""
    signer = key(number)
    over = message(head_and_body) if what is None else what
    return head_and_body + crypto_sign(over, bytes(signer) + bytes(signer.verify_key))[:64]


def flipped(data: bytes, at: int) -> bytes:
    """The same with the lowest bit of one byte turned."""
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def damaged(statement: Statement) -> Statement:
    """The same with one bit of the signature turned."""
    return parse_statement(flipped(statement.data, -1))
