"""Topics and patterns: their text, and the definition of matching."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import StatementError
from byway.protocol.limits import MAX_SEGMENTS
from byway.protocol.topic import ONE, REST, Topic, TopicPattern
from byway.protocol.urn import to_base32
from tests.strategies.topics import WORDS, patterns, topics

ROOT = to_base32(bytes(range(32)))
few_words = st.sampled_from(WORDS[:2])


@given(topics())
def test_a_topic_comes_back_from_its_urn(topic: Topic) -> None:
    assert Topic.parse(topic.urn) == topic
    assert str(topic) == topic.urn


@given(patterns())
def test_a_pattern_comes_back_from_its_text(pattern: TopicPattern) -> None:
    assert TopicPattern.parse(pattern.text) == pattern
    assert str(pattern) == pattern.text


def refusal(parse: Callable[[str], Topic | TopicPattern], text: str) -> str:
    """The code that refuses the text, or nothing; what is accepted has to come out as it went in."""
    try:
        parsed = parse(text)
    except StatementError as error:
        return error.code
    assert str(parsed) == text
    return ""


@given(st.text() | st.text("open:*a-%C39", max_size=30) | st.text(":*a", max_size=40).map("open".__add__))
def test_any_text_is_a_pattern_or_bad(text: str) -> None:
    assert refusal(TopicPattern.parse, text) in {"", "bad-pattern"}


@given(st.text() | st.text("open:*a-%C39", max_size=30).map("urn:byway:topic:".__add__))
def test_any_text_is_a_topic_or_bad(text: str) -> None:
    assert refusal(Topic.parse, text) in {"", "bad-urn"}


@given(patterns(few_words, 5), topics(few_words, 5))
def test_matching_is_that_of_a_regular_expression(pattern: TopicPattern, topic: Topic) -> None:
    """`*` is one segment and `**` is any number of them, said in another way."""
    forms = {ONE: ":[^:]+", REST: "(:[^:]+)*"}
    expression = pattern.root + "".join(forms.get(part, f":{re.escape(part)}") for part in pattern.parts)
    spelt = ":".join((topic.root, *topic.segments))
    assert pattern.matches(topic) == (re.fullmatch(expression, spelt) is not None)


@given(topics())
def test_a_topic_is_matched_by_itself_and_by_the_rest_of_its_root(topic: Topic) -> None:
    assert TopicPattern(topic.root, topic.segments).matches(topic)
    assert TopicPattern(topic.root, (REST,)).matches(topic)


@pytest.mark.parametrize(
    ("pattern", "topic", "matches"),
    [
        ("open:homes", "open:homes", True),
        ("open:homes", "open:homes:boston", False),
        ("open:homes:boston", "open:homes", False),
        ("open:*", "open:homes", True),
        ("open:*", "open:homes:boston", False),
        ("open:homes:*:condo", "open:homes:boston:condo", True),
        ("open:homes:*:condo", "open:homes:boston:house", False),
        ("open:homes:**", "open:homes", True),
        ("open:homes:**", "open:homes:boston:condo", True),
        ("open:homes:*:**", "open:homes", False),
        ("open:**", "open:food", True),
        ("open:**", f"{ROOT}:food", False),
        (f"{ROOT}:*", f"{ROOT}:food", True),
        ("open:caf%C3%A9", "open:caf%C3%A9", True),
    ],
)
def test_these_match_or_do_not(pattern: str, topic: str, matches: bool) -> None:
    assert TopicPattern.parse(pattern).matches(Topic.parse(f"urn:byway:topic:{topic}")) is matches


@pytest.mark.parametrize(
    "text",
    [
        "",
        "open",
        "open:",
        "open::a",
        "homes:a",
        "*:a",
        "**",
        "open:**:a",
        "open:**:**",
        "open:a*",
        "open:***",
        "open:A",
        "open:a\n",
        "open:caf%c3%a9",
        "urn:byway:topic:open:a",
        "open" + ":a" * (MAX_SEGMENTS + 1),
        "open" + ":a" * MAX_SEGMENTS + ":**",
    ],
)
def test_these_are_no_patterns(text: str) -> None:
    assert refusal(TopicPattern.parse, text) == "bad-pattern"
