"""What the witnesses of a run note from one moment on: lines of their files, and answers among them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.checker.evidence import SUFFIX


class Noted(NamedTuple):
    """A line of evidence; its time is the wall clock's."""

    wall_ns: int
    fields: dict[str, Any]


def noted(path: Path, event: str, *, beyond: int = 0) -> Iterator[Noted]:
    """The whole lines of a witness's file that say `event`, beyond so many bytes of it."""
    with path.open("rb") as file:
        file.seek(beyond)
        for line in file:
            if line.endswith(b"\n") and f',"{event}",'.encode() in line[:100]:
                _, _, wall_ns, _, fields = json.loads(line)
                yield Noted(wall_ns, fields)


class Answers:
    """The answers of everybody whose evidence is in the folder, from the moment on when this is made."""

    def __init__(self, evidence: Path) -> None:
        self._beyond = {path: path.stat().st_size for path in sorted(evidence.glob(f"*{SUFFIX}"))}

    def receipts(self) -> list[int]:
        """When each receipt came."""
        return [each.wall_ns for each in self._noted("receipt")]

    def refusals(self) -> Counter[str]:
        """How many there were, by their codes."""
        return Counter(each.fields["code"] for each in self._noted("refusal"))

    def _noted(self, event: str) -> Iterator[Noted]:
        for path, beyond in self._beyond.items():
            yield from noted(path, event, beyond=beyond)
