"""The golden vectors of what nodes sign: records, heads, receipts, acknowledgements and hellos."""

from __future__ import annotations

from byway.protocol.acknowledgement import acks_digest
from byway.protocol.hello import make_hello
from byway.protocol.merkle import Frontier, leaf, paths, root
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Kind
from byway.protocol.urn import mailbox_urn, node_urn
from tests.vectors.cases import BAD, Changes, bodies, faults
from tests.vectors.example_deal import (
    ACKNOWLEDGEMENT,
    BUYER,
    COMMIT_SIZE,
    DELIVERED,
    NODE_RECORD,
    OTHER,
    ROOT,
    ROUTER,
    TOPIC_RECORD,
    heads,
    ids,
    leaves,
    restored_head,
    the_cast,
    the_hello,
)
from tests.vectors.notation import (
    NOW,
    Vector,
    damaged,
    key,
    make,
    public,
    refused,
    to_json,
    valid,
)


def record() -> Vector:
    addresses = ["", "host", "host:0", "host:01", "host:65536", "::1:4433", "[::g]:1", "[::1%lo]:1"]
    addresses += ["https://host:1", "ho st:1", ".host:1", "host-:1", "h" * 254 + ":1"]
    opened = TOPIC_RECORD | {"name": "urn:byway:topic:open:homes"}
    return {
        "about": "The record, section 4.8.",
        "valid": [
            *bodies(ROUTER, Kind.RECORD, NODE_RECORD, ("no label", {"label": ...})),
            *bodies(ROOT, Kind.RECORD, TOPIC_RECORD, ("no terms", {"terms": ...}), ("a label", {"label": "ü" * 32})),
        ],
        "refused": [
            *faults(
                ROUTER,
                Kind.RECORD,
                NODE_RECORD,
                *((f"address {each!r}", {"addresses": [each]}, BAD) for each in addresses),
                ("nine addresses", {"addresses": ["router.example:1"] * 9}, BAD),
                ("no such role", {"role": "seller"}, BAD),
                ("a name that has no record", {"name": mailbox_urn(public(ROUTER))}, "bad-urn"),
                ("homes of a node", {"homes": TOPIC_RECORD["homes"]}, BAD),
                ("serial 0", {"serial": 0}, BAD),
                ("ttl over a week", {"ttl": 604_801}, BAD),
                ("a label of 65 bytes", {"label": "x" * 65}, BAD),
            ),
            *faults(
                ROOT,
                Kind.RECORD,
                TOPIC_RECORD,
                ("no homes", {"homes": []}, BAD),
                ("nine homes", {"homes": TOPIC_RECORD["homes"][:1] * 9}, BAD),
                ("the role of a topic", {"role": "router"}, BAD),
            ),
            refused("a node by another key", make(OTHER, Kind.RECORD, NODE_RECORD).data, "wrong-signer"),
            refused("a topic by another key", make(ROUTER, Kind.RECORD, TOPIC_RECORD).data, "wrong-signer"),
            refused("an open topic", make(ROOT, Kind.RECORD, opened).data, "wrong-signer"),
        ],
    }


def head() -> Vector:
    first, second, third = heads()
    body = third.body()
    return {
        "about": "The head, section 4.9: a chain of three, each over a commit of five statements (see receipt.json). "
        "`restored`: the first head of a chain that goes on after them, with sequences far beyond.",
        "restored": [valid("size 1 again", ROUTER, restored_head(), commit=[each.hex() for each in ids(COMMIT_SIZE)])],
        "chain": [
            valid(f"size {size}", ROUTER, each, commit=[found.hex() for found in ids(COMMIT_SIZE)])
            for size, each in enumerate((first, second, third), start=1)
        ],
        "valid": bodies(ROUTER, Kind.HEAD, body),
        "refused": faults(
            ROUTER,
            Kind.HEAD,
            body,
            ("journal -1", {"journal": -1}, BAD),
            ("a chain of 15 bytes", {"chain": bytes(15)}, BAD),
            ("first 0", {"first": 0}, BAD),
            ("count 0", {"count": 0}, BAD),
            ("size 0", {"size": 0}, BAD),
            ("a root of 31 bytes", {"root": bytes(31)}, BAD),
            ("durable is bytes", {"durable": b"sqlite-wal-full"}, BAD),
        ),
    }


def receipt() -> Vector:
    middle = heads()[1]
    first, index = 1 + COMMIT_SIZE, 2
    path = paths(leaves(first, COMMIT_SIZE))[index]
    good = {
        "node": public(ROUTER),
        "id": ids(COMMIT_SIZE)[index],
        "head": middle.data,
        "sequence": first + index,
        "path": path,
    }
    wrong: list[tuple[str, Changes]] = [
        ("another node", {"node": public(OTHER)}),
        ("another statement", {"id": ids(COMMIT_SIZE)[index + 1]}),
        ("the next sequence", {"sequence": first + index + 1}),
        ("before the commit", {"sequence": first - 1}),
        ("after the commit", {"sequence": first + COMMIT_SIZE}),
        ("another head", {"head": heads()[2].data}),
        ("a head that is not signed", {"head": damaged(middle).data}),
        ("no head", {"head": the_cast().data}),
        ("path too short", {"path": path[:-1]}),
        ("path too long", {"path": [*path, bytes(32)]}),
        ("path upside down", {"path": path[::-1]}),
        ("a short hash", {"path": [path[0][:-1], *path[1:]]}),
    ]
    evidence = Receipt(middle, first + index, tuple(path)).to_bytes()
    return {
        "about": "Merkle trees and receipts, section 7.  `receipts` says whether `node` has promised to keep the "
        "statement with this `id`; `evidence` is a receipt as it is kept in a file.",
        "trees": [tree(7, count) for count in (1, 2, 3, 4, 5, 6, 7, 8, 13)],
        "chain": chain(9),
        "receipts": [{"name": "good", **to_hex(good), "code": None, "evidence": evidence.hex()}]
        + [{"name": name, **to_hex(good | changes), "code": "bad-receipt"} for name, changes in wrong],
    }


def to_hex(fields: Changes) -> Vector:
    """The fields of a receipt; everything in it is bytes but the sequence."""
    named = {name: to_json(value) for name, value in fields.items() if name != "path"}
    plain = {name: value["$hex"] if isinstance(value, dict) else value for name, value in named.items()}
    return plain | {"path": [sibling.hex() for sibling in fields["path"]]}


def tree(first: int, count: int) -> Vector:
    found = leaves(first, count)
    return {
        "first": first,
        "ids": [each.hex() for each in ids(count)],
        "leaves": [each.hex() for each in found],
        "root": root(found).hex(),
        "paths": [[sibling.hex() for sibling in path] for path in paths(found)],
    }


def chain(commits: int) -> list[Vector]:
    """The tree over the commit roots of a chain, after each commit."""
    frontier, steps = Frontier(), []
    for number, commit_root in enumerate(ids(commits), start=1):
        frontier.append(leaf(number, commit_root))
        steps.append({"size": number, "root": commit_root.hex(), "tree": frontier.root().hex()})
    return steps


def acknowledgement() -> Vector:
    return {
        "about": "The acknowledgement, section 4.10, and the digest in it.",
        "digests": [
            {"delivered": [[sequence, found.hex()] for sequence, found in each], "digest": acks_digest(each).hex()}
            for each in ([], DELIVERED[:1], DELIVERED)
        ],
        "valid": bodies(OTHER, Kind.ACKNOWLEDGEMENT, ACKNOWLEDGEMENT, ("nothing refused", {"refused": []})),
        "refused": faults(
            OTHER,
            Kind.ACKNOWLEDGEMENT,
            ACKNOWLEDGEMENT,
            ("no name", {"sub": ""}, BAD),
            ("a name of 65 bytes", {"sub": "x" * 65}, BAD),
            ("a range upside down", {"after": 51}, BAD),
            ("a sequence below zero", {"after": -1}, BAD),
            ("a digest of 31 bytes", {"digest": bytes(31)}, BAD),
            ("refused without a code", {"refused": [[44]]}, BAD),
        ),
    }


def hello() -> Vector:
    client, server = the_hello("client"), the_hello("server")
    good = make_hello(key(BUYER), client, now=NOW)
    answer = make_hello(key(ROUTER), server, now=NOW)
    more = make(BUYER, Kind.HELLO, client.wire() | {"zz": 1})
    nonces = {"nonces": list(reversed(client.wire()["nonces"]))}
    checks = [
        ("the client's", good, client, NOW, None),
        ("the server's", answer, server, NOW, None),
        ("two minutes early", good, client, NOW - 120_000, None),
        ("too early", good, client, NOW - 120_001, "clock-differs"),
        ("expired", good, client, good.expires, "clock-differs"),
        ("turned round", good, server, NOW, "hello-mismatch"),
        ("signed by the other end", make(ROUTER, Kind.HELLO, client.wire()), client, NOW, "hello-mismatch"),
        ("nonces exchanged", make(BUYER, Kind.HELLO, client.wire() | nonces), client, NOW, "hello-mismatch"),
        (
            "as seen in another handshake",
            make(BUYER, Kind.HELLO, client.wire() | {"tls": bytes(32)}),
            client,
            NOW,
            "hello-mismatch",
        ),
        ("one key too many", more, client, NOW, "hello-mismatch"),
        ("not signed", damaged(good), client, NOW, "hello-mismatch"),
        ("of another kind", make(BUYER, Kind.DECLINE, client.wire()), client, NOW, "hello-mismatch"),
    ]
    return {
        "about": "The hello, sections 4.11 and 8.3.  `server_key` is the key in the certificate, hashed as `tls`.",
        "server_key": public(ROUTER).hex(),
        "valid": bodies(BUYER, Kind.HELLO, client.wire()),
        "refused": faults(
            BUYER,
            Kind.HELLO,
            client.wire(),
            ("no such role", {"role": "peer"}, BAD),
            ("one list of versions", {"versions": [[1]]}, BAD),
            ("a nonce of 15 bytes", {"nonces": [bytes(15), bytes(16)]}, BAD),
            ("a node that is none", {"nodes": [mailbox_urn(public(BUYER)), node_urn(public(ROUTER))]}, "bad-urn"),
        ),
        "checks": [
            {"name": name, "now": now, "expected": to_json(expected.wire()), "hello": each.data.hex(), "code": code}
            for name, each, expected, now, code in checks
        ],
    }
