"""Golden vectors of one kind of statement: good bodies, and bodies with one fault each."""

from __future__ import annotations

from typing import Any

from byway.protocol.statement import Kind
from tests.vectors.notation import Vector, make, refused, valid

BAD = "bad-body"

Changes = dict[str, Any]


def bodies(number: int, kind: Kind, body: Changes, *more: tuple[str, Changes]) -> list[Vector]:
    """Good statements of one kind: with this body, with a key that is not known, and with other changes."""
    cases = [("whole", {}), ("a key that is not known", {"zz": [None, {"!": 1}]}), *more]
    return [valid(name, number, make(number, kind, changed(body, changes))) for name, changes in cases]


def faults(number: int, kind: Kind, body: Changes, *cases: tuple[str, Changes, str]) -> list[Vector]:
    """Refused statements of one kind.  No field may be nil, and none of those that are needed left out."""
    needed = [name for name in body if name not in {"price", "roster", "label"} and (name, kind) not in LEFT_OUT]
    every: list[tuple[str, Changes, str]] = [
        *((f"{name} left out", {name: ...}, BAD) for name in needed),
        *((f"{name} nil", {name: None}, BAD) for name in body),
        ("a critical key that is not known", {"!zz": 1}, "unknown-critical-key"),
        *cases,
    ]
    return [refused(name, make(number, kind, changed(body, changes)).data, code) for name, changes, code in every]


LEFT_OUT = {("terms", Kind.OFFER), ("terms", Kind.AGREEMENT), ("terms", Kind.RECORD), ("previous", Kind.HEAD)}


def changed(body: Changes, changes: Changes) -> Changes:
    """`body` with some fields changed; a change to `...` leaves one out."""
    return {name: value for name, value in (body | changes).items() if value is not ...}
