"""What a target may say about an input: parsed, or refused with the error that the parser documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from byway.errors import CODES, BywayError, StatementError

Target = Callable[[bytes], None]
T = TypeVar("T")

MAX_SENTENCE = 2000  # a refusal that repeats a hostile input fills logs and frames


def taken(
    parse: Callable[[], T], *codes: str, error: type[BywayError] = StatementError, brief: bool = True
) -> tuple[T | None, str]:
    """What `parse` gives, and the code with which it is refused: one of them says nothing.

    The refusal has to be exactly an `error`, with one of `codes`, or any public code where none are given.  It has to
    be `brief` where the input is a stranger's.
    """
    try:
        return parse(), ""
    except error as raised:
        refusal = raised
    assert type(refusal) is error, type(refusal)
    assert refusal.code in (codes or CODES), refusal.code
    assert str(refusal)
    assert not brief or len(str(refusal)) <= MAX_SENTENCE
    return None, refusal.code


def as_text(data: bytes) -> str:
    """Any bytes as text: what is no UTF-8 becomes lone surrogates."""
    return data.decode("utf-8", "surrogateescape")
