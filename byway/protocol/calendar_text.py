"""Dates and instants as people write them: ISO 8601 days, RFC 3339 times, of the years 1 to 9999."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from byway.errors import StatementError

_EPOCH_DAY: Final = date(1970, 1, 1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DAY_TEXT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_INSTANT_TEXT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?(?:Z|[+-][0-9]{2}:[0-9]{2})\Z"
)


def parse_day(text: str) -> int:
    """Days since 1970-01-01 of `2027-06-01`.  Raises `StatementError` (`bad-facet`)."""
    try:
        if _DAY_TEXT.match(text):
            return (date.fromisoformat(text) - _EPOCH_DAY).days
    except ValueError:
        pass
    raise _bad(f"{text[:40]!r} is not a day such as 2027-06-01")


def format_day(days: int) -> str:
    """`2027-06-01` of the days since 1970-01-01."""
    return (_EPOCH_DAY + timedelta(days=days)).isoformat()


def parse_instant(text: str) -> int:
    """Unix milliseconds of `2027-06-01T00:00:00Z`.  Raises `StatementError` (`bad-facet`)."""
    try:
        if _INSTANT_TEXT.match(text):
            return (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND
    except ValueError:
        pass
    raise _bad(f"{text[:40]!r} is not a time such as 2027-06-01T00:00:00Z")


def format_instant(milliseconds: int) -> str:
    """`2027-06-01T00:00:00Z` of Unix milliseconds."""
    instant = _EPOCH + timedelta(milliseconds=milliseconds)
    precision = "milliseconds" if instant.microsecond else "seconds"
    return instant.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def _bad(sentence: str) -> StatementError:
    return StatementError(sentence, code="bad-facet")
