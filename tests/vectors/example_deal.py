"""One deal as an example: a cast for a condo, an offer, its seal, the answers, and the heads of a router."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from byway.protocol.acknowledgement import acks_digest
from byway.protocol.facets import parse_facets
from byway.protocol.hello import Hello, Role, hello_body
from byway.protocol.intentcast import make_cast
from byway.protocol.merkle import Frontier, leaf, root
from byway.protocol.offer import Offer
from byway.protocol.receipt import Head, unsigned_head
from byway.protocol.seal import public_reply_key, seal
from byway.protocol.statement import Statement, sign_statement
from byway.protocol.urn import mailbox_urn, node_urn, to_base32
from tests.vectors.notation import HOUR, LATER, NOW, key, public

BUYER, SELLER, OUTER, ROUTER, AUTHORITY, ROOT, OTHER = range(1, 8)
REPLY_SECRET = b"\x20" * 32
REPLY_KEY = public_reply_key(REPLY_SECRET)
EPHEMERAL = b"\x21" * 32
NONCE = bytes(range(24))
TERMS = "urn:byway:terms:myterms:sd-base"
TOPIC = "urn:byway:topic:open:homes:boston:condo"
COMMIT_SIZE = 5
SKIPPED = 1 << 40  # what a router leaves out between two chains

CAST: dict[str, Any] = {
    "to": TOPIC,
    "facets": {
        "bathrooms": ["decimal", [15, -1], None],
        "bedrooms": ["integer", 2, None],
        "kind": ["text", "condo"],
        "listed": ["instant", NOW - HOUR, None],
        "move_in": ["date", None, 20_970],
        "near": ["place", 42_360_000, -71_060_000, 500],
        "parking": ["boolean", True],
        "price": ["money", "USD", None, 80_000_000],
        "size": ["quantity", "MTK", [7, 1], [12, 1]],
        "zip": ["set", ["02118", "02127"]],
    },
    "demand": {"@type": "Demand", "name": "two-bed condo", "itemOffered": {"@type": "Apartment", "numberOfRooms": 2}},
    "reply": [[1, REPLY_KEY]],
    "authority": node_urn(public(AUTHORITY)),
    "offers": 20,
    "terms": [TERMS],
}


def the_cast(now: int = NOW + 123_456, lifetime: int = 7 * 24 * HOUR, **changes: Any) -> Statement:
    fields = CAST | changes
    facets = parse_facets(fields.pop("facets"))
    return make_cast(key(BUYER), facets=facets, **fields, now_ms=now, lifetime_ms=lifetime)


CLOSE: dict[str, Any] = {"cast": the_cast().id, "to": TOPIC, "until": the_cast().expires}
MAILBOX: dict[str, Any] = {"at": node_urn(public(AUTHORITY)), "messages": 20, "bytes": 400_000}
OFFER: dict[str, Any] = {
    "cast": the_cast().id,
    "reply_key": REPLY_KEY,
    "outer": public(OUTER),
    "serial": 3,
    "reply": [[1, public_reply_key(b"\x22" * 32)]],
    "offer": {"@type": "Offer", "name": "Condo, 2 bedrooms, 02118"},
    "price": ["money", "USD", 75_000_000, 75_000_000],
    "terms": TERMS,
}


def the_offer(**changes: Any) -> Statement:
    return Offer.from_wire(OFFER | changes).sign(key(SELLER), created=NOW, expires=LATER)


AGREEMENT: dict[str, Any] = {"offer": the_offer().data, "terms": TERMS, "roster": b"\x33" * 32}
DECLINE: dict[str, Any] = {"offer": the_offer().id, "reason": "chosen-another"}


def sealing(**changes: Any) -> dict[str, Any]:
    """Everything that goes into a seal but the statement."""
    return {
        "to": mailbox_urn(public(BUYER)),
        "cast": the_cast().id,
        "serial": 3,
        "reply_key": REPLY_KEY,
        "outer_key": key(OUTER),
        "ephemeral_secret": EPHEMERAL,
        "nonce": NONCE,
        "created": NOW,
        "expires": LATER,
    } | changes


def the_seal(inner: Statement | None = None, **changes: Any) -> Statement:
    return seal(inner or the_offer(), **sealing(**changes))


NODE_RECORD: dict[str, Any] = {
    "name": node_urn(public(ROUTER)),
    "serial": 1,
    "ttl": 3600,
    "role": "router",
    "addresses": ["router.example:4433", "192.0.2.7:4433", "[2001:db8::7]:4433"],
    "label": "Ferry Street",
}
TOPIC_RECORD: dict[str, Any] = {
    "name": f"urn:byway:topic:{to_base32(public(ROOT))}:homes:boston",
    "serial": 2,
    "ttl": 86_400,
    "homes": [node_urn(public(ROUTER)), node_urn(public(OTHER))],
    "messaging": node_urn(public(AUTHORITY)),
    "terms": [TERMS],
}
DELIVERED = [(41, b"\x41" * 32), (44, b"\x44" * 32), (45, b"\x45" * 32)]
ACKNOWLEDGEMENT: dict[str, Any] = {
    "router": node_urn(public(ROUTER)),
    "sub": "condos",
    "epoch": 2,
    "journal": 0,
    "after": 40,
    "through": 50,
    "digest": acks_digest(DELIVERED),
    "refused": [[44, "bad-facet"]],
}


def the_hello(role: Role) -> Hello:
    return hello_body(
        role,
        versions=([1], [1, 2]),
        nonces=(b"\x0c" * 16, b"\x05" * 16),
        nodes=(node_urn(public(BUYER)), node_urn(public(ROUTER))),
        server_key=public(ROUTER),
    )


def ids(count: int) -> list[bytes]:
    """Made-up ids of the statements of a commit."""
    return [blake2b(bytes([number]), digest_size=32).digest() for number in range(count)]


def leaves(first: int, count: int) -> list[bytes]:
    return [leaf(first + index, found) for index, found in enumerate(ids(count))]


def restored_head() -> Statement:
    """The first head of a chain that goes on after the third of `heads`, when what came behind it was lost."""
    first = 1 + 3 * COMMIT_SIZE + SKIPPED
    commit = root(leaves(first, COMMIT_SIZE))
    chain = Frontier()
    chain.append(leaf(1, commit))
    head = Head(
        journal=0,
        chain=b"\x0b" * 16,
        previous=heads()[-1].id,
        first=first,
        count=COMMIT_SIZE,
        root=commit,
        size=1,
        tree=chain.root(),
        durable="sqlite-wal-full",
    )
    return sign_statement(key(ROUTER), unsigned_head(public(ROUTER), head, created=NOW + 4))


def heads() -> list[Statement]:
    """A chain of three heads, each over a commit of five statements."""
    chain, previous, made = Frontier(), None, []
    for size in range(1, 4):
        first = 1 + (size - 1) * COMMIT_SIZE
        commit = root(leaves(first, COMMIT_SIZE))
        chain.append(leaf(size, commit))
        head = Head(
            journal=0,
            chain=b"\x0a" * 16,
            previous=previous,
            first=first,
            count=COMMIT_SIZE,
            root=commit,
            size=size,
            tree=chain.root(),
            durable="sqlite-wal-full",
        )
        made.append(sign_statement(key(ROUTER), unsigned_head(public(ROUTER), head, created=NOW + size)))
        previous = made[-1].id
    return made
