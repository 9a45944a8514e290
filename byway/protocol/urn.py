"""Names: the URNs of the byway and base32 (wire-protocol section 1).

There is one spelling for each name.  `parse_urn` refuses every other with `bad-urn` and folds nothing.
"""

from __future__ import annotations

import base64
import functools
import re
from typing import Final, NamedTuple

from byway.errors import StatementError
from byway.protocol.limits import MAX_SEGMENT_BYTES, MAX_SEGMENTS, MAX_URN_BYTES

KEY_BYTES: Final = 32
OPEN_ROOT: Final = "open"

_KEY: Final = re.compile(r"[a-z2-7]{52}\Z")
_AS_DIGITS: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghijklmnopqrstuv")
_SEGMENT: Final = re.compile(r"(?:[a-z0-9-]|%[89A-F][0-9A-F])+\Z")
REMEMBERED: Final = 4096  # many casts name the same few topics and authorities; about 2 MB at the most
_KEYED: Final = frozenset(["node", "mailbox", "statement"])
_KINDS: Final = _KEYED | {"topic", "terms", "thing"}


class Urn(NamedTuple):
    """A parsed URN: its kind and what follows, `text` being the spelling on the wire."""

    kind: str
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return ":".join(("urn", "byway", self.kind, *self.parts))

    def __str__(self) -> str:
        return self.text

    @property
    def key(self) -> bytes:
        """The 32 bytes of a node, mailbox or statement URN."""
        return from_base32(self.parts[0])


def to_base32(data: bytes) -> str:
    """RFC 4648 base32, lower case, without padding."""
    return base64.b32encode(data).decode().rstrip("=").lower()


def from_base32(text: str) -> bytes:
    """The 32 bytes behind 52 characters.  Raises `StatementError` (`bad-urn`) for any other spelling."""
    if not _KEY.match(text):
        raise _bad(text)
    number = int(text.translate(_AS_DIGITS), 32)  # 260 bits; ten times as fast as decoding and encoding again
    if number & 0xF:
        raise _bad(text)  # unused trailing bits are set
    return (number >> 4).to_bytes(KEY_BYTES, "big")


@functools.lru_cache(maxsize=REMEMBERED)
def node_urn(key: bytes) -> str:
    """The URN of the node whose first signing key is `key`."""
    return f"urn:byway:node:{to_base32(key)}"


def mailbox_urn(key: bytes) -> str:
    """The URN of the mailbox that only `key` may collect from."""
    return f"urn:byway:mailbox:{to_base32(key)}"


def statement_urn(statement_id: bytes) -> str:
    """The URN of the statement with this id."""
    return f"urn:byway:statement:{to_base32(statement_id)}"


@functools.lru_cache(maxsize=REMEMBERED)
def parse_urn(text: str, *kinds: str) -> Urn:
    """The URN that `text` spells, which has to be of one of `kinds` if any are given."""
    if len(text) > MAX_URN_BYTES or not text.startswith("urn:byway:"):
        raise _bad(text)
    kind, *parts = text.removeprefix("urn:byway:").split(":")
    if kind not in _KINDS or (kinds and kind not in kinds):
        raise _bad(text)
    if kind in _KEYED:
        if len(parts) != 1:
            raise _bad(text)
        from_base32(parts[0])
    elif kind == "topic":
        root, *segments = parts or [""]
        check_root(root)
        check_segments(segments)
    elif kind == "terms":
        if len(parts) != 2:  # noqa: PLR2004 - roster and id
            raise _bad(text)
        check_segments(parts)
    else:
        check_segments(parts)
    return Urn(kind, tuple(parts))


def check_root(root: str) -> None:
    """Raise `bad-urn` unless `root` is `open` or a key."""
    if root != OPEN_ROOT:
        from_base32(root)


def check_segments(segments: list[str]) -> None:
    """Raise `bad-urn` unless there are 1 to 16 segments, each in its one spelling."""
    if not 1 <= len(segments) <= MAX_SEGMENTS:
        raise _bad(":".join(segments))
    for segment in segments:
        if not is_segment(segment):
            raise _bad(segment)


def is_segment(text: str) -> bool:
    """Whether `text` is one segment in its one spelling."""
    if len(text) > MAX_SEGMENT_BYTES or not _SEGMENT.match(text):
        return False
    if "%" not in text:
        return True
    for run in re.findall(r"(?:%[0-9A-F]{2})+", text):
        try:
            bytes.fromhex(run.replace("%", "")).decode("utf-8")
        except UnicodeDecodeError:
            return False
    return True


def _bad(text: str) -> StatementError:
    shown = text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - one line of a terminal
    return StatementError(f"{shown!r} is not a URN of the byway in its one spelling", code="bad-urn")
