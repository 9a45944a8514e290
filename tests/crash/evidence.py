"""What publishers and subscribers have seen: the witnesses of a crash test, written down as it happens."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import trio

from byway.errors import Refused
from byway.protocol.frames import Accepted, Acked, Deliver, Frame, Subscribed
from byway.protocol.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Attempt:
    """A cast that somebody has tried to publish."""

    data: bytes
    topic: str
    beds: int | None  # its one facet, which some leave out
    expires: int


@dataclass(frozen=True, slots=True)
class Wish:
    """A durable subscription: everything on a pattern, or what has so many beds or does not say."""

    sub: str
    pattern: str
    beds: int | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame that came in for a subscription, and when."""

    frame: Subscribed | Deliver | Acked
    at_ms: int


@dataclass(slots=True)
class Evidence:
    """Ids are statement ids, times Unix milliseconds.

    In `folder` each subscriber's application keeps what it has done, a line of JSON for each effect.
    """

    now_ms: Callable[[], int]
    wishes: list[Wish]
    folder: Path
    attempts: dict[bytes, Attempt] = field(default_factory=dict)
    receipts: list[tuple[bytes, Receipt]] = field(default_factory=list)
    refusals: list[tuple[bytes, Refused]] = field(default_factory=list)
    heads: set[bytes] = field(default_factory=set)
    heard: defaultdict[str, list[Heard]] = field(default_factory=lambda: defaultdict(list))
    done: set[tuple[str, bytes]] = field(default_factory=set)  # the effects so far, to know when to stop waiting
    surprises: list[str] = field(default_factory=list)
    began_again: int = 0  # links that were opened after others were lost
    _news: trio.Event = field(default_factory=trio.Event)

    def hear(self, frame: Frame) -> None:
        """The router has sent this to somebody."""
        if isinstance(frame, Accepted):
            self.heads.update(frame.heads)
        elif isinstance(frame, Subscribed | Deliver | Acked):
            self.heard[frame.sub].append(Heard(frame, self.now_ms()))
        if isinstance(frame, Acked):
            self._tell()

    def receipt(self, cast: bytes, receipt: Receipt) -> None:
        """The router has promised to keep the cast."""
        self.receipts.append((cast, receipt))
        self._tell()

    def effect(self, sub: str, cast: bytes) -> None:
        """An application does what a cast makes it do, and does not ask whether it has done so before."""
        with self._file(sub).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"cast": cast.hex(), "at_ms": self.now_ms()}) + "\n")
        self.done.add((sub, cast))

    def effects(self, sub: str) -> Counter[bytes]:
        """How often each cast took effect, as the application's own file says."""
        file = self._file(sub)
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return Counter(bytes.fromhex(json.loads(line)["cast"]) for line in lines)

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that a receipt or an Acked brings."""
        while not reached():
            await self._news.wait()

    def promised(self) -> set[bytes]:
        """The casts that have a receipt, and have not expired."""
        now = self.now_ms()
        return {cast for cast, _ in self.receipts if self.attempts[cast].expires > now}

    def missing(self) -> list[tuple[str, bytes]]:
        """What the router has promised to keep, and has not brought yet to somebody who wished for it."""
        promised = self.promised()
        return [
            (wish.sub, cast)
            for wish in self.wishes
            for cast in promised
            if wants(wish, self.attempts[cast]) and (wish.sub, cast) not in self.done
        ]

    def _file(self, sub: str) -> Path:
        return self.folder / f"{sub}.jsonl"

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()


def wants(wish: Wish, cast: Attempt) -> bool:
    """The definition of matching once more, from the page and not from the code."""
    if wish.beds is not None and cast.beds is not None and cast.beds < wish.beds:
        return False
    parts, segments = wish.pattern.split(":"), cast.topic.removeprefix("urn:byway:topic:").split(":")
    if parts[-1] == "**":
        parts = parts[:-1]
        segments = segments[: len(parts)] if len(segments) >= len(parts) else []
    return len(parts) == len(segments) and all(
        part in ("*", segment) for part, segment in zip(parts, segments, strict=True)
    )
