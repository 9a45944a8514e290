"""Evidence: what the witnesses of a run have seen, as files of JSON lines.

Clients, the fault injector and whoever measures are witnesses; a router is not.  A run is a folder with one file for
each life of each witness, `<name>.jsonl`: a witness that is started again opens another file.  A line is

    [seq, monotonic_ns, wall_ns, event, fields]

`seq` counts the lines of the file from 1, without a gap.  All monotonic clocks of a run are one clock (one machine, or
one simulation), so that lines of several files can be put in order.  `fields` is a map; in it bytes are base64, ids
and statements included, and nodes and keys are node URNs.  A statement is always there whole: the checker judges the
exact bytes.  A last line without a line feed was cut off with its writer, and does not count.

| event | fields | is written |
|---|---|---|
| `began` | format, role, skew_ms | first; so far may its wall clock be wrong |
| `attempt` | node, key, statement, hostile? | before a statement is handed in on a link of `key` |
| `receipt` | node, id, receipt | when it came; the evidence form of wire-protocol section 7 |
| `refusal` | node, id, code | when it came |
| `unknown` | node, id | when the link ended before the answer |
| `subscribing` | node, key, sub, link? | before it is asked for |
| `subscribed` | node, key, sub, epoch, pattern, filter, from, cursors, link? | when the server said so |
| `received` | node, key, sub, epoch, journal, sequence, statement, link? | for each entry of a Deliver, when it came |
| `effect` | node, key, sub, id, took_ms? | when the subscriber has made its one effect durable |
| `ack-sent` | node, key, sub, epoch, journal, through, also, refused | before the Ack is sent |
| `acked` | node, key, sub, epoch, journal, through | when it came |
| `unsubscribed` | node, key, sub | before it is asked for |
| `answer` | node, statement | for each statement with which an addressing authority answered |
| `fault-start`, `fault-stop` | fault | around a fault; a kill and the restart are one, too |
| `stopped` | node, ms | when a node goes on that had been stopped on purpose for so long |
| `away` | ms | when the witness goes on and had not run for so long: its process, or the whole machine, stood still |
| `killed` | witness | when a witness was killed: what it waited for has no end |
| `damaged` | node, sequences | when the bytes of these statements were changed in the store of a node that had ended |
| `restored` | node, through | when that store was put back as it was when `through` was its last sequence |
| `heal` | | after the last fault |
| `end-of-drain` | | when everybody has had the time to finish |
| `canary` | secret, what | for a secret that was planted, and what it is |
| `measured` | what, value, most | for a figure, and what it must not pass |

`hostile` says why the attempt is not to be accepted, `link` which link of the run it was, `took_ms` for how long the
subscriber had it in its hands before it did something, where that is not at once.  A filter is as on the wire.
Each entry that is acked has an effect, once, before the first Ack for it; one that is refused may have none.  Who is
away on purpose is a fault.

What was promised before it was `damaged`, or before an older store was `restored`, need not come any more; a promise
that is made afterwards has to be kept.  After `restored` nothing may be promised beyond `through` in the same chain.

There are no events for notices, custody and revocation yet: they come with those parts.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, Self

FORMAT: Final = 1
SUFFIX: Final = ".jsonl"
_JSON: Final = json.JSONEncoder(separators=(",", ":"))  # `json.dumps` would make one for every line

_SUBSCRIPTION: Final = ("node", "key", "sub")
FIELDS: Final[Mapping[str, frozenset[str]]] = {
    event: frozenset(fields)
    for event, fields in {
        "began": ("format", "role", "skew_ms"),
        "attempt": ("node", "key", "statement"),
        "receipt": ("node", "id", "receipt"),
        "refusal": ("node", "id", "code"),
        "unknown": ("node", "id"),
        "subscribing": _SUBSCRIPTION,
        "subscribed": (*_SUBSCRIPTION, "epoch", "pattern", "filter", "from", "cursors"),
        "received": (*_SUBSCRIPTION, "epoch", "journal", "sequence", "statement"),
        "effect": (*_SUBSCRIPTION, "id"),
        "ack-sent": (*_SUBSCRIPTION, "epoch", "journal", "through", "also", "refused"),
        "acked": (*_SUBSCRIPTION, "epoch", "journal", "through"),
        "unsubscribed": _SUBSCRIPTION,
        "answer": ("node", "statement"),
        "fault-start": ("fault",),
        "fault-stop": ("fault",),
        "stopped": ("node", "ms"),
        "away": ("ms",),
        "killed": ("witness",),
        "damaged": ("node", "sequences"),
        "restored": ("node", "through"),
        "heal": (),
        "end-of-drain": (),
        "canary": ("secret", "what"),
        "measured": ("what", "value", "most"),
    }.items()
}
OPTIONAL: Final = frozenset(["hostile", "link", "took_ms"])
BYTES: Final = frozenset(["statement", "receipt", "id", "secret"])
NAMES: Final = frozenset(["node", "key", "sub", "link"])


class EvidenceError(Exception):
    """The evidence itself is not what this page says; nothing can be concluded from it."""


class Clock(Protocol):
    """Where a witness reads the time: both in nanoseconds."""

    def monotonic_ns(self) -> int: ...

    def wall_ns(self) -> int: ...


class SystemClock:
    """The clocks of this machine."""

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        return time.time_ns()


class Witness:
    """Appends lines to a new file in `folder`, each handed to the system before `note` returns.

    A line that was noted is there even if the process is killed at once; against a power cut it is not safe.
    Raises `FileExistsError` if a witness with this name was there before.
    """

    def __init__(self, folder: Path, name: str, clock: Clock, *, role: str, skew_ms: int = 0) -> None:
        self.name = name
        self._clock = clock
        self._seq = 0
        self._links = 0
        self._file = os.open(folder / f"{name}{SUFFIX}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self.note("began", format=FORMAT, role=role, skew_ms=skew_ms)

    def new_link(self) -> str:
        """A name for one more link that it is to see, which no other link of the run has."""
        self._links += 1
        return f"{self.name} {self._links}"

    def note(self, event: str, /, **fields: Any) -> None:
        """Append one line.  `from_` is the field `from`.  Raises `OSError` if it could not be written whole."""
        given = {name.rstrip("_"): _encoded(value) for name, value in fields.items()}
        _check_fields(event, given)
        self._seq += 1
        line = [self._seq, self._clock.monotonic_ns(), self._clock.wall_ns(), event, given]
        data = _JSON.encode(line).encode() + b"\n"
        if os.write(self._file, data) != len(data):
            raise OSError(f"the evidence of {self.name} could not be written whole")

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Event(NamedTuple):
    """One line of evidence.  Bytes in `fields` are bytes."""

    witness: str
    seq: int
    monotonic_ns: int
    wall_ns: int
    name: str
    fields: dict[str, Any]

    @property
    def place(self) -> str:
        """Where to find it: the file and its line."""
        return f"{self.witness}{SUFFIX}:{self.seq}"


def read_evidence(folder: Path) -> list[Event]:
    """All events of a run in order of the monotonic clock.  Raises `EvidenceError`."""
    known: dict[bytes, bytes] = {}  # what came to many is kept once
    events = [event for path in sorted(folder.glob(f"*{SUFFIX}")) for event in _read_file(path, known)]
    if not events:
        raise EvidenceError(f"there is no evidence in {folder}")
    return sorted(events, key=lambda event: (event.monotonic_ns, event.witness, event.seq))


def _read_file(path: Path, known: dict[bytes, bytes]) -> Iterator[Event]:
    before = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                seq, monotonic_ns, wall_ns, name, fields = json.loads(line)
                _check_fields(name, fields)
                for field in NAMES & fields.keys():
                    fields[field] = sys.intern(fields[field])
                for field in BYTES & fields.keys():
                    data = base64.b64decode(fields[field], validate=True)
                    fields[field] = known.setdefault(data, data)
            except (ValueError, TypeError, AttributeError) as error:
                raise EvidenceError(f"{path.name}:{number} is no line of evidence: {error}") from error
            if seq != number or monotonic_ns < before or (name == "began") != (number == 1):
                raise EvidenceError(f"{path.name}:{number} is out of order")
            before = monotonic_ns
            yield Event(path.name.removesuffix(SUFFIX), seq, monotonic_ns, wall_ns, name, fields)


def _check_fields(event: str, fields: Mapping[str, Any]) -> None:
    if event not in FIELDS or fields.keys() - OPTIONAL != FIELDS[event]:
        raise ValueError(f"an event {event!r} with the fields {sorted(fields)} is not known")


def _encoded(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
