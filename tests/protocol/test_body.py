"""Bodies of every kind: they survive the wire, and whatever is no body is refused with a code and a plain sentence."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from byway.errors import CODES, StatementError
from byway.protocol import canonical
from byway.protocol.bodies import BODIES, body_of
from byway.protocol.body import Body
from byway.protocol.limits import MAX_BODY_BYTES
from byway.protocol.statement import HEADER, Kind, make_statement, sign_statement
from tests.strategies import statements as wire
from tests.strategies.canonical import values
from tests.strategies.statements import Wire, keys

kinds = st.sampled_from(list(BODIES))
DECLINE = {"offer": bytes(32), "reason": "price"}


def code_of(kind: Kind, body: Any) -> str:
    try:
        BODIES[kind].from_wire(body)
    except StatementError as refusal:
        return refusal.code
    return ""


def test_every_kind_but_the_reserved_one_has_a_body() -> None:
    assert set(BODIES) == set(Kind) - {Kind.NOTICE}


@given(st.data(), kinds)
def test_a_body_survives_the_wire(data: st.DataObject, kind: Kind) -> None:
    decoded = canonical.decode(canonical.encode(data.draw(wire.BODIES[kind])), max_bytes=MAX_BODY_BYTES)
    assert isinstance(decoded, dict)

    body = BODIES[kind].from_wire(decoded)

    assert body.wire() == decoded
    assert BODIES[kind].from_wire(body.wire()) == body


@given(st.data(), kinds, keys)
def test_a_body_of_another_kind_is_refused(data: st.DataObject, kind: Kind, key: SigningKey) -> None:
    other = data.draw(kinds.filter(lambda other: other is not kind))
    statement = make_statement(key, kind, data.draw(wire.BODIES[kind]), created=1, expires=2)

    with pytest.raises(StatementError) as refusal:
        BODIES[other].from_statement(statement)
    assert refusal.value.code == "bad-body"


@given(st.binary(min_size=1, max_size=120), kinds)
def test_any_bytes_are_a_body_or_are_refused(data: bytes, kind: Kind) -> None:
    key = SigningKey(bytes(32))
    header = HEADER.pack(b"IB", 1, kind, bytes(key.verify_key), 1, 2, len(data))

    with pytest.raises(StatementError) as refusal:
        body_of(sign_statement(key, header + data))
    assert refusal.value.code in CODES


@given(st.data(), kinds)
def test_any_value_in_any_field_is_a_body_or_is_refused(data: st.DataObject, kind: Kind) -> None:
    body = data.draw(wire.BODIES[kind])
    field = data.draw(st.sampled_from(sorted(body)))

    code = code_of(kind, body | {field: data.draw(values())})

    assert not code or code in CODES


@given(st.data(), kinds)
def test_a_missing_field_is_refused_by_its_name(data: st.DataObject, kind: Kind) -> None:
    body = data.draw(wire.BODIES[kind])
    needed = [name for name, field in BODIES[kind].model_fields.items() if field.is_required()]
    field = data.draw(st.sampled_from(needed))

    with pytest.raises(StatementError) as refusal:
        BODIES[kind].from_wire({name: value for name, value in body.items() if name != field})
    assert refusal.value.code == "bad-body"
    assert repr(field) in str(refusal.value)


@given(st.data(), kinds)
def test_a_field_that_may_be_left_out_is_never_nil(data: st.DataObject, kind: Kind) -> None:
    body = data.draw(wire.BODIES[kind])
    for name, field in BODIES[kind].model_fields.items():
        if not field.is_required():
            assert code_of(kind, body | {name: None}) == "bad-body"


@given(st.data(), kinds, st.text(min_size=1).filter(lambda text: not text.startswith("!")), values())
def test_a_key_that_is_not_known_is_ignored(data: st.DataObject, kind: Kind, key: str, value: Any) -> None:
    body = data.draw(wire.BODIES[kind])
    if key not in BODIES[kind].model_fields:
        assert BODIES[kind].from_wire(body | {key: value}) == BODIES[kind].from_wire(body)


@given(st.data(), kinds, st.text(max_size=5))
def test_a_critical_key_that_is_not_known_is_refused(data: st.DataObject, kind: Kind, rest: str) -> None:
    body = data.draw(wire.BODIES[kind])

    assert code_of(kind, body | {"!" + rest: None}) == "unknown-critical-key"


@pytest.mark.parametrize("reason", [b"price", 1, True, None, ["price"], {"price": 1}, "cheap", "Price"])
def test_nothing_is_converted(reason: Any) -> None:
    assert code_of(Kind.DECLINE, DECLINE | {"reason": reason}) == "bad-body"


def test_true_is_no_integer() -> None:
    mailbox: Wire = {"at": "urn:byway:node:" + "a" * 52, "messages": 1, "bytes": 1}

    assert not code_of(Kind.MAILBOX, mailbox)
    assert code_of(Kind.MAILBOX, mailbox | {"messages": True}) == "bad-body"


def test_the_first_fault_in_the_order_of_the_table_decides() -> None:
    mailbox: Wire = {"at": "urn:nobody", "messages": 0, "bytes": 0}

    assert code_of(Kind.MAILBOX, mailbox) == "bad-urn"
    assert code_of(Kind.MAILBOX, mailbox | {"at": 5}) == "bad-body"
    assert code_of(Kind.MAILBOX, {"messages": 0}) == "bad-body"
    assert code_of(Kind.SEALED, {"to": "x", "suite": 2}) == "bad-urn"
    assert code_of(Kind.SEALED, {"to": "urn:byway:mailbox:" + "a" * 52, "suite": 2}) == "bad-body"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"reason": "price"}, "the field 'offer' of a decline is missing"),
        ({"offer": b"", "reason": "price"}, "the field 'offer' of a decline is of the wrong type or out of bounds"),
        (DECLINE | {"!x": 1}, "the key '!x' is not known here, and says that it has to be"),
    ],
)
def test_a_refusal_is_one_plain_sentence(body: Wire, sentence: str) -> None:
    with pytest.raises(StatementError) as refusal:
        BODIES[Kind.DECLINE].from_wire(body)

    assert str(refusal.value) == sentence
    assert "pydantic" not in "".join(traceback.format_exception(refusal.value))


def test_a_refusal_of_a_name_says_in_which_field_it_stands() -> None:
    with pytest.raises(StatementError, match=r"^at: 'urn:nobody' is not a URN"):
        BODIES[Kind.MAILBOX].from_wire({"at": "urn:nobody", "messages": 1, "bytes": 1})


def test_a_body_cannot_be_changed() -> None:
    body: Body = BODIES[Kind.DECLINE].from_wire(DECLINE)

    with pytest.raises(ValueError, match="frozen"):
        body.reason = "place"  # type: ignore[attr-defined]  # the point of the test


def test_the_reserved_kind_is_refused() -> None:
    notice = make_statement(SigningKey(bytes(32)), Kind.NOTICE, {}, created=1, expires=2)

    with pytest.raises(StatementError) as refusal:
        body_of(notice)
    assert refusal.value.code == "unknown-kind"
