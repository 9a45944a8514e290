"""Changed bits, lost ends and an old backup: what is damaged is never handed on, and what is lost is not kept quiet."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, Refused
from byway.protocol.limits import HOUR_MS
from tests.checker.evidence import SystemClock, Witness
from tests.checker.witnesses import Effects
from tests.crash.parties import linked, make_cast
from tests.crash.router_process import RouterProcess
from tests.faults.failing_disk import STORE_FAILED
from tests.faults.stage import EVIDENCE, Stage, comes_true
from tests.store.damage import a_bit, a_byte, a_page, a_sector, some_bytes

CASTS: Final = 60
AT_ONCE: Final = 5
STORE_FILES: Final = ("store.db", "store.db-wal", "high-water")
REFUSED: Final = frozenset(["store-damaged", "chain-damaged", "store-foreign", "store-failed"])
LISTENS_S: Final = 1.0
TOLD_WITHIN_S: Final = 4.0  # what has been found damaged is told once a second
IN_DOUBT: Final = re.compile(r"statements? (\d+)(?: to (\d+))?:")
STARTS_WITHIN_S: Final = 15.0
READ_WITHIN_S: Final = 1.0  # what was on its way when the router was killed

Damage = Callable[[Path, Random], None]

CHANGES: Final = (a_bit, a_bit, a_byte, some_bytes, a_sector, a_page)


async def bits_of_a_closed_store(stage: Stage) -> None:
    """A bit, a byte, some bytes, a sector or a page, anywhere in the database."""
    await _damage_again_and_again(stage, "stop", lambda folder, chance: change(folder / "store.db", chance))


async def bits_of_a_log(stage: Stage) -> None:
    """The same, anywhere in the write-ahead log that a kill has left."""
    await _damage_again_and_again(stage, "kill", lambda folder, chance: change(folder / "store.db-wal", chance))


async def a_store_without_its_end(stage: Stage) -> None:
    """The database is cut off somewhere."""
    await _damage_again_and_again(stage, "stop", lambda folder, chance: cut_off(folder / "store.db", chance))


async def a_log_without_its_end(stage: Stage) -> None:
    """The write-ahead log is cut off somewhere, or gone."""
    await _damage_again_and_again(stage, "kill", lambda folder, chance: cut_off(folder / "store.db-wal", chance))


def change(path: Path, chance: Random) -> None:
    path.write_bytes(chance.choice(CHANGES)(path.read_bytes(), chance))


def cut_off(path: Path, chance: Random) -> None:
    with path.open("r+b") as file:
        file.truncate(chance.randrange(path.stat().st_size))


async def _damage_again_and_again(stage: Stage, end: str, damage: Damage) -> None:
    """Publish once; then damage a copy of what is left, start a router on it, and take what it still hands out."""
    async with RouterProcess(stage.place("router"), log="json") as router:
        kept = stage.place("kept")
        await router.start()
        with Witness(kept, "publisher", SystemClock(), role="publisher") as publisher:
            await _publish(router, publisher, stage.chance)
        await (router.stop() if end == "stop" else router.kill())
        sound = stage.place("sound")
        for name in STORE_FILES:
            if (router.folder / name).exists():
                shutil.copy(router.folder / name, sound)
        before = readable(sound, stage.folder / "reading")
        for number in range(stage.times):
            for name in STORE_FILES:
                (router.folder / name).unlink(missing_ok=True)
            shutil.copytree(sound, router.folder, dirs_exist_ok=True)
            damage(router.folder, stage.chance)
            found = readable(router.folder, stage.folder / "reading")
            gone = {sequence for sequence, data in before.items() if found.get(sequence) != data}
            is_behind = _ends(stage.folder / "reading") < max(before)
            stage.outcome.faults += 1
            evidence = stage.place(f"{EVIDENCE}-{number}")
            shutil.copy(kept / "publisher.jsonl", evidence)
            await _look(stage, router, evidence, _Lost(set(before), gone, is_behind))


async def _publish(router: RouterProcess, witness: Witness, chance: Random) -> None:
    async with linked(router.at, SigningKey(chance.randbytes(32)), witness) as client:
        for _ in range(CASTS // AT_ONCE):
            made = [make_cast(chance, router.at.node, lifetime_ms=HOUR_MS).statement for _ in range(AT_ONCE)]
            await client.submit(made)


class _Lost(NamedTuple):
    """What was in a store, what another SQLite finds gone or changed in it, and whether its end is missing."""

    stored: set[int]
    gone: set[int]
    is_behind: bool


async def _look(stage: Stage, router: RouterProcess, evidence: Path, lost: _Lost) -> None:
    with Witness(evidence, "nemesis", SystemClock(), role="fault injector") as nemesis:
        nemesis.note("damaged", node=router.at.node, sequences=sorted(lost.gone))
        before = len(router.errors())
        await router.begin()
        status = None
        with suppress(AssertionError):
            await router.ready()
        if "ready" not in router.facts:
            status = await router.ended(STARTS_WITHIN_S)
            said = router.errors()[before:]
            codes = [code for code in REFUSED if f"[{code}]" in said]
            stage.expect(status == 1 and len(codes) == 1, f"it did not start: {said[-500:]}")
            stage.count("refused to start")
            if codes != ["chain-damaged"]:
                return
            await router.start("--begin-chain")
            stage.count("went on in a new chain")
        in_doubt = IN_DOUBT.search(router.facts.get("in", ""))
        stage.expect(bool(in_doubt) or not lost.is_behind, "the end of the store was lost, and nothing was said of it")
        with Witness(evidence, "subscriber", SystemClock(), role="subscriber") as witness:
            came = await _take_everything(router, witness, stage.chance)
        named = set(range(int(in_doubt[1]), int(in_doubt[2] or in_doubt[1]) + 1)) if in_doubt else set()
        missed = lost.stored - came - named
        await comes_true(lambda: missed <= _told(router.errors()[before:], missed), TOLD_WITHIN_S)
        said = router.errors()[before:]
        silent = missed - _told(said, missed)
        stage.expect(not silent, f"{sorted(silent)} did not come, and nothing was said of them")
        if STORE_FAILED in said:  # of what it could still read it may hand out a part
            nemesis.note("damaged", node=router.at.node, sequences=sorted(missed))
            stage.count("stopped promising")
        nemesis.note("heal")
        nemesis.note("end-of-drain")
        await router.kill()
    stage.count("statements damaged or lost", len(missed))
    stage.judge(evidence)


def _told(log: str, missed: set[int]) -> set[int]:
    """The sequences that the log names as damaged; where the store has failed, all that were `missed`."""
    told: set[int] = set()
    for line in log.splitlines():
        if line.startswith("{"):
            said = json.loads(line)
            if said["event"] == "damaged":
                told |= set(range(said["first"], said["last"] + 1))
            elif said["event"] == STORE_FAILED:
                told |= missed
    return told


def _ends(place: Path) -> float:
    """The last sequence that was committed, as a copy of the store says; beyond all if it says nothing."""
    with suppress(sqlite3.Error):
        return last_sequence(place / "store.db")
    return float("inf")


async def _take_everything(router: RouterProcess, witness: Witness, chance: Random) -> set[int]:
    """Everything that the router still hands out; the sequences."""
    came: set[int] = set()
    key = SigningKey(chance.randbytes(32))
    effects = Effects(witness, router.at.node, bytes(key.verify_key), "everything", set())
    with suppress(LinkError, Refused):
        async with linked(router.at, key, witness) as client, client.subscribe("everything", "open:**") as subscription:
            while True:
                with trio.move_on_after(LISTENS_S) as quiet:
                    delivery = await subscription.receive()
                    came.add(delivery.sequence)
                    effects.take(subscription, delivery)
                if quiet.cancelled_caught:
                    break
            with trio.move_on_after(LISTENS_S):
                await subscription.settled()
    return came


def readable(folder: Path, place: Path) -> dict[int, bytes]:
    """What another SQLite finds in a copy of the store: rows by sequence, as far as it can make sense of them."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for name in STORE_FILES[:2]:
        if (folder / name).exists():
            shutil.copy(folder / name, place)
    found: dict[int, bytes] = {}
    with suppress(sqlite3.Error), closing(sqlite3.connect(place / "store.db")) as connection:
        for sequence in range(1, 2 * CASTS):
            with suppress(sqlite3.Error):
                for (data,) in connection.execute("SELECT data FROM journal WHERE sequence = ?", [sequence]):
                    found[sequence] = data
    return found


def last_sequence(path: Path) -> int:
    """Of the statements in a store that nobody has open."""
    with closing(sqlite3.connect(path)) as connection:
        ((last,),) = connection.execute("SELECT coalesce(max(first + count), 1) - 1 FROM commits")
    return int(last)


async def an_old_backup(stage: Stage) -> None:
    """A store is put back as it was some time ago.  The node says so, takes nothing new until its operator decides, and
    goes on in a new chain."""
    async with RouterProcess(stage.folder) as router:
        await router.start()
        async with stage.market(router) as market:
            for number in range(stage.times):
                await market.load(40, 6.0)
                with market.fault(f"backup {number}"):
                    await router.stop()
                    backup = stage.place(f"backup-{number}")
                    shutil.copy(router.store, backup)
                    await router.start()
                    await market.load(40, 6.0)
                    await router.kill()
                    await trio.sleep(READ_WITHIN_S)
                    market.tallying.promised.clear()  # nobody waits for what is put away
                    (router.folder / "store.db-wal").unlink(missing_ok=True)
                    shutil.copy(backup / "store.db", router.store)
                    market.note("restored", node=router.at.node, through=last_sequence(backup / "store.db"))
                    await router.start()
                    stage.expect("in" in router.facts and "read-only" in router.facts, "the rollback was not noticed")
                    new = await market.load(1, 2.0)
                    market.measured("receipts while the store is rolled back", new, 0)
                    await router.stop()
                    await router.start("--begin-chain")
                    stage.expect("in" not in router.facts, "the operator's decision was not taken")
