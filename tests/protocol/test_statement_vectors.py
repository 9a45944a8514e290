"""The golden vectors of statements: our reader, and a second one, say what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

from byway.errors import CODES, StatementError
from byway.protocol.acknowledgement import acks_digest
from byway.protocol.agreement import check_agreement
from byway.protocol.bodies import BODIES, body_of
from byway.protocol.close import check_close
from byway.protocol.facets import parse_facets
from byway.protocol.hello import Hello, check_hello
from byway.protocol.intentcast import make_cast
from byway.protocol.merkle import leaf, paths, root
from byway.protocol.offer import Offer, check_offer
from byway.protocol.receipt import Receipt
from byway.protocol.seal import open_sealed, seal
from byway.protocol.statement import Kind, Statement, make_statement, parse_statement
from tests.vectors import second_reader
from tests.vectors.notation import NOW, Vector, from_json, load

FILES = ["statement", "receipt", *(kind.name.lower() for kind in BODIES)]
VECTORS: dict[str, Vector] = {name: load(name) for name in FILES}

# OpenSSL looks neither at small orders nor at the spelling of the key: it may take these, the byway never does.
STRICTER = {
    "key of order 1",
    "key of order 1 with y not below p",
    "key of order 1 with the sign of zero",
    "key of order 8",
    "key and R of order 8",
    "R of order 1",
    "R of order 8",
}


def vectors(section: str, *files: str) -> pytest.MarkDecorator:
    """A parameter for each vector of a section of each file, or of the files named."""
    return pytest.mark.parametrize(
        "vector",
        [
            pytest.param(vector, id=f"{name}: {vector.get('name', number)}")
            for name in files or VECTORS
            for number, vector in enumerate(VECTORS[name].get(section, []))
        ],
    )


GOOD_STATEMENTS = [
    pytest.param(vector, id=f"{name}: {vector['name']}")
    for name, file in VECTORS.items()
    for section in ("valid", "made", "seals", "chain", "restored")
    for vector in file.get(section, [])
    if "seed" in vector
]


def statement(text: str) -> Statement:
    return parse_statement(bytes.fromhex(text))


def code_of(check: Callable[..., object], *arguments: Any, **named: Any) -> str | None:
    try:
        check(*arguments, **named)
    except StatementError as refusal:
        return refusal.code
    return None


def read(data: bytes, now: int) -> None:
    """All that a reader checks, in the order of section 3."""
    found = parse_statement(data)
    found.check_times(now)
    found.verify()
    body_of(found)


@pytest.mark.parametrize("vector", GOOD_STATEMENTS)
def test_a_good_statement_is_read(vector: Vector) -> None:
    found = statement(vector["bytes"])
    body = from_json(vector["body"])

    read(found.data, now=vector.get("now", NOW))
    assert (found.kind, found.created, found.expires) == (vector["kind"], vector["created"], vector["expires"])
    assert (found.signer.hex(), found.id.hex(), found.urn) == (vector["signer"], vector["id"], vector["urn"])
    assert found.body() == body
    known = type(body_of(found)).model_fields
    assert body_of(found).wire() == {name: value for name, value in body.items() if name in known}


@pytest.mark.parametrize("vector", GOOD_STATEMENTS)
def test_a_good_statement_is_written(vector: Vector) -> None:
    key = SigningKey(bytes.fromhex(vector["seed"]))
    body = from_json(vector["body"])

    made = make_statement(key, Kind(vector["kind"]), body, created=vector["created"], expires=vector["expires"])

    assert made.data.hex() == vector["bytes"]


@pytest.mark.parametrize("vector", GOOD_STATEMENTS)
def test_a_second_reader_agrees(vector: Vector) -> None:
    data = bytes.fromhex(vector["bytes"])
    found = second_reader.read(data)

    assert second_reader.is_signed(data)
    assert found["body"] == from_json(vector["body"])
    for name in ("kind", "created", "expires"):
        assert found[name] == vector[name]
    for name in ("signer", "id"):
        assert found[name].hex() == vector[name]


@vectors("refused")
def test_a_bad_statement_is_refused_with_its_code(vector: Vector) -> None:
    assert vector["code"] in CODES
    assert code_of(read, bytes.fromhex(vector["bytes"]), vector["now"]) == vector["code"]


@vectors("refused")
def test_a_second_reader_agrees_on_signatures(vector: Vector) -> None:
    data = bytes.fromhex(vector["bytes"])
    if vector["code"] == "bad-signature":
        assert vector["name"] in STRICTER or not second_reader.is_signed(data)
    elif code_of(parse_statement, data) is None and vector["code"] != "expired":
        assert second_reader.is_signed(data)


@vectors("signatures", "statement")
def test_a_signature_is_judged_as_libsodium_judges_it(vector: Vector) -> None:
    key, message, signature = (bytes.fromhex(vector[name]) for name in ("key", "message", "signature"))

    if vector["good"]:
        assert crypto_sign_open(signature + message, key) == message
    else:
        with pytest.raises(BadSignatureError):
            crypto_sign_open(signature + message, key)
    assert vector["name"] in STRICTER or second_reader.is_good(key, message, signature) == vector["good"]


@vectors("same_statement", "statement")
def test_two_signatures_make_one_statement(vector: Vector) -> None:
    first, second = statement(vector["first"]), statement(vector["second"])

    assert first.data != second.data
    for each in (first, second):
        each.verify()
        assert each.id.hex() == vector["id"]
        assert second_reader.is_signed(each.data)


@vectors("made", "cast")
def test_a_cast_is_made(vector: Vector) -> None:
    fields = {name: value for name, value in from_json(vector["body"]).items() if name != "pad"}
    facets = parse_facets(fields.pop("facets"))
    key = SigningKey(bytes.fromhex(vector["seed"]))

    made = make_cast(key, facets=facets, **fields, now_ms=vector["now"], lifetime_ms=vector["lifetime"])

    assert made.data.hex() == vector["bytes"]


@vectors("checks", "close")
def test_a_close_closes_its_cast(vector: Vector) -> None:
    assert code_of(check_close, statement(vector["close"]), statement(vector["cast"])) == vector["code"]


@vectors("checks", "offer")
def test_an_offer_belongs_to_what_it_came_in(vector: Vector) -> None:
    offer, sealed, cast = (statement(vector[name]) for name in ("offer", "sealed", "cast"))
    reply_key = bytes.fromhex(vector["reply_key"])

    code = code_of(check_offer, Offer.from_statement(offer), sealed=sealed, reply_key=reply_key, cast=cast)

    assert code == vector["code"]


@vectors("checks", "agreement")
def test_an_agreement_is_on_its_cast(vector: Vector) -> None:
    assert code_of(check_agreement, statement(vector["agreement"]), statement(vector["cast"])) == vector["code"]


@vectors("checks", "hello")
def test_a_hello_is_as_expected(vector: Vector) -> None:
    expected = Hello.from_wire(from_json(vector["expected"]))

    assert code_of(check_hello, statement(vector["hello"]), expected, now=vector["now"]) == vector["code"]


def test_the_hello_names_the_key_of_the_certificate() -> None:
    key = bytes.fromhex(VECTORS["hello"]["server_key"])

    assert from_json(VECTORS["hello"]["valid"][0]["body"])["tls"] == second_reader.digest(b"byway/tls", key)


@vectors("seals", "sealed")
def test_a_seal_is_made_and_opened(vector: Vector) -> None:
    secret = bytes.fromhex(vector["reply_secret"])
    body = from_json(vector["body"])

    made = seal(
        statement(vector["inner"]),
        to=body["to"],
        cast=body["cast"],
        serial=body["serial"],
        reply_key=bytes.fromhex(vector["reply_key"]),
        outer_key=SigningKey(bytes.fromhex(vector["seed"])),
        ephemeral_secret=bytes.fromhex(vector["ephemeral_secret"]),
        nonce=bytes.fromhex(vector["nonce"]),
        created=vector["created"],
        expires=vector["expires"],
    )

    assert made.data.hex() == vector["bytes"]
    assert open_sealed(made, secret).data.hex() == vector["inner"]
    assert second_reader.open_box(body, secret).hex() == vector["inner"]


@vectors("not_opened", "sealed")
def test_a_wrong_box_stays_shut(vector: Vector) -> None:
    secret = bytes.fromhex(vector["reply_secret"])

    assert code_of(open_sealed, statement(vector["bytes"]), secret) == vector["code"]


@pytest.mark.parametrize("reply_key", VECTORS["sealed"]["bad_reply_keys"])
def test_nothing_is_sealed_to_a_bad_key(reply_key: str) -> None:
    good = VECTORS["sealed"]["seals"][0]
    body = from_json(good["body"])

    with pytest.raises(StatementError) as refusal:
        seal(
            statement(good["inner"]),
            to=body["to"],
            cast=body["cast"],
            serial=body["serial"],
            reply_key=bytes.fromhex(reply_key),
            outer_key=SigningKey(bytes.fromhex(good["seed"])),
            ephemeral_secret=bytes.fromhex(good["ephemeral_secret"]),
            nonce=bytes.fromhex(good["nonce"]),
            created=good["created"],
            expires=good["expires"],
        )
    assert refusal.value.code == "bad-reply-key"


@vectors("trees", "receipt")
def test_a_tree_has_its_root_and_its_paths(vector: Vector) -> None:
    numbered = list(enumerate((bytes.fromhex(each) for each in vector["ids"]), start=vector["first"]))
    leaves = [leaf(*each) for each in numbered]
    second = [second_reader.tree_leaf(*each) for each in numbered]

    assert [each.hex() for each in leaves] == [each.hex() for each in second] == vector["leaves"]
    assert root(leaves).hex() == second_reader.tree_root(second).hex() == vector["root"]
    assert [[each.hex() for each in path] for path in paths(leaves)] == vector["paths"]
    for index, path in enumerate(vector["paths"]):
        assert [each.hex() for each in second_reader.tree_path(index, second)] == path


def test_a_chain_has_its_tree_after_each_commit() -> None:
    leaves = []
    for step in VECTORS["receipt"]["chain"]:
        leaves.append(second_reader.tree_leaf(step["size"], bytes.fromhex(step["root"])))
        assert second_reader.tree_root(leaves).hex() == step["tree"]


def test_heads_are_chained() -> None:
    leaves, previous = [], None
    for vector in VECTORS["head"]["chain"]:
        body = from_json(vector["body"])
        numbered = enumerate((bytes.fromhex(each) for each in vector["commit"]), start=body["first"])
        commit = second_reader.tree_root([second_reader.tree_leaf(*each) for each in numbered])
        leaves.append(second_reader.tree_leaf(body["size"], commit))
        assert body["root"] == commit
        assert body["tree"] == second_reader.tree_root(leaves)
        assert body.get("previous") == previous
        previous = bytes.fromhex(vector["id"])


def test_a_restored_store_begins_a_chain_that_names_the_last_head_it_has() -> None:
    *_, last = VECTORS["head"]["chain"]
    [vector] = VECTORS["head"]["restored"]
    before, body = from_json(last["body"]), from_json(vector["body"])
    numbered = enumerate((bytes.fromhex(each) for each in vector["commit"]), start=body["first"])
    commit = second_reader.tree_root([second_reader.tree_leaf(*each) for each in numbered])

    assert (body["previous"], body["size"]) == (bytes.fromhex(last["id"]), 1)
    assert body["chain"] != before["chain"]
    assert body["first"] > before["first"] + before["count"]
    assert body["root"] == commit
    assert body["tree"] == second_reader.tree_root([second_reader.tree_leaf(1, commit)])


@vectors("receipts", "receipt")
def test_a_receipt_proves_its_statement_and_no_other(vector: Vector) -> None:
    path = tuple(bytes.fromhex(each) for each in vector["path"])
    receipt = Receipt(statement(vector["head"]), vector["sequence"], path)
    proved, node = bytes.fromhex(vector["id"]), bytes.fromhex(vector["node"])

    assert code_of(receipt.verify, proved, node) == vector["code"]
    if "evidence" in vector:
        assert receipt.to_bytes().hex() == vector["evidence"]
        assert Receipt.from_bytes(bytes.fromhex(vector["evidence"])) == receipt


@vectors("digests", "acknowledgement")
def test_the_digest_of_an_acknowledgement(vector: Vector) -> None:
    delivered = [(sequence, bytes.fromhex(each)) for sequence, each in vector["delivered"]]
    joined = b"".join(sequence.to_bytes(8, "big") + each for sequence, each in delivered)

    assert acks_digest(delivered).hex() == second_reader.digest(b"byway/acks", joined).hex() == vector["digest"]


def test_padding_meets_the_size_classes() -> None:
    for vector in VECTORS["cast"]["sizes"]:
        if vector["pad"] is None:
            assert vector["body"] == vector["bare"]
            continue
        header = 2 if vector["pad"] < 256 else 3
        assert vector["body"] == vector["bare"] + 4 + header + vector["pad"]
        assert vector["body"] in {1024, 2048, 4096, 8192, 16_384}
