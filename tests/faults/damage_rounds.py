"""Many rounds of damage to the files of a store alone, without a router: bits, bytes, sectors, pages and ends."""

from __future__ import annotations

from typing import Final

from tests.faults.stage import SHOWN, Stage
from tests.store.damage import left_behind, look

STORES: Final = 6  # half of them left by a kill


async def a_store_alone_is_damaged(stage: Stage) -> None:
    """`stage.times` rounds, each of one damage to one file: what is lost by it is told."""
    wrongs: list[str] = []
    for number in range(STORES):
        folder = stage.place(f"store-{number}")
        left = left_behind(folder, stage.chance, killed=bool(number % 2))
        for _ in range(stage.times // STORES):
            found = look(left, folder, stage.chance)
            wrongs += found.wrongs
            stage.outcome.faults += 1
            stage.outcome.checked += 1
            stage.count("refused to start", int(bool(found.refused)))
            stage.count("statements damaged or lost", found.lost)
    stage.outcome.findings += wrongs[:SHOWN]
    if len(wrongs) > SHOWN:
        stage.outcome.findings.append(f"and {len(wrongs) - SHOWN} more")
