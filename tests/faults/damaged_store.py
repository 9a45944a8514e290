"""Changed bits, lost ends and an old backup: what is damaged is never handed on, and what is lost is not kept quiet."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, Refused
from byway.protocol.limits import HOUR_MS
from tests.checker.evidence import SystemClock, Witness
from tests.checker.witnesses import Effects
from tests.crash.parties import linked, make_cast
from tests.crash.router_process import RouterProcess
from tests.faults.stage import EVIDENCE, Stage

CASTS: Final = 60
AT_ONCE: Final = 5
STORE_FILES: Final = ("store.db", "store.db-wal", "high-water")
HEADER_BYTES: Final = 100  # of the database and a little more than the log's: with it everything is lost at once
LISTENS_S: Final = 1.0
STARTS_WITHIN_S: Final = 15.0
READ_WITHIN_S: Final = 1.0  # what was on its way when the router was killed

Damage = Callable[[Path, Random], None]


async def bits_of_a_closed_store(stage: Stage) -> None:
    """One bit, anywhere in the database."""
    await _damage_again_and_again(stage, "stop", lambda folder, chance: flip(folder / "store.db", chance))


async def bits_of_a_log(stage: Stage) -> None:
    """One bit, anywhere in the write-ahead log that a kill has left."""
    await _damage_again_and_again(stage, "kill", lambda folder, chance: flip(folder / "store.db-wal", chance))


async def a_store_without_its_end(stage: Stage) -> None:
    """The database is cut off somewhere."""
    await _damage_again_and_again(stage, "stop", lambda folder, chance: cut_off(folder / "store.db", chance))


async def a_log_without_its_end(stage: Stage) -> None:
    """The write-ahead log is cut off somewhere, or gone."""
    await _damage_again_and_again(stage, "kill", lambda folder, chance: cut_off(folder / "store.db-wal", chance))


def flip(path: Path, chance: Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(HEADER_BYTES, len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def cut_off(path: Path, chance: Random) -> None:
    with path.open("r+b") as file:
        file.truncate(chance.randrange(path.stat().st_size))


async def _damage_again_and_again(stage: Stage, end: str, damage: Damage) -> None:
    """Publish once; then damage a copy of what is left, start a router on it, and take what it still hands out."""
    async with RouterProcess(stage.place("router")) as router:
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
            gone = [sequence for sequence, data in before.items() if found.get(sequence) != data]
            stage.outcome.faults += 1
            evidence = stage.place(f"{EVIDENCE}-{number}")
            shutil.copy(kept / "publisher.jsonl", evidence)
            await _look(stage, router, evidence, gone, is_behind=_ends(stage.folder / "reading") < max(before))


async def _publish(router: RouterProcess, witness: Witness, chance: Random) -> None:
    async with linked(router.at, SigningKey(chance.randbytes(32)), witness) as client:
        for _ in range(CASTS // AT_ONCE):
            made = [make_cast(chance, router.at.node, lifetime_ms=HOUR_MS).statement for _ in range(AT_ONCE)]
            await client.submit(made)


async def _look(stage: Stage, router: RouterProcess, evidence: Path, gone: list[int], *, is_behind: bool) -> None:
    with Witness(evidence, "nemesis", SystemClock(), role="fault injector") as nemesis:
        nemesis.note("damaged", node=router.at.node, sequences=gone)
        await router.begin()
        status = None
        with suppress(AssertionError):
            await router.ready()
        if "ready" not in router.facts:
            status = await router.ended(STARTS_WITHIN_S)
            said = router.errors().splitlines()[-4:]
            codes = [code for code in ("store-damaged", "chain-damaged") if any(code in line for line in said)]
            stage.expect(status == 1 and len(codes) == 1, f"it did not start: {said}")
            stage.count("refused to start")
            if codes != ["chain-damaged"]:
                return
            await router.start("--begin-chain")
            stage.count("went on in a new chain")
        stage.expect("in" in router.facts or not is_behind, "the end of the store was lost, and nothing was said of it")
        with Witness(evidence, "subscriber", SystemClock(), role="subscriber") as witness:
            await _take_everything(router, witness, stage.chance)
        nemesis.note("heal")
        nemesis.note("end-of-drain")
        await router.kill()
    stage.count("statements damaged or lost", len(gone))
    stage.judge(evidence)


def _ends(place: Path) -> float:
    """The last sequence that was committed, as a copy of the store says; beyond all if it says nothing."""
    with suppress(sqlite3.Error):
        return last_sequence(place / "store.db")
    return float("inf")


async def _take_everything(router: RouterProcess, witness: Witness, chance: Random) -> None:
    key = SigningKey(chance.randbytes(32))
    effects = Effects(witness, router.at.node, bytes(key.verify_key), "everything", set())
    with suppress(LinkError, Refused):
        async with linked(router.at, key, witness) as client, client.subscribe("everything", "open:**") as subscription:
            while True:
                with trio.move_on_after(LISTENS_S) as quiet:
                    effects.take(subscription, await subscription.receive())
                if quiet.cancelled_caught:
                    break
            with trio.move_on_after(LISTENS_S):
                await subscription.settled()


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
