"""Whoever hands a megabyte to what reads text makes it work in proportion to the megabyte, and not more."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from byway.errors import StatementError
from byway.protocol.address import parse_address
from byway.protocol.calendar_text import parse_day, parse_instant
from byway.protocol.currencies import parse_amount
from byway.protocol.decimals import parse_decimal
from byway.protocol.degrees import parse_degrees
from byway.protocol.facets import is_facet_name, parse_facet
from byway.protocol.filter_text import parse_filter_text
from byway.protocol.topic import Topic, TopicPattern
from byway.protocol.urn import from_base32, is_segment, parse_urn

MEGABYTE = 1_000_000
MOST = 2.2  # times as long for a text of twice the length
QUICK_S = 0.002  # what takes no longer for a megabyte looks at its length first, and is not measured
TRIES = 12  # the least of them counts: a machine with other work makes one take longer, but not each

READERS: dict[str, Callable[[str], object]] = {
    "URN": parse_urn,
    "topic": Topic.parse,
    "segment": is_segment,
    "key": from_base32,
    "pattern": TopicPattern.parse,
    "address": parse_address,
    "filter": parse_filter_text,
    "day": parse_day,
    "instant": parse_instant,
    "decimal": parse_decimal,
    "degrees": parse_degrees,
    "amount": lambda text: parse_amount(text, "USD"),
    "name of a facet": is_facet_name,
    "facet": lambda text: parse_facet(["text", text]),
}

TEXTS: dict[str, Callable[[int], str]] = {
    "spaces": lambda n: " " * n,
    "slashes": lambda n: "/" * n,
    "letters": lambda n: "a" * n,
    "letters and a space": lambda n: "a" * n + " ",
    "digits": lambda n: "1" * n,
    "zeros": lambda n: "0" * n + "1",
    "a fraction": lambda n: "1." + "0" * n,
    "colons": lambda n: "urn:byway:topic:open" + ":a" * (n // 2),
    "stars": lambda n: "open" + ":*" * (n // 2),
    "double stars": lambda n: "open" + ":**" * (n // 3),
    "percents": lambda n: "%C3%A9" * (n // 6),
    "percents in a URN": lambda n: "urn:byway:topic:open:" + "%C3%A9" * (n // 6),
    "half a character": lambda n: "%C3" * (n // 3),
    "parentheses": lambda n: "(" * n,
    "a string": lambda n: '"' + "a" * n + '"',
    "a string without an end": lambda n: '"' + "a" * n,
    "escapes": lambda n: '"' + "\\n" * (n // 2) + '"',
    "backslashes": lambda n: '"' + "\\" * n,
    "quotes": lambda n: '"' * n,
    "dots": lambda n: "a" + "." * n + ":1",
    "brackets": lambda n: "[" + ":" * n + "]:1",
    "ports": lambda n: "a:" + "1" * n,
    "what cannot be printed": lambda n: "\u200b" * (n // 3),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_megabyte_takes_at_most_twice_as_long_as_half_of_it(name: str) -> None:
    slow = [family for family, make in TEXTS.items() if grows(READERS[name], make)]
    assert slow == []


def test_what_takes_four_times_as_long_for_twice_as_much_is_seen() -> None:
    def looks_at_each_beginning(text: str) -> None:
        for end in range(0, len(text), 20_000):
            text[:end].count(" ")

    assert grows(looks_at_each_beginning, TEXTS["spaces"])


def grows(read: Callable[[str], object], make: Callable[[int], str]) -> bool:
    """Whether a megabyte takes more than MOST times as long as half of it, at its best."""
    once, twice = make(MEGABYTE // 2), make(MEGABYTE)
    longer = shorter = float("inf")
    with _no_collection():
        for _ in range(TRIES):
            longer = min(longer, _seconds(partial(read, twice)))
            if longer <= QUICK_S:
                return False
            shorter = min(shorter, _seconds(partial(read, once)))
            if longer <= MOST * shorter:
                return False
    return True


def _seconds(read: Callable[[], object]) -> float:
    """The processor time that it takes, whether it is read or refused."""
    started = time.thread_time()
    with suppress(StatementError):
        read()
    return time.thread_time() - started


@contextmanager
def _no_collection() -> Generator[None]:
    """The collector looks at everything that there is, which is no matter of the text."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
