"""Where a case of faults happens, and what came of it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import trio

from tests.checker.evidence import SystemClock, Witness
from tests.checker.tally import Finding
from tests.checker.verdict import judge
from tests.crash.market import Market, open_market
from tests.crash.router_process import RouterProcess

EVIDENCE: Final = "evidence"
LOOK_EVERY_S: Final = 0.1
SHOWN: Final = 5  # findings of one invariant
LEFT: Final = "store.db-wal-at-the-end"
WRITTEN: Final = ("store.db", "high-water")  # what the files begin with that a router writes
OF_STORES: Final = "I14"  # the promise of which there is nothing in a run without a store
NOT_STORED: Final = "has a receipt and is not in the store"


class NotPossible(Exception):
    """This machine cannot do it; the text says what command would help."""


@dataclass(slots=True)
class Outcome:
    """What came of a case.  `findings` has a sentence for each broken promise; `losses` of them are lost casts.

    `longest_wait_ms` is the longest that an undisturbed router kept a probe waiting, of all its markets; `remarks` say
    what a reader has to know beside the figures.
    """

    case: str
    faults: int = 0
    checked: int = 0
    losses: int = 0
    findings: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    longest_wait_ms: float = 0.0
    skipped: str = ""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Stage:
    """A folder, chance that can be repeated, and how often the case is to do what it does."""

    folder: Path
    chance: Random
    times: int
    outcome: Outcome

    @asynccontextmanager
    async def market(self, router: RouterProcess, *, stop: bool = True, **choices: Any) -> AsyncGenerator[Market]:
        """A market at the router; at the end the router is stopped and the run is judged, its store with it.

        Without `stop` others are still at the router, and the store is left alone.
        """
        folder = router.folder / EVIDENCE
        secrets = {bytes(router.key): "the seed of the router"}
        async with open_market(router.at, folder, self.chance, secrets=secrets, **choices) as market:
            yield market
        self.count("receipts", market.tallying.receipts)
        self.outcome.faults += market.faults
        if market.away_ms:
            self.count("ms in which the witnesses stood still", market.away_ms)
        longest = max([self.outcome.longest_wait_ms, *market.probe.waited_ms])
        self.outcome.longest_wait_ms = round(longest, 1)
        wal = router.folder / f"{router.store.name}-wal"
        if wal.exists():  # a router that is stopped leaves none
            shutil.copy(wal, router.folder / LEFT)
        if stop:
            self.expect(await router.stop() == 0, "the router did not stop as it should")
        self.expect("Traceback" not in router.errors(), "the router wrote a traceback")
        for surprise in market.tallying.surprises:
            self.expect(False, surprise)
        for _, refusal in market.tallying.refused:
            self.expect(refusal.code == "expired", f"a cast was refused: {refusal} ({refusal.code})")
        self.judge(
            folder,
            stores=[router.store] if stop else [],
            scanned=[router.log, *(path for path in router.folder.glob("*") if path.name.startswith(WRITTEN))],
            whole=True,
        )

    @asynccontextmanager
    async def measuring(self, *nodes: RouterProcess, all_seen: bool = True) -> AsyncGenerator[Witness]:
        """A witness beside these nodes, in the place of a market; at the end they are stopped and the run is judged.

        Their stores are judged with it where `all_seen` of what was handed in is in evidence.
        """
        evidence = self.place(EVIDENCE)
        with Witness(evidence, "measured", SystemClock(), role="whoever measures") as witness:
            yield witness
            witness.note("heal")
            witness.note("end-of-drain")
        for node in nodes:
            self.expect(await node.stop() == 0, "a node did not stop as it should")
            self.expect("Traceback" not in node.errors(), "a node wrote a traceback")
        self.judge(evidence, stores=[node.store for node in nodes if all_seen])

    def judge(
        self, evidence: Path, *, stores: Sequence[Path] = (), scanned: Sequence[Path] = (), whole: bool = False
    ) -> None:
        """Have the checker look at what the witnesses say.

        In a `whole` market there is something of every promise to be looked at, of the store where it is judged.
        """
        for tally in judge(evidence, stores=stores, scanned=scanned).values():
            self.outcome.checked += tally.checked
            if whole and not tally.checked and (stores or tally.code != OF_STORES):
                self.outcome.findings.append(f"{tally.code} nothing of it was there to be looked at")
            self.outcome.losses += sum(map(is_loss, tally.findings))
            self.outcome.findings += [f"{tally.code} {each.sentence}" for each in tally.findings[:SHOWN]]
            if len(tally.findings) > SHOWN:
                self.outcome.findings.append(f"{tally.code} and {len(tally.findings) - SHOWN} more")

    def expect(self, holds: bool, sentence: str) -> None:
        """Something that the checker cannot see in evidence."""
        self.outcome.checked += 1
        if not holds:
            self.outcome.findings.append(sentence)

    def count(self, what: str, number: int = 1) -> None:
        self.outcome.counts[what] = self.outcome.counts.get(what, 0) + number

    def place(self, name: str) -> Path:
        """A new folder."""
        path = self.folder / name
        path.mkdir(parents=True)
        return path


def is_loss(finding: Finding) -> bool:
    """Whether it says that something with a receipt is gone: it never came, or the store does not have it.

    What only came late is no loss, nor are two heads that contradict each other.
    """
    return finding.code == "I1" or (finding.code == "I7" and finding.sentence.endswith(NOT_STORED))


async def comes_true(holds: Callable[[], bool], within_s: float) -> bool:
    """Look again and again; whether it has come true in time."""
    with trio.move_on_after(within_s):
        while True:
            if holds():
                return True
            await trio.sleep(LOOK_EVERY_S)
    return False


def needed(program: str, package: str) -> str:
    """The path of a program.  Raises `NotPossible`, with the command that installs it."""
    path = shutil.which(program)
    if path is None:
        raise NotPossible(f"there is no {program}: apt-get install {package}")
    return path
