"""A party of a market, in a process that may be killed: `python -m tests.faults.party KIND NAME LIFE FOLDER NODE AT`.

Its evidence in FOLDER is its memory: the next life of the same NAME hands in again, with the same bytes, what has no
answer there, and does nothing for a cast that has had its effect there.  It finishes what it has begun when stdin ends.
"""

from __future__ import annotations

import base64
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import structlog
import trio

from byway.clock import now_ms
from byway.errors import CODES
from byway.node_address import NodeAddress
from byway.protocol.intentcast import Cast
from byway.protocol.statement import parse_statement
from tests.checker.evidence import SUFFIX, SystemClock, Witness
from tests.crash.parties import Publisher, Subscriber, Wish, seeded
from tests.crash.tallying import Made, Tallying

PUBLISHER, SUBSCRIBER = "publisher", "subscriber"
PATTERN: Final = "open:**"


def life_of(name: str, life: int) -> str:
    """The witness that somebody is in one life."""
    return f"{name}-{life}"


def noted(folder: Path, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What somebody has noted in all lives, in order: events and their fields."""
    lives = sorted(folder.glob(f"{name}-*{SUFFIX}"), key=lambda path: int(path.stem.rpartition("-")[2]))
    for path in lives:
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):  # or it was cut off with its writer
                _, _, _, event, fields = json.loads(line)
                yield event, fields


def unanswered(folder: Path, name: str) -> list[Made]:
    """What was handed in and has neither a receipt nor a refusal that is for good."""
    open_: dict[bytes, Made] = {}
    for event, fields in noted(folder, name):
        if event == "attempt":
            statement = parse_statement(base64.b64decode(fields["statement"]))
            open_[statement.id] = Made(statement, Cast.from_statement(statement).to, None)
        elif event == "receipt" or (event == "refusal" and not CODES[fields["code"]].temporary):
            open_.pop(base64.b64decode(fields["id"]), None)
    return list(open_.values())


def effects_of(folder: Path, name: str) -> set[bytes]:
    """The casts that have had their effect."""
    return {base64.b64decode(fields["id"]) for event, fields in noted(folder, name) if event == "effect"}


def publisher(
    name: str, life: int, folder: Path, at: NodeAddress
) -> tuple[Callable[[], Awaitable[None]], Callable[[], None]]:
    """What it does, and how it is told to finish."""
    begun = unanswered(folder, name)
    witness = Witness(folder, life_of(name, life), SystemClock(), role=PUBLISHER)
    party = Publisher(at, witness, Tallying(now_ms), seeded(f"{folder} {name} {life}"), begun)
    return party.run, party.finish


def subscriber(
    name: str, life: int, folder: Path, at: NodeAddress
) -> tuple[Callable[[], Awaitable[None]], Callable[[], None]]:
    """The same; its key is that of its name, in every life."""
    done = effects_of(folder, name)
    witness = Witness(folder, life_of(name, life), SystemClock(), role=SUBSCRIBER)
    tallying = Tallying(now_ms)
    tallying.done[name] |= done
    party = Subscriber(at, witness, tallying, seeded(f"{folder} {name}"), Wish(name, PATTERN))
    return party.run, party.stop


async def live(run: Callable[[], Awaitable[None]], finish: Callable[[], None]) -> None:
    """Run until stdin ends, and until what was begun is finished."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
        finish()


def main() -> None:
    kind, name, life, folder, node, address = sys.argv[1:]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    make = {PUBLISHER: publisher, SUBSCRIBER: subscriber}[kind]
    trio.run(live, *make(name, int(life), Path(folder), NodeAddress(node, address)))


if __name__ == "__main__":
    main()
