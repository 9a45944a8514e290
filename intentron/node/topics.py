"""Topics and patterns as people write them: in full, without what every topic begins with, or by petname.

What is signed has the full name; a petname never leaves this computer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from byway.protocol.topic import ONE, REST, Topic, TopicPattern

TOPIC_PREFIX: Final = "urn:byway:topic:"


def expand_topic(text: str, petnames: Mapping[str, str]) -> str:
    """The URN of the topic that `boston`, `boston:condo`, `open:homes:boston` or a URN names.

    Raises `StatementError` (`bad-urn`).
    """
    return Topic.parse(TOPIC_PREFIX + _expand(text, petnames)).urn


def expand_pattern(text: str, petnames: Mapping[str, str]) -> str:
    """The topic pattern that such a text names.  Raises `StatementError` (`bad-pattern`)."""
    return TopicPattern.parse(_expand(text, petnames)).text


def literal_topic(pattern: str) -> str | None:
    """The URN of the topic that a pattern is, or that all it selects lies under; None if that is no topic."""
    parsed = TopicPattern.parse(pattern)
    wild = [at for at, part in enumerate(parsed.parts) if part in {ONE, REST}]
    parts = parsed.parts[: wild[0]] if wild else parsed.parts
    return Topic(parsed.root, parts).urn if parts else None


def _expand(text: str, petnames: Mapping[str, str]) -> str:
    head, colon, rest = text.strip().removeprefix(TOPIC_PREFIX).partition(":")
    meant = petnames.get(head)
    return (head if meant is None else meant.removeprefix(TOPIC_PREFIX)) + colon + rest
