"""Topics and patterns as people type them: `boston`, `open:homes:boston`, or a URN in full.

What is signed has the full name; a petname never leaves this computer.  A text that names nothing is refused with the
spelling that it comes nearest to.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from byway.errors import StatementError
from byway.protocol.topic import Topic, TopicPattern
from byway.protocol.urn import OPEN_ROOT, check_root

TOPIC_PREFIX: Final = "urn:byway:topic:"

_EXAMPLE: Final = f"{OPEN_ROOT}:homes:boston"
_MOST_SHOWN: Final = 80  # one line of a terminal
_PREFIX: Final = re.compile(TOPIC_PREFIX, re.IGNORECASE)
_GAP: Final = re.compile(r"[\s_.]+")
_ESCAPED: Final = re.compile(r"(%[0-9A-Fa-f]{2})")

Petnames = Mapping[str, str]


def parse_topic_text(text: str, petnames: Petnames | None = None) -> str:
    """The URN of the topic that `boston`, `boston:condo`, `open:homes:boston` or a URN names.

    Raises `StatementError` (`bad-urn`) that says why it names none, and how it may have been meant.  Without `petnames`
    there are none.
    """
    try:
        return Topic.parse(TOPIC_PREFIX + _expanded(text, petnames or {})).urn
    except StatementError as error:
        raise _explained(text, petnames, error, "topic", _is_topic) from None


def parse_pattern_text(text: str, petnames: Petnames | None = None) -> str:
    """The topic pattern that such a text names.  Raises `StatementError` (`bad-pattern`) in the same words."""
    try:
        return TopicPattern.parse(_expanded(text, petnames or {})).text
    except StatementError as error:
        raise _explained(text, petnames, error, "pattern", _is_pattern) from None


def _expanded(text: str, petnames: Petnames) -> str:
    head, colon, rest = text.strip().removeprefix(TOPIC_PREFIX).partition(":")
    meant = petnames.get(head)
    return (head if meant is None else meant.removeprefix(TOPIC_PREFIX)) + colon + rest


def _explained(
    text: str, petnames: Petnames | None, error: StatementError, what: str, fits: Callable[[str], bool]
) -> StatementError:
    """The refusal in the words of whoever typed it."""
    given = text.strip()
    shown = repr(given if len(given) <= _MOST_SHOWN else given[: _MOST_SHOWN - 3] + "...")
    known = petnames or {}
    plain = _plain_spelling(_PREFIX.sub("", given, count=1))
    head, _, rest = plain.partition(":")
    meant = _expanded(plain, known)
    if fits(meant):
        capitals = plain == given.lower() or plain == _PREFIX.sub("", given, count=1).lower()
        rule = "has small letters only" if capitals else "has a-z, 0-9 and - between its colons"
        return _refused(f"{shown} is not the name of a {what}, which {rule}", error.code, f"write it as {plain}")
    if head == OPEN_ROOT and not rest:
        return _refused(
            f"{shown} alone is no {what}: say which one under {OPEN_ROOT}", error.code, f"write it as {_EXAMPLE}"
        )
    if head in known or _is_root(head):
        sentence = str(error) if what == "pattern" else f"{shown} is not the name of a {what}"
        example = f"write a pattern as {OPEN_ROOT}:homes:**" if what == "pattern" else f"write it as {_EXAMPLE}"
        return _refused(sentence, error.code, example)
    near = difflib.get_close_matches(head, [*known, OPEN_ROOT], n=1)
    likely = f"{near[0]}:{rest}" if near and rest else near[0] if near else f"{OPEN_ROOT}:{plain}"
    whose = "begins neither with open nor with a key" if petnames is None else "is no petname of yours"
    said = _PREFIX.sub("", given, count=1).partition(":")[0]
    said = said if said and said.isprintable() and len(said) <= _MOST_SHOWN else shown
    return _refused(
        f"{said} {whose}; a {what} is written {_EXAMPLE}",
        error.code,
        f"write it as {likely if fits(_expanded(likely, known)) else _EXAMPLE}",
    )


def _plain_spelling(text: str) -> str:
    """The text in small letters, with - for what separates words, and other letters percent-encoded."""
    parts = _ESCAPED.split(_GAP.sub("-", text).strip("-"))
    return "".join(
        part.upper() if _ESCAPED.fullmatch(part) else quote(part.lower(), safe=":*-", errors="replace")
        for part in parts
    )


def _is_topic(text: str) -> bool:
    try:
        Topic.parse(TOPIC_PREFIX + text)
    except StatementError:
        return False
    return True


def _is_pattern(text: str) -> bool:
    try:
        TopicPattern.parse(text)
    except StatementError:
        return False
    return True


def _is_root(text: str) -> bool:
    try:
        check_root(text)
    except StatementError:
        return False
    return True


def _refused(sentence: str, code: str, next_step: str) -> StatementError:
    return StatementError(sentence, code=code, next_step=next_step)
