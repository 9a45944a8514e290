"""Topics as people type them: what names one, and what somebody is told whose text names none."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import StatementError
from byway.protocol.topic import Topic
from byway.protocol.urn import to_base32
from byway.topic_text import parse_pattern_text, parse_topic_text

KEY = to_base32(bytes(32))
PETNAMES = {"condos": "urn:byway:topic:open:homes:boston:condo", "food": f"urn:byway:topic:{KEY}:food"}


@pytest.mark.parametrize(
    ("text", "urn"),
    [
        ("open:homes:boston", "urn:byway:topic:open:homes:boston"),
        (" urn:byway:topic:open:homes ", "urn:byway:topic:open:homes"),
        ("condos", "urn:byway:topic:open:homes:boston:condo"),
        ("food:eggs", f"urn:byway:topic:{KEY}:food:eggs"),
    ],
)
def test_a_topic_is_named_in_short_in_full_or_by_petname(text: str, urn: str) -> None:
    assert parse_topic_text(text, PETNAMES) == urn
    assert parse_pattern_text(text, PETNAMES) == urn.removeprefix("urn:byway:topic:")


@pytest.mark.parametrize(
    ("text", "sentence", "next_step"),
    [
        ("homes", "homes is no petname of yours; a topic is written open:homes:boston", "write it as open:homes"),
        ("codnos", "codnos is no petname of yours", "write it as condos"),
        ("opne:homes:boston", "opne is no petname of yours", "write it as open:homes:boston"),
        ("open:Homes:boston", "small letters only", "write it as open:homes:boston"),
        ("OPEN:homes", "small letters only", "write it as open:homes"),
        ("URN:BYWAY:TOPIC:open:homes", "small letters only", "write it as open:homes"),
        ("Condos", "small letters only", "write it as condos"),
        ("open:new homes", "has a-z, 0-9 and - between its colons", "write it as open:new-homes"),
        ("open:Café", "has a-z, 0-9 and -", "write it as open:caf%C3%A9"),
        ("open", "'open' alone is no topic", "write it as open:homes:boston"),
        ("open:", "'open:' alone is no topic", "write it as open:homes:boston"),
        ("open::x", "'open::x' is not the name of a topic", "write it as open:homes:boston"),
        ("", "is no petname of yours", "write it as open:homes:boston"),
        ("\x1b[2J", "'\\x1b[2J' is no petname of yours", "write it as open:homes:boston"),
    ],
)
def test_a_text_that_names_no_topic_is_told_how_it_may_be_meant(text: str, sentence: str, next_step: str) -> None:
    with pytest.raises(StatementError) as refused:
        parse_topic_text(text, PETNAMES)

    assert sentence in str(refused.value)
    assert "one spelling" not in str(refused.value)
    assert refused.value.code == "bad-urn"
    assert refused.value.next_step.startswith(next_step)


def test_a_pattern_is_refused_in_the_same_words() -> None:
    for text, sentence, next_step in (
        ("homes:**", "homes is no petname of yours", "write it as open:homes:**"),
        ("open:Homes:*", "small letters only", "write it as open:homes:*"),
        ("open:**:condo", "`**` may only be its last part", "write a pattern as open:homes:**"),
    ):
        with pytest.raises(StatementError, match="pattern") as refused:
            parse_pattern_text(text, PETNAMES)
        assert sentence in str(refused.value)
        assert refused.value.code == "bad-pattern"
        assert refused.value.next_step.startswith(next_step)


def test_nobody_is_told_of_petnames_who_can_have_none() -> None:
    with pytest.raises(StatementError, match="condos begins neither with open nor with a key"):
        parse_topic_text("condos")


@given(st.text(max_size=120) | st.text("opentcds:*%A9 -", max_size=40))
def test_any_text_names_a_topic_or_is_refused(text: str) -> None:
    with suppress(StatementError):
        assert Topic.parse(parse_topic_text(text, PETNAMES))
    with suppress(StatementError):
        assert parse_pattern_text(text, PETNAMES)
