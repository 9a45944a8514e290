"""Evidence and stores of a run, to be spoilt in one place and judged."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from nacl.signing import SigningKey

from byway.protocol.statement import statement_id
from tests.checker.evidence import SUFFIX
from tests.checker.verdict import judge

MS = 1_000_000


class Line:
    """One line of evidence, as it is in the file."""

    def __init__(self, values: list[Any]) -> None:
        _, self.monotonic_ns, self.wall_ns, self.event, self.fields = values

    def get(self, name: str) -> bytes:
        """A field that holds bytes."""
        return base64.b64decode(self.fields[name])

    def put(self, name: str, value: bytes) -> None:
        self.fields[name] = base64.b64encode(value).decode()

    @property
    def id(self) -> bytes:
        return statement_id(self.get("statement")) if "statement" in self.fields else self.get("id")


class Run(NamedTuple):
    """Where the evidence and the stores of a run are, and the keys of its router and its addressing authority."""

    folder: Path
    router: SigningKey
    authority: SigningKey


class Copy:
    """A run that may be spoilt.  `lines` are by witness; `save` writes them, numbered again."""

    def __init__(self, run: Run) -> None:
        self.folder, self.router, self.authority = run
        self.evidence = self.folder / "evidence"
        self.stores = [self.folder / name / "store.db" for name in ("router", "messaging")]
        self.lines = {
            path.name.removesuffix(SUFFIX): [Line(json.loads(line)) for line in path.read_bytes().splitlines()]
            for path in sorted(self.evidence.glob(f"*{SUFFIX}"))
        }

    def all(self, *events: str, sub: str | None = None) -> list[Line]:
        """The lines of these events, of one subscription if it is named."""
        return [
            line
            for lines in self.lines.values()
            for line in lines
            if line.event in events and (sub is None or line.fields.get("sub") == sub)
        ]

    def drop(self, unwanted: Callable[[Line], bool]) -> None:
        for name, lines in self.lines.items():
            self.lines[name] = [line for line in lines if not unwanted(line)]

    def of(self, witness: str, *events: str) -> list[Line]:
        """The lines of these events of the witness with this name."""
        (name,) = (name for name in self.lines if name.split("-", 1)[1] == witness)
        return [line for line in self.lines[name] if line.event in events]

    def insert_after(self, line: Line, *more: Line) -> None:
        for lines in self.lines.values():
            if line in lines:
                at = lines.index(line) + 1
                lines[at:at] = more

    def save(self) -> None:
        for name, lines in self.lines.items():
            rows = [
                [number, line.monotonic_ns, line.wall_ns, line.event, line.fields]
                for number, line in enumerate(lines, start=1)
            ]
            (self.evidence / f"{name}{SUFFIX}").write_text("".join(json.dumps(row) + "\n" for row in rows))

    @contextmanager
    def store(self) -> Iterator[sqlite3.Connection]:
        """The router's store, to be changed."""
        with closing(sqlite3.connect(self.stores[0])) as connection:
            yield connection
            connection.commit()

    def red(self, *, with_stores: bool = True) -> set[str]:
        """The codes of the promises that the checker sees broken."""
        self.save()
        stores = self.stores if with_stores else []
        tallies = judge(self.evidence, stores=stores, scanned=[self.folder / "router"])
        return {code for code, tally in tallies.items() if tally.findings}
