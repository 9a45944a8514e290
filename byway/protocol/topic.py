"""Topics, and the patterns that select them (wire-protocol sections 1.1 and 1.2).

A topic is where a cast is published.  In a pattern `*` stands for exactly one segment and a final
`**` for any number of further ones.  This is the definition of matching: short and slow.
`byway.router.index` is the fast one, and a property test keeps the two equal.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

from byway.errors import StatementError
from byway.protocol.limits import MAX_SEGMENTS
from byway.protocol.urn import REMEMBERED, check_root, is_segment, parse_urn

ONE: Final = "*"
REST: Final = "**"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: `root` is `open` or the key of the authority that answers for it, in base32."""

    root: str
    segments: tuple[str, ...]

    @classmethod
    @functools.lru_cache(maxsize=REMEMBERED)
    def parse(cls, urn_text: str) -> Topic:
        """The topic that a URN names.  Raises `StatementError` (`bad-urn`) for any other text."""
        root, *segments = parse_urn(urn_text, "topic").parts
        return cls(root, tuple(segments))

    @property
    def urn(self) -> str:
        return ":".join(("urn:byway:topic", self.root, *self.segments))

    def __str__(self) -> str:
        return self.urn


@dataclass(frozen=True, slots=True)
class TopicPattern:
    """A pattern over topics: a literal root, and parts that are segments, `*` or a final `**`."""

    root: str
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> TopicPattern:
        """The pattern that `text` spells.  Raises `StatementError` (`bad-pattern`)."""
        root, *parts = text.split(":", MAX_SEGMENTS + 1)  # one too many is enough to refuse it
        try:
            check_root(root)
        except StatementError:
            raise _bad(text, "it begins with `open` or with the key of an authority") from None
        if not 1 <= len(parts) <= MAX_SEGMENTS:
            raise _bad(text, f"after the root it has 1 to {MAX_SEGMENTS} parts")
        if REST in parts[:-1]:
            raise _bad(text, "`**` may only be its last part")
        if not all(part in {ONE, REST} or is_segment(part) for part in parts):
            raise _bad(text, "a part is a segment, `*` or `**`")
        return cls(root, tuple(parts))

    @property
    def text(self) -> str:
        return ":".join((self.root, *self.parts))

    def __str__(self) -> str:
        return self.text

    def matches(self, topic: Topic) -> bool:
        """Whether the pattern selects `topic`."""
        if self.root != topic.root:
            return False
        parts, segments = self.parts, topic.segments
        if parts[-1] == REST:
            parts = parts[:-1]
            segments = segments[: len(parts)]
        return len(parts) == len(segments) and all(
            part in {ONE, segment} for part, segment in zip(parts, segments, strict=True)
        )


def _bad(text: str, rule: str) -> StatementError:
    shown = text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - one line of a terminal
    return StatementError(f"{shown!r} is not a topic pattern: {rule}", code="bad-pattern")
