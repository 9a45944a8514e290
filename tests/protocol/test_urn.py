"""URNs: one spelling for each name, and a refusal for every other."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from byway.errors import StatementError
from byway.protocol.limits import MAX_SEGMENT_BYTES, MAX_SEGMENTS
from byway.protocol.urn import (
    Urn,
    from_base32,
    is_segment,
    mailbox_urn,
    node_urn,
    parse_urn,
    statement_urn,
    to_base32,
)
from tests.strategies.topics import keys, segments

KEY = to_base32(bytes(range(32)))


def refusal(text: str, *kinds: str) -> str:
    """The code that refuses the text, or nothing; what is accepted has to come out as it went in."""
    try:
        urn = parse_urn(text, *kinds)
    except StatementError as error:
        return error.code
    assert urn.text == text
    return ""


@given(
    st.one_of(
        st.text(),
        st.text("urn:byway:topicnode%41F0é-*", max_size=60),
        st.builds("urn:byway:{}:{}".format, st.sampled_from(["topic", "node", "terms", "thing"]), st.text()),
    )
)
def test_any_text_is_a_urn_in_its_one_spelling_or_bad(text: str) -> None:
    assert refusal(text) in {"", "bad-urn"}


@given(keys)
def test_a_key_comes_back_from_each_urn_that_is_named_after_one(key: bytes) -> None:
    for made, kind in ((node_urn(key), "node"), (mailbox_urn(key), "mailbox"), (statement_urn(key), "statement")):
        urn = parse_urn(made, kind)
        assert urn == Urn(kind, (to_base32(key),))
        assert urn.key == key
        assert str(urn) == made


@given(st.text("abcz234567=A018", min_size=50, max_size=54))
def test_any_text_is_base32_in_its_one_spelling_or_bad(text: str) -> None:
    try:
        data = from_base32(text)
    except StatementError:
        return
    assert to_base32(data) == text
    assert len(data) == 32


@given(segments)
def test_what_the_strategies_call_a_segment_is_one(segment: str) -> None:
    assert is_segment(segment)


@example("%80" * 21 + "!")  # takes no longer than any other
@given(st.text("a%C3A9-E2ce8", max_size=70))
def test_a_segment_is_the_one_spelling_of_its_text(text: str) -> None:
    if is_segment(text):
        assert 1 <= len(text) <= MAX_SEGMENT_BYTES
        raw = bytearray()
        rest = text
        while rest:
            piece, rest = (rest[:3], rest[3:]) if rest[0] == "%" else (rest[:1], rest[1:])
            raw += bytes.fromhex(piece[1:]) if len(piece) == 3 else piece.encode()
        spelt = "".join(
            char if char.isascii() else "".join(f"%{byte:02X}" for byte in char.encode()) for char in raw.decode()
        )
        assert spelt == text


@pytest.mark.parametrize(
    "text",
    [
        "urn:byway:topic:open:homes",
        f"urn:byway:topic:{KEY}:homes:2-bed",
        "urn:byway:topic:open:caf%C3%A9",
        "urn:byway:topic:open" + ":a" * MAX_SEGMENTS,
        "urn:byway:topic:open:" + "a" * MAX_SEGMENT_BYTES,
        f"urn:byway:node:{KEY}",
        "urn:byway:terms:myterms:p2b1",
        "urn:byway:thing:isbn:9780000000000",
    ],
)
def test_good_urns_are_accepted(text: str) -> None:
    assert refusal(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "urn:byway",
        "urn:byway:topic",
        "urn:byway:topic:open",
        "urn:byway:topic:open:",
        "urn:byway:topic:open:a:",
        "urn:byway:topic:open::a",
        "urn:byway:topic:home:a",
        "URN:byway:topic:open:a",
        "urn:byway:topic:open:A",
        "urn:byway:topic:open:a\n",
        "urn:byway:topic:open:*",
        "urn:byway:topic:open:café",
        "urn:byway:topic:open:caf%c3%a9",
        "urn:byway:topic:open:%61",
        "urn:byway:topic:open:%C3",
        "urn:byway:topic:open:%C0%80",
        "urn:byway:topic:open:%ED%A0%80",
        "urn:byway:topic:open" + ":a" * (MAX_SEGMENTS + 1),
        "urn:byway:topic:open:" + "a" * (MAX_SEGMENT_BYTES + 1),
        "urn:byway:topic:open" + (":" + "a" * 60) * 4,
        f"urn:byway:node:{KEY.upper()}",
        f"urn:byway:node:{KEY}=",
        f"urn:byway:node:{KEY[:-1]}",
        f"urn:byway:node:{KEY}:a",
        "urn:byway:node:" + "a" * 51 + "b",
        "urn:byway:terms:myterms",
        "urn:byway:terms:a:b:c",
        "urn:byway:person:a",
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    assert refusal(text) == "bad-urn"


def test_a_urn_of_another_kind_is_refused() -> None:
    assert refusal(f"urn:byway:node:{KEY}", "topic", "mailbox") == "bad-urn"
    assert refusal(f"urn:byway:node:{KEY}", "topic", "node") == ""
