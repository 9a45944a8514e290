"""The topic that a pattern lies under: what an authority can be asked about."""

from __future__ import annotations

from byway.protocol.topic import ONE, REST, Topic, TopicPattern


def literal_topic(pattern: str) -> str | None:
    """The URN of the topic that a pattern is, or that all it selects lies under; None if that is no topic."""
    parsed = TopicPattern.parse(pattern)
    wild = [at for at, part in enumerate(parsed.parts) if part in {ONE, REST}]
    parts = parsed.parts[: wild[0]] if wild else parsed.parts
    return Topic(parsed.root, parts).urn if parts else None
