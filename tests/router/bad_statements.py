"""One statement for each way to be wrong, with the code that it is refused with."""

from __future__ import annotations

from typing import Any

import msgpack
from nacl.bindings import crypto_sign
from nacl.signing import SigningKey

from byway.protocol.acknowledgement import Acknowledgement
from byway.protocol.limits import DAY_MS, HOUR_MS, MAX_BODY_BYTES, MINUTE_MS
from byway.protocol.statement import HEADER, SIGNATURE_BYTES, Kind
from byway.protocol.urn import node_urn
from tests.router.node_in_memory import BUYER, NODE, SELLER, Node

BODY: dict[str, Any] = {
    "to": "urn:byway:topic:open:homes",
    "facets": {},
    "demand": {},
    "reply": [[1, bytes(32)]],
    "authority": NODE,
    "offers": 1,
    "terms": [],
}


def signed(
    body: bytes,
    *,
    created: int,
    expires: int,
    kind: int = Kind.CAST,
    version: int = 1,
    magic: bytes = b"IB",
    domain_kind: int | None = None,
    key: SigningKey = BUYER,
) -> bytes:
    """These parts as one statement, however wrong they are."""
    front = HEADER.pack(magic, version, kind, bytes(key.verify_key), created, expires, len(body)) + body
    domain = (b"byway/1/statement/" + bytes([kind if domain_kind is None else domain_kind])).ljust(32, b"\0")
    secret = bytes(key) + bytes(key.verify_key)
    return front + crypto_sign(domain + front, secret)[:SIGNATURE_BYTES]


def bad_statements(node: Node) -> list[tuple[str, bytes]]:
    """Pairs of a code and a statement that is refused with it."""
    now = node.now_ms()
    times: Any = {"created": now, "expires": now + HOUR_MS}
    good = node.cast().data
    canonical = _packed(BODY)

    def with_body(**changes: Any) -> bytes:
        return signed(_packed(BODY | changes), **times)

    def acknowledgement(router: str, key: SigningKey) -> bytes:
        body = {"router": router, "sub": "s", "epoch": 1, "journal": 0, "after": 0, "through": 1}
        made = Acknowledgement.from_wire(body | {"digest": bytes(32), "refused": []})
        return made.sign(key, created=now, expires=now + HOUR_MS).data

    nested: Any = {}
    for _ in range(40):
        nested = {"a": nested}
    twice = bytes([canonical[0] + 1]) + canonical[1:] + _packed("to") + _packed(BODY["to"])
    return [
        ("malformed", b""),
        ("malformed", b"no statement, but as long as one might be" * 5),
        ("malformed", good[:-1]),
        ("malformed", good[: HEADER.size]),
        ("malformed", good + b"\0"),
        ("malformed", signed(canonical, magic=b"XB", **times)),
        ("too-large", signed(bytes(MAX_BODY_BYTES + 1), **times)),
        ("too-large", with_body(demand={"list": [0] * 5000})),
        ("too-deep", with_body(demand=nested)),
        ("duplicate-key", signed(twice, **times)),
        ("not-canonical", signed(canonical + b"\0", **times)),
        ("not-canonical", signed(canonical[:-1], **times)),
        ("not-canonical", with_body(demand={"a": 1.5})),
        ("not-canonical", signed(bytes([0xDE, 0, len(BODY)]) + canonical[1:], **times)),
        ("not-canonical", signed(msgpack.packb({"b": 1, "a": 1}), **times)),
        ("not-canonical", signed(canonical.replace(b"open:homes", b"open:h\xff\xffes"), **times)),
        ("bad-signature", good[:-1] + bytes([good[-1] ^ 1])),
        ("bad-signature", signed(canonical, domain_kind=Kind.CLOSE, **times)),
        ("bad-signature", good[:4] + bytes(SELLER.verify_key) + good[36:]),
        ("expired", signed(canonical, created=now - HOUR_MS, expires=now)),
        ("future-dated", signed(canonical, created=now + 3 * MINUTE_MS, expires=now + HOUR_MS)),
        ("bad-lifetime", signed(canonical, created=now, expires=now)),
        ("bad-lifetime", signed(canonical, created=now, expires=2**63)),
        ("lifetime-too-long", signed(canonical, created=now, expires=now + 31 * DAY_MS)),
        ("unknown-version", signed(canonical, version=2, **times)),
        ("unknown-kind", signed(canonical, kind=99, **times)),
        ("unknown-critical-key", with_body(**{"!must": 1})),
        ("bad-body", signed(_packed([]), **times)),
        ("bad-body", signed(_packed({}), **times)),
        ("bad-body", with_body(offers=0)),
        ("bad-body", with_body(reply=[])),
        ("bad-urn", with_body(to="urn:byway:topic:open:Homes")),
        ("bad-urn", with_body(to="urn:byway:node:" + "x" * 3000)),
        ("bad-facet", with_body(facets={"beds": ["integer", 3, 2]})),
        ("not-admitted", signed(_packed({}), kind=Kind.DECLINE, **times)),
        ("not-admitted", signed(_packed({}), kind=Kind.NOTICE, **times)),
        ("not-admitted", signed(_packed({}), kind=Kind.HEAD, **times)),
        ("wrong-signer", acknowledgement(NODE, BUYER)),
        ("bad-body", acknowledgement(node_urn(bytes(SELLER.verify_key)), SELLER)),
    ]


def _packed(value: Any) -> bytes:
    """Msgpack with sorted keys, and otherwise anything."""
    if isinstance(value, dict):
        value = {key: value[key] for key in sorted(value)}
    packed: bytes = msgpack.packb(value)
    return packed
