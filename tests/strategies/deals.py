"""The statements of one deal, small and real, and how they come into a vault."""

from __future__ import annotations

from hashlib import blake2b

from nacl.signing import SigningKey

from byway.node_address import NodeAddress
from byway.protocol.intentcast import make_cast
from byway.protocol.limits import DAY_MS
from byway.protocol.statement import Kind, Statement, make_statement
from byway.protocol.urn import node_urn
from intentron.vault import OwnCast, ReceivedCast, ReceivedOffer, Vault

NOW = 1_790_000_000_000
CAST_ENDS = NOW + 14 * DAY_MS
OFFER_ENDS = NOW + 3 * DAY_MS
ROUTER = NodeAddress(node_urn(bytes(32)), "127.0.0.1:7400")
AUTHORITY = NodeAddress(node_urn(bytes(31) + b"\1"), "[::1]:7402")
TOPIC = "urn:byway:topic:open:homes:boston:condo"


def key(name: str) -> SigningKey:
    """Always the same key for a name."""
    return SigningKey(blake2b(name.encode(), digest_size=32).digest())


def salt(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=16).digest()


def cast(name: str = "mary") -> Statement:
    return make_cast(
        key(name),
        to=TOPIC,
        facets={},
        demand={"@type": "Demand"},
        reply=[(1, bytes(key(name).verify_key))],
        authority=AUTHORITY.node,
        offers=25,
        terms=[],
        now_ms=NOW,
        lifetime_ms=CAST_ENDS - NOW,
    )


def mailbox(name: str = "mary") -> Statement:
    body = {"at": AUTHORITY.node, "messages": 25, "bytes": 100_000}
    return make_statement(key(name), Kind.MAILBOX, body, created=NOW, expires=CAST_ENDS)


def offer(cast_id: bytes, serial: int = 1, seller: str = "farm", *, expires: int = OFFER_ENDS) -> Statement:
    body = {"cast": cast_id, "serial": serial, "offer": {"@type": "Offer"}}
    return make_statement(key(seller), Kind.OFFER, body, created=NOW, expires=expires)


def sealed(cast_id: bytes, serial: int = 1, seller: str = "farm", *, expires: int = OFFER_ENDS) -> Statement:
    body = {"cast": cast_id, "serial": serial}
    return make_statement(key(f"outer {seller}"), Kind.SEALED, body, created=NOW, expires=expires)


def outer_key(seller: str = "farm") -> bytes:
    return bytes(key(f"outer {seller}").verify_key)


def agreement(offered: Statement, name: str = "mary", *, created: int = NOW) -> Statement:
    return make_statement(key(name), Kind.AGREEMENT, {"offer": offered.data}, created=created, expires=CAST_ENDS)


def asked(vault: Vault, name: str = "mary", now: int = NOW) -> OwnCast:
    return vault.casts.add(
        cast(name),
        mailbox(name),
        salt=salt(name),
        sentence="a condo in Boston",
        router=ROUTER,
        authority=AUTHORITY,
        now=now,
    )


def offered(vault: Vault, serial: int = 1, seller: str = "farm", name: str = "mary") -> ReceivedOffer | None:
    cast_id = cast(name).id
    return vault.offers.receive(
        offer(cast_id, serial, seller),
        cast_id=cast_id,
        outer_key=outer_key(seller),
        serial=serial,
        sequence=serial,
        now=NOW,
    )


def came(vault: Vault, name: str = "mary", sub: str = "homes", sequence: int = 1) -> ReceivedCast | None:
    return vault.inbox.receive(cast(name), sub=sub, sequence=sequence, now=NOW)


def answered(vault: Vault, serial: int = 1, name: str = "mary", rule_name: str = "", now: int = NOW) -> bytes:
    cast_id = cast(name).id
    return vault.answers.add(
        offer(cast_id, serial),
        sealed(cast_id, serial),
        cast_id=cast_id,
        serial=serial,
        node=AUTHORITY,
        now=now,
        rule=rule_name,
    ).id
