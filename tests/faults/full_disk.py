"""A disk that is full under a real router: it says so, what is promised comes to its end, and it goes on with room."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import trio

from byway.clock import now_ms
from tests.crash.market import Market
from tests.crash.router_process import ROOT, RouterProcess
from tests.faults.answers import Answers
from tests.faults.failing_disk import STOPS_WITHIN_S, STORE_FAILED, TOLD_WITHIN_S, WATCHED_S
from tests.faults.stage import NotPossible, Stage, comes_true, needed

DISK_BYTES: Final = 16 << 20
RESERVE_BYTES: Final = 4 << 20
ACCEPTS_WITHIN_S: Final = 5.0
SWEPT_WITHIN_MS: Final = 2000
EMPTIED_WITHIN_S: Final = 8.0
SHORT_LIVED_WITHIN_S: Final = 60.0
FILLED_WITHIN_MS: Final = 500
SOON_MS: Final = 5000
EXPIRED: Final = "SELECT count(*) FROM journal WHERE substr(data, 45, 8) < ?"


async def the_disk_is_full(stage: Stage) -> None:
    """Another program fills a small disk, once down to the reserve and once to the last byte, and makes room again."""
    with small_disk(stage.place("disk")) as (disk, inside, prefix):
        router = RouterProcess(
            stage.folder, module="tests.faults.hurried_router", data=str(inside), reserve_bytes=RESERVE_BYTES
        )
        shutil.move(inside / "key", disk / "key")
        (disk / "key").chmod(0o600)
        router.prefix, router.store = prefix, disk / "store.db"
        async with router:
            await router.start()
            async with stage.market(router) as market:
                for number in range(stage.times):
                    with trio.fail_after(SHORT_LIVED_WITHIN_S):
                        await market.tallying.until(lambda: _soon_expired(market) > 0)
                    expires = _soon_expired(market)
                    with market.fault(f"full to the reserve {number}"):
                        await _filled(stage, market, disk, RESERVE_BYTES // 2)
                        with trio.move_on_after(10):
                            await market.tallying.until(lambda: not market.missing())
                        market.measured("casts that wait for a full disk", market.missing(), 0)
                        await trio.sleep(max(0, expires + SWEPT_WITHIN_MS + 1 - now_ms()) / 1000)
                        await _emptied(stage, router, "on a disk that is full to the reserve")
                    with market.fault(f"full to the last byte {number}"):
                        await _filled(stage, market, disk, 0)
                        if number % 2:
                            await router.kill()
                        (disk / "other").unlink()
                        if number % 2:
                            await router.start()
                    stage.expect(
                        await market.load(1, ACCEPTS_WITHIN_S) > 0, "nothing was accepted when there was room again"
                    )
                    await _emptied(stage, router, "when there was room again")
                stage.expect(STORE_FAILED not in router.errors(), "a full disk was taken for one that fails")


async def _filled(stage: Stage, market: Market, disk: Path, left: int) -> None:
    """Nobody gets a receipt, and everybody is told that it is for want of room."""
    fill(disk / "other", left, disk)
    await trio.sleep(STOPS_WITHIN_S)
    answers = Answers(market.evidence)
    await trio.sleep(WATCHED_S)
    await comes_true(lambda: answers.refusals()["store-full"] > 0, TOLD_WITHIN_S)
    market.measured(f"receipts with {left} bytes left", len(answers.receipts()), 0)
    told = answers.refusals()
    stage.expect(told["store-full"] > 0, f"nobody was told that the disk is full, with {left} bytes left: {told}")
    stage.count("refused as store-full", told["store-full"])


async def _emptied(stage: Stage, router: RouterProcess, when: str) -> None:
    """Everything that has expired is deleted."""
    gone = await comes_true(lambda: _expired_rows(router.store, stage.folder / "reading") == 0, EMPTIED_WITHIN_S)
    stage.expect(gone, f"what had expired was still there {when}")


def _expired_rows(store: Path, place: Path) -> int | None:
    """How many stored statements have expired for some time; None if that cannot be told now."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for path in (store, store.with_name(f"{store.name}-wal")):
        shutil.copy(path, place)
    try:
        with closing(sqlite3.connect(place / store.name)) as connection:
            ((count,),) = connection.execute(EXPIRED, [(now_ms() - SWEPT_WITHIN_MS).to_bytes(8)])
    except sqlite3.Error:  # it was written to meanwhile
        return None
    return int(count)


def _soon_expired(market: Market) -> int:
    """When a cast expires that has just been promised, and will outlive the filling of a disk; 0: there is none."""
    soon = now_ms() + FILLED_WITHIN_MS
    expire = (made.statement.expires for made in market.tallying.promised.values())
    return next((at for at in expire if soon < at < soon + SOON_MS), 0)


def fill(path: Path, left: int, disk: Path) -> None:
    """Write to the file until so many bytes are left on its disk, or none."""
    piece = bytes(64 << 10)
    with path.open("ab", buffering=0) as file:
        while (free := shutil.disk_usage(disk).free - left) > 0:
            try:
                file.write(piece[:free])
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                return


@contextmanager
def small_disk(place: Path) -> Generator[tuple[Path, Path, list[str]]]:
    """A small disk that only one mount namespace sees at `place`.

    Gives the path to it from here, the path inside, and what to put before a command that shall see it.  Who is not
    root gets it in a user namespace.  Raises `NotPossible` where no such namespace may be made.
    """
    unshare, nsenter = needed("unshare", "util-linux"), needed("nsenter", "util-linux")
    mount = f'mount -t tmpfs -o size={DISK_BYTES} tmpfs "$0" && echo mounted && exec sleep infinity'
    root = os.geteuid() == 0
    made, entered = (["-m"], ["-m"]) if root else (["-r", "-m"], ["-U", "--preserve-credentials", "-m"])
    holder = subprocess.Popen(
        [unshare, *made, "sh", "-c", mount, place], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        if holder.stdout.readline() != b"mounted\n":
            assert holder.stderr is not None
            why = holder.stderr.read().decode().strip()
            raise NotPossible(
                f"no small disk can be mounted ({why}): run it as root, or let users make namespaces, "
                "sysctl -w kernel.unprivileged_userns_clone=1"
            )
        prefix = [nsenter, "-t", str(holder.pid), *entered, f"--wd={ROOT}", "--"]
        yield Path(f"/proc/{holder.pid}/root{place}"), place, prefix
    finally:
        holder.kill()
        holder.communicate()
