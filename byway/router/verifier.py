"""Verification of signatures: the physical limit of a router, so it is done in batches beside the event loop.

`InlineVerifier` verifies where it is called, for simulations and small nodes.  `ProcessVerifier` keeps one worker
process a core; `docs/decisions/0007-verification-in-processes.md` has the measurements.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

import structlog
import trio

from byway.protocol.statement import is_signed
from byway.router.verifier_worker import LENGTH

log = structlog.get_logger()

INLINE_AT_MOST: Final = 4  # so few are dearer with the hop to a worker and back (decision 7)
_RESTART_AFTER_S: Final = 1.0


class Verifier(Protocol):
    """Says which statements are signed by the key they name."""

    @property
    def side_by_side(self) -> int:
        """How many batches it verifies at one time; more would only wait."""
        ...

    async def verify(self, statements: Sequence[bytes]) -> Sequence[bool]:
        """One verdict for each of these well-formed statements, in order.

        A few may be verified at once, without a turn of the event loop.  Cancelling it harms nothing.
        """
        ...


class InlineVerifier:
    """Verifies at once, on the event loop."""

    side_by_side = 1

    async def verify(self, statements: Sequence[bytes]) -> Sequence[bool]:
        await trio.lowlevel.checkpoint()
        return _verdicts(statements)


class ProcessVerifier:
    """Hands batches to `workers` processes.

    What is verified here: a batch too small for the hop, one whose worker has died, and one for which none is idle,
    because they have not begun yet or are being replaced.
    """

    def __init__(self, workers: int) -> None:
        self.side_by_side = workers
        self._idle: list[_Worker] = []

    async def verify(self, statements: Sequence[bytes]) -> Sequence[bool]:
        if len(statements) <= INLINE_AT_MOST:
            return _verdicts(statements)
        if not self._idle:
            await trio.lowlevel.checkpoint()
            return _verdicts(statements)
        worker = self._idle.pop()
        try:
            verdicts = await worker.verify(statements)
        except (trio.BrokenResourceError, OSError):
            worker.lost.set()
            return _verdicts(statements)
        except BaseException:  # its answer would be taken for that to the next batch
            worker.lost.set()
            raise
        self._idle.append(worker)
        return verdicts

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the workers running until cancelled; they end with this process, however it ends."""
        async with trio.open_nursery() as nursery:
            for _ in range(self.side_by_side):
                nursery.start_soon(self._keep_worker)
            task_status.started()

    async def _keep_worker(self) -> None:
        while True:
            try:
                async with _running_worker() as worker:
                    self._idle.append(worker)
                    await worker.lost.wait()
            except OSError as error:  # it could not be started
                log.warning("verifier_worker_lost", restart_after_s=_RESTART_AFTER_S, reason=str(error))
            else:
                log.warning("verifier_worker_lost", restart_after_s=_RESTART_AFTER_S)
            await trio.sleep(_RESTART_AFTER_S)


class _Worker:
    """One worker process, seen from here; `lost` is set when it is of no use any more."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.lost = trio.Event()
        self._stream = stream

    async def verify(self, statements: Sequence[bytes]) -> Sequence[bool]:
        """Raises `trio.BrokenResourceError` or `OSError` if it is gone."""
        packed = b"".join([LENGTH.pack(len(data)) + data for data in statements])
        await self._stream.send_all(LENGTH.pack(len(packed)) + packed)
        verdicts = b""
        while len(verdicts) < len(statements):
            received = await self._stream.receive_some()
            if not received:
                raise trio.BrokenResourceError
            verdicts += received
        return [bool(verdict) for verdict in verdicts]


@contextlib.asynccontextmanager
async def _running_worker() -> AsyncIterator[_Worker]:
    """One worker process on the other end of a socket pair.  It ends when its socket is closed."""
    ours, theirs = socket.socketpair()
    async with trio.SocketStream(trio.socket.from_stdlib_socket(ours)) as stream:
        with theirs:
            process = await trio.lowlevel.open_process(
                [sys.executable, "-P", "-m", "byway.router.verifier_worker"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
            )
        try:
            yield _Worker(stream)
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()


def _verdicts(statements: Sequence[bytes]) -> list[bool]:
    return [is_signed(data) for data in statements]
