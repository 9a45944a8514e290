"""Verification of signatures: the physical limit of a router, so it is done in batches beside the event loop.

`InlineVerifier` verifies where it is called, for simulations and small nodes.  `ProcessVerifier` keeps one worker
process a core; `docs/decisions/0007-verification-in-processes.md` has the measurements.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog
import trio

from byway.protocol.statement import is_signed

log = structlog.get_logger()

INLINE_AT_MOST: Final = 4  # so few are dearer with the hop to a worker and back (decision 7)
BATCH: Final = 64  # beyond this the hop no longer shows, and other cores would sit idle
_RESTART_AFTER_S: Final = 1.0
_LENGTH: Final = struct.Struct(">I")


class Verifier(Protocol):
    """Says which statements are signed by the key they name."""

    async def verify(self, statements: Sequence[bytes]) -> Sequence[bool]:
        """One verdict for each well-formed statement, in order.  Cancelling it wastes work and harms nothing."""
        ...


class InlineVerifier:
    """Verifies at once, on the event loop."""

    async def verify(self, statements: Sequence[bytes]) -> Sequence[bool]:
        await trio.lowlevel.checkpoint()
        return [is_signed(data) for data in statements]


@dataclass(slots=True)
class _Job:
    statements: Sequence[bytes]
    verdicts: bytes = b""
    done: trio.Event = field(default_factory=trio.Event)


class ProcessVerifier:
    """Hands batches to worker processes; a worker that dies is replaced and its batch verified here."""

    def __init__(self) -> None:
        self._jobs: deque[_Job] = deque()
        self._work = trio.Condition()

    async def verify(self, statements: Sequence[bytes]) -> Sequence[bool]:
        if len(statements) <= INLINE_AT_MOST:
            await trio.lowlevel.checkpoint()
            return [is_signed(data) for data in statements]
        jobs = [_Job(statements[start : start + BATCH]) for start in range(0, len(statements), BATCH)]
        async with self._work:
            self._jobs.extend(jobs)
            self._work.notify(len(jobs))
        for job in jobs:
            await job.done.wait()
        return [bool(verdict) for job in jobs for verdict in job.verdicts]

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
                        await self._serve(stream, await self._next_job())
            except* (trio.BrokenResourceError, OSError):
                log.warning("verifier_worker_lost", restart_after_s=_RESTART_AFTER_S)
            await trio.sleep(_RESTART_AFTER_S)

    async def _next_job(self) -> _Job:
        async with self._work:
            while not self._jobs:
                await self._work.wait()
            return self._jobs.popleft()

    async def _serve(self, stream: trio.SocketStream, job: _Job) -> None:
        try:
            packed = b"".join(_LENGTH.pack(len(data)) + data for data in job.statements)
            await stream.send_all(_LENGTH.pack(len(packed)) + packed)
            verdicts = b""
            while len(verdicts) < len(job.statements):
                received = await stream.receive_some()
                if not received:
                    raise trio.BrokenResourceError
                verdicts += received
            job.verdicts = verdicts
        except (trio.BrokenResourceError, OSError):
            job.verdicts = bytes(is_signed(data) for data in job.statements)
            raise
        finally:
            job.done.set()


@contextlib.asynccontextmanager
async def _worker() -> AsyncIterator[trio.SocketStream]:
    """One worker process on the other end of a socket pair.  It ends when its socket is closed."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-P", "-m", "byway.router.verifier"], stdin=theirs.fileno(), stdout=theirs.fileno()
        )
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
    try:
        yield stream
    finally:
        with trio.CancelScope(shield=True):
            await stream.aclose()
            process.kill()
            await process.wait()


def work(connection: socket.socket) -> None:
    """Answer batches with one byte for each statement until the other end closes."""
    with connection.makefile("rb") as requests:
        while header := requests.read(_LENGTH.size):
            packed = memoryview(requests.read(_LENGTH.unpack(header)[0]))
            verdicts = bytearray()
            at = 0
            while at < len(packed):
                (length,) = _LENGTH.unpack_from(packed, at)
                at += _LENGTH.size
                verdicts.append(is_signed(bytes(packed[at : at + length])))
                at += length
            connection.sendall(verdicts)


if __name__ == "__main__":
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the router's to handle; it closes the socket
    with contextlib.suppress(ConnectionError), socket.socket(fileno=os.dup(0)) as pair:
        work(pair)
