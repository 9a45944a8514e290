"""Verification of signatures: the physical limit of a router, so it is done in batches beside the event loop.

`InlineVerifier` verifies where it is called, for simulations and small nodes.  `ProcessVerifier` keeps one worker
process a core; `docs/decisions/0007-verification-in-processes.md` has the measurements.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol, TypeAlias

import structlog
import trio

from byway.protocol.statement import is_signed
from byway.router.verdict_queue import VerdictQueue
from byway.router.verifier_worker import LENGTH

log = structlog.get_logger()

INLINE_AT_MOST: Final = 4  # so few are dearer with the hop to a worker and back (decision 7)
BATCH: Final = 64  # beyond this the hop no longer shows, and other cores would sit idle
_RESTART_AFTER_S: Final = 1.0


class Verifier(Protocol):
    """Says which statements are signed by the key they name."""

    async def verify(
        self, statements: Sequence[bytes], peer: bytes, prefix: str, *, stamped: bool = False
    ) -> Sequence[bool]:
        """One verdict for each well-formed statement that the link of `peer` brought, in order.

        Where work waits, address prefixes take turns, and so do the links of one; what is `stamped` has every second
        turn.  Cancelling it harms nothing.
        """
        ...


class InlineVerifier:
    """Verifies at once, on the event loop."""

    async def verify(
        self, statements: Sequence[bytes], peer: bytes, prefix: str, *, stamped: bool = False
    ) -> Sequence[bool]:
        del peer, prefix, stamped
        await trio.lowlevel.checkpoint()
        return [is_signed(data) for data in statements]


class _Job:
    """The statements of one caller, which leave the queue one by one."""

    __slots__ = ("done", "left", "statements", "verdicts", "wanted")

    def __init__(self, statements: Sequence[bytes]) -> None:
        self.statements = statements
        self.verdicts = bytearray(len(statements))
        self.left = len(statements)
        self.done = trio.Event()
        self.wanted = True

    def settle(self, position: int, *, verdict: bool) -> None:
        self.verdicts[position] = verdict
        self.left -= 1
        if not self.left:
            self.done.set()


_Batch: TypeAlias = list[tuple[_Job, int]]


class ProcessVerifier:
    """Hands batches to worker processes; a worker that dies is replaced and its batch verified here.

    What came from many links meanwhile makes one batch.  A batch too small for the hop is verified here at once.
    """

    def __init__(self) -> None:
        self._waiting: VerdictQueue[tuple[_Job, int]] = VerdictQueue()
        self._idle = trio.lowlevel.ParkingLot()

    async def verify(
        self, statements: Sequence[bytes], peer: bytes, prefix: str, *, stamped: bool = False
    ) -> Sequence[bool]:
        job = _Job(statements)
        if not statements:
            job.done.set()
        self._waiting.put(prefix, peer, [(job, position) for position in range(len(statements))], stamped=stamped)
        self._idle.unpark(count=-(-len(self._waiting) // BATCH))
        try:
            await job.done.wait()
        finally:
            job.wanted = False
        return [bool(verdict) for verdict in job.verdicts]

    async def run(self, workers: int, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep `workers` processes working until cancelled; they end with this process, however it ends."""
        async with trio.open_nursery() as nursery:
            for _ in range(workers):
                nursery.start_soon(self._keep_worker)
            task_status.started()

    async def _keep_worker(self) -> None:
        while True:
            try:
                async with _worker() as stream:
                    while True:
                        await _serve(stream, await self._next_batch())
            except* (trio.BrokenResourceError, OSError):
                log.warning("verifier_worker_lost", restart_after_s=_RESTART_AFTER_S)
            with trio.move_on_after(_RESTART_AFTER_S):
                while True:
                    for job, position in await self._next_batch():
                        job.settle(position, verdict=is_signed(job.statements[position]))
                    await trio.lowlevel.checkpoint()

    async def _next_batch(self) -> _Batch:
        """What is next in turn, as soon as it is worth the hop; less than that is verified here."""
        while True:
            batch = [item for item in self._waiting.take(BATCH) if item[0].wanted]
            if len(batch) > INLINE_AT_MOST:
                return batch
            for job, position in batch:
                job.settle(position, verdict=is_signed(job.statements[position]))
            if self._waiting:
                await trio.lowlevel.checkpoint()
            else:
                await self._idle.park()


async def _serve(stream: trio.SocketStream, batch: _Batch) -> None:
    """Have a worker verify a batch.  Raises what says that the worker is gone; the batch is verified all the same."""
    try:
        statements = [job.statements[position] for job, position in batch]
        packed = b"".join([LENGTH.pack(len(data)) + data for data in statements])
        await stream.send_all(LENGTH.pack(len(packed)) + packed)
        verdicts = b""
        while len(verdicts) < len(batch):
            received = await stream.receive_some()
            if not received:
                raise trio.BrokenResourceError
            verdicts += received
    except (trio.BrokenResourceError, OSError):
        verdicts = bytes([is_signed(data) for data in statements])
        raise
    finally:
        for (job, position), verdict in zip(batch, verdicts, strict=False):
            job.settle(position, verdict=bool(verdict))


@contextlib.asynccontextmanager
async def _worker() -> AsyncIterator[trio.SocketStream]:
    """One worker process on the other end of a socket pair.  It ends when its socket is closed."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-P", "-m", "byway.router.verifier_worker"], stdin=theirs.fileno(), stdout=theirs.fileno()
        )
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
    try:
        yield stream
    finally:
        with trio.CancelScope(shield=True):
            await stream.aclose()
            process.kill()
            await process.wait()
