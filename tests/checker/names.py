"""The checker's own reading of URNs and topic patterns (wire-protocol sections 1.1 and 1.2)."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import Final

MAX_URN: Final = 255
MAX_SEGMENTS: Final = 16
MAX_SEGMENT: Final = 64
KEY_CHARACTERS: Final = 52

_KEYED: Final = ("node", "mailbox", "statement")
_RUNS: Final = re.compile(r"([a-z0-9-]+)|((?:%[0-9A-F]{2})+)")


class BadNameError(ValueError):
    """The text is no URN, or no pattern."""


@lru_cache(maxsize=65_536)
def read_urn(text: str) -> tuple[str, tuple[str, ...]]:
    """The kind of a URN and the parts after it.  Raises `BadNameError`."""
    scheme, *rest = text.split(":")
    if scheme != "urn" or len(rest) < 3 or rest[0] != "byway" or len(text) > MAX_URN:
        raise BadNameError(f"{text[:80]!r} is no URN of the byway")
    kind, parts = rest[1], tuple(rest[2:])
    if kind in _KEYED:
        good = len(parts) == 1 and _is_key(parts[0])
    elif kind == "topic":
        good = _is_root(parts[0]) and _are_segments(parts[1:])
    elif kind == "terms":
        good = len(parts) == 2 and _are_segments(parts)
    else:
        good = kind == "thing" and _are_segments(parts)
    if not good:
        raise BadNameError(f"{text[:80]!r} is no URN of the byway")
    return kind, parts


def is_urn(text: object, kind: str) -> bool:
    """Whether it is the text of a URN of this kind."""
    try:
        return isinstance(text, str) and read_urn(text)[0] == kind
    except BadNameError:
        return False


def key_of(urn: str) -> bytes:
    """The 32 bytes in the URN of a node, mailbox or statement.  Raises `BadNameError`."""
    kind, parts = read_urn(urn)
    if kind not in _KEYED:
        raise BadNameError(f"{urn[:80]!r} names no key")
    return _bytes_of(parts[0])


def node_urn(key: bytes) -> str:
    return f"urn:byway:node:{base64.b32encode(key).decode().rstrip('=').lower()}"


@lru_cache(maxsize=65_536)
def read_pattern(text: str) -> tuple[str, ...]:
    """Root and parts of a topic pattern.  Raises `BadNameError`."""
    root, *parts = text.split(":")
    fixed = parts[:-1] if parts[-1:] == ["**"] else parts
    if not (
        _is_root(root) and 1 <= len(parts) <= MAX_SEGMENTS and all(part == "*" or _is_segment(part) for part in fixed)
    ):
        raise BadNameError(f"{text[:80]!r} is no topic pattern")
    return (root, *parts)


@lru_cache(maxsize=65_536)
def selects(pattern: str, topic: str) -> bool:
    """Whether a topic pattern selects the topic with this URN.  Raises `BadNameError`."""
    wanted, (_, found) = list(read_pattern(pattern)), read_urn(topic)
    have = list(found)
    if wanted[-1] == "**":
        wanted.pop()
        if len(have) < len(wanted):
            return False
        del have[len(wanted) :]
    return len(wanted) == len(have) and all(want in ("*", part) for want, part in zip(wanted, have, strict=True))


def _is_root(text: str) -> bool:
    return text == "open" or _is_key(text)


def _is_key(text: str) -> bool:
    if len(text) != KEY_CHARACTERS or not re.fullmatch("[a-z2-7]+", text):
        return False
    return base64.b32encode(_bytes_of(text)).decode().rstrip("=").lower() == text


def _bytes_of(text: str) -> bytes:
    return base64.b32decode(text.upper() + "====")


def _are_segments(parts: tuple[str, ...]) -> bool:
    return 1 <= len(parts) <= MAX_SEGMENTS and all(map(_is_segment, parts))


def _is_segment(text: str) -> bool:
    if not 1 <= len(text) <= MAX_SEGMENT:
        return False
    end = 0
    for run in _RUNS.finditer(text):
        if run.start() != end:
            return False
        end = run.end()
        if run[2] and not _is_beyond_ascii(bytes.fromhex(run[2].replace("%", ""))):
            return False
    return end == len(text)


def _is_beyond_ascii(data: bytes) -> bool:
    try:
        return all(character >= "\x80" for character in data.decode())
    except UnicodeDecodeError:
        return False
