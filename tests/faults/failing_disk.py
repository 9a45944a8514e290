"""A disk that fails or is full under a real router: it stops promising at once, and loses nothing that it promised."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import trio

from tests.crash.market import Market
from tests.crash.router_process import ROOT, RouterProcess
from tests.faults.failing_router import FAIL
from tests.faults.stage import NotPossible, Stage, needed

OPERATIONS: Final = ("sync", "write", "sync", "read", "truncate")
SETTLED_WITHIN_S: Final = 4.0
STOPS_WITHIN_S: Final = 1.0
STORE_FAILED: Final = "store_failed"

DISK_BYTES: Final = 16 << 20
RESERVE_BYTES: Final = 4 << 20
ACCEPTS_WITHIN_S: Final = 5.0


async def an_operation_fails(stage: Stage) -> None:
    """The n-th flush, write, read or truncation, once or from then on, at a start or under load."""
    async with (
        RouterProcess(stage.folder, module="tests.faults.failing_router") as router,
        stage.market(router) as market,
    ):
        for number in range(stage.times):
            operation = OPERATIONS[number % len(OPERATIONS)]
            at = stage.chance.randint(1, 3 if operation in ("read", "truncate") else 30)
            how = stage.chance.choice(["once", "stays"])
            router.environment = {FAIL: f"{operation} {at} {how}"}
            with market.fault(f"{number}: {operation} {at} fails, {how}"):
                said = router.errors().count(STORE_FAILED)
                await router.begin()
                status = await _settled(router, said)
                if router.errors().count(STORE_FAILED) > said:
                    await stops_promising(market)
                    stage.count("stopped promising")
                if status is None:
                    await router.kill()
                else:
                    stage.count("did not start")
        router.module, router.environment = "byway", {}
        await router.start()


async def a_flush_fails_in_the_system(stage: Stage) -> None:
    """`strace` makes every fdatasync of a running router fail."""
    strace = needed("strace", "strace")
    async with RouterProcess(stage.folder) as router, stage.market(router) as market:
        for number in range(stage.times):
            await router.start()
            await market.load(20, 3.0)
            said = router.errors().count(STORE_FAILED)
            with market.fault(f"flush {number}"):
                async with _injected(strace, router.pid):
                    await _settled(router, said)
                    stage.expect(router.errors().count(STORE_FAILED) > said, "a failed flush was not noticed")
                    await stops_promising(market)
                await router.kill()
        await router.start()


async def stops_promising(market: Market) -> None:
    """From a second after the failure on nobody gets a receipt."""
    await trio.sleep(STOPS_WITHIN_S)
    later = await market.load(1, STOPS_WITHIN_S)
    market.measured("receipts from a second after the disk failed", later, 0)


async def _settled(router: RouterProcess, said: int) -> int | None:
    """Wait until the router ends, or says that its store has failed, or has gone on long enough."""
    with trio.move_on_after(SETTLED_WITHIN_S):
        while router.errors().count(STORE_FAILED) <= said:
            if (status := await router.ended(0.2)) is not None:
                return status
    return None


@asynccontextmanager
async def _injected(strace: str, pid: int) -> AsyncGenerator[None]:
    what = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"]
    tracer = await trio.lowlevel.open_process([strace, "-f", "-p", str(pid), *what], stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    said = b""
    with trio.fail_after(10):
        while b"attached" not in said:
            piece = await tracer.stderr.receive_some()
            said += piece
            if not piece:
                raise NotPossible(f"strace may not trace another process: {said.decode()[-200:]}")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_read_all, tracer.stderr)
        try:
            yield
        finally:
            tracer.terminate()
            with trio.CancelScope(shield=True):
                await tracer.wait()
            nursery.cancel_scope.cancel()


async def _read_all(stream: trio.abc.ReceiveStream) -> None:
    while await stream.receive_some():
        pass


async def the_disk_is_full(stage: Stage) -> None:
    """Another program fills a small disk, once down to the reserve and once to the last byte, and makes room again."""
    with small_disk(stage.place("disk")) as (disk, inside, prefix):
        router = RouterProcess(stage.folder, data=str(inside), reserve_bytes=RESERVE_BYTES)
        shutil.move(inside / "key", disk / "key")
        (disk / "key").chmod(0o600)
        router.prefix, router.store = prefix, disk / "store.db"
        async with router:
            await router.start()
            async with stage.market(router) as market:
                for number in range(stage.times):
                    await market.load(20, 5.0)
                    with market.fault(f"full to the reserve {number}"):
                        fill(disk / "other", RESERVE_BYTES // 2, disk)
                        await trio.sleep(STOPS_WITHIN_S)
                        market.measured("receipts below the reserve", await market.load(1, 1.0), 0)
                        with trio.move_on_after(10):
                            await market.tallying.until(lambda: not market.missing())
                        market.measured("casts that wait for a full disk", market.missing(), 0)
                        fill(disk / "other", 0, disk)
                        await trio.sleep(STOPS_WITHIN_S)
                        if number % 2:
                            await router.kill()
                        (disk / "other").unlink()
                        if number % 2:
                            await router.start()
                    stage.expect(
                        await market.load(1, ACCEPTS_WITHIN_S) > 0, "nothing was accepted when there was room again"
                    )


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

    Gives the path to it from here, the path inside, and what to put before a command that shall see it.
    Raises `NotPossible` where no namespace may be made.
    """
    unshare, nsenter = needed("unshare", "util-linux"), needed("nsenter", "util-linux")
    mount = f'mount -t tmpfs -o size={DISK_BYTES} tmpfs "$0" && echo mounted && exec sleep infinity'
    holder = subprocess.Popen([unshare, "-m", "sh", "-c", mount, place], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        if holder.stdout.readline() != b"mounted\n":
            assert holder.stderr is not None
            why = holder.stderr.read().decode().strip()
            raise NotPossible(f"no small disk can be mounted ({why}): run it as root, sudo make faults")
        prefix = [nsenter, "-t", str(holder.pid), "-m", f"--wd={ROOT}", "--"]
        yield Path(f"/proc/{holder.pid}/root{place}"), place, prefix
    finally:
        holder.kill()
        holder.communicate()
