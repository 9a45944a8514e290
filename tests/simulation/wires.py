"""Connections in memory that are late, stall, and are cut at any byte.

Bytes of one direction keep their order, as over TCP; what may overtake what are bytes of different connections.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Final

import trio

WINDOW_BYTES: Final = 16_384  # on their way in one direction: who sends more waits
QUICK_S: Final = (0.0002, 0.004)
SLOW_S: Final = (0.05, 0.4)
AT_ONCE: Final = 0.75  # of all writes: each that takes a while costs the simulation as much time as what it says
PIECES: Final = 0.15  # of all reads bring less than there is

Note = Callable[..., None]


class Pipe:
    """One direction of a connection."""

    def __init__(self, name: str, random: Random, note: Note) -> None:
        self.name = name
        self.sent = bytearray()
        self.cut_after: int | None = None  # bytes from now
        self.on_cut: Callable[[], None] = lambda: None
        self.may_be_cut: Callable[[], bool] = lambda: True  # by what is sent now
        self.slow = False
        self._random = random
        self._note = note
        self._queue: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self._last = 0.0
        self._stalled = False
        self._ended = False  # nothing more is sent
        self._abandoned = False  # nobody reads
        self._broken = False
        self._changed = trio.Event()

    async def send(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        while self._size >= WINDOW_BYTES and not (self._broken or self._ended):
            await self._changed.wait()
        if self._broken or self._ended:
            raise trio.BrokenResourceError
        cut = False
        if self.cut_after is not None and self.may_be_cut():
            cut = len(data) >= self.cut_after
            data, self.cut_after = (data[: self.cut_after], 0) if cut else (data, self.cut_after - len(data))
        self.sent += data
        self._note(self.name, data)
        self._last = max(self._last, trio.current_time() + self._delay())
        if data:
            self._queue.append((self._last, data))
            self._size += len(data)
        self._tell()
        if cut:
            self.on_cut()
            raise trio.BrokenResourceError

    async def receive(self, most: int) -> bytes:
        if self._queue:
            await trio.lowlevel.checkpoint()
        while not self._abandoned:
            now = trio.current_time()
            if self._stalled:
                await self._changed.wait()
            elif self._queue and self._queue[0][0] <= now:
                return self._take(most)
            elif self._broken:
                raise trio.BrokenResourceError
            elif self._queue:
                with trio.move_on_at(self._queue[0][0]):
                    await self._changed.wait()
            elif self._ended:
                return b""
            else:
                await self._changed.wait()
        raise trio.ClosedResourceError

    def stall(self, *, on: bool) -> None:
        self._stalled = on
        self._ended = self._ended or (self._abandoned and not on)
        self._tell()

    def end(self) -> None:
        self._ended = True
        self._tell()

    def abandon(self) -> None:
        """Whoever sends is not told of it before the stall is over."""
        self._abandoned = True
        self._ended = self._ended or not self._stalled
        self._tell()

    def reset(self, *, lost: bool) -> None:
        """The connection is gone; what was on its way is `lost`, or may be.  What was held up never arrives."""
        if lost or self._stalled or self._random.random() < 0.5:
            self._queue.clear()
        self._broken, self._stalled = True, False
        self._tell()

    def _delay(self) -> float:
        if self.slow:
            return self._random.uniform(*SLOW_S)
        return 0.0 if self._random.random() < AT_ONCE else self._random.uniform(*QUICK_S)

    def _take(self, most: int) -> bytes:
        arrives, data = self._queue.popleft()
        if len(data) > 1 and self._random.random() < PIECES:
            most = min(most, self._random.randrange(1, len(data)))
        if len(data) > most:
            self._queue.appendleft((arrives, data[most:]))
        self._size -= min(most, len(data))
        self._tell()
        return data[:most]

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


class End(trio.abc.Stream):
    """What one side of a connection has in its hands."""

    def __init__(self, out: Pipe, into: Pipe) -> None:
        self._out = out
        self._into = into
        self._closed = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self._check()
        await self._out.send(bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        self._check()
        data = await self._into.receive(max_bytes or WINDOW_BYTES)
        self._check()
        return data

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._out.end()
            self._into.abandon()
        await trio.lowlevel.checkpoint()

    def _check(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError


class Connection:
    """Two directions between a client and a node.  `up` is what the client sends."""

    def __init__(self, number: int, client: str, address: str, random: Random, note: Note) -> None:
        self.client = client
        self.address = address
        self.up = Pipe(f"{number} {client} > {address}", random, note)
        self.down = Pipe(f"{number} {client} < {address}", random, note)
        self.over = False
        for pipe in (self.up, self.down):
            pipe.on_cut = self.reset

    def reset(self, *, lost: bool = False) -> None:
        """Both ends find out."""
        self.over = True
        self.up.reset(lost=lost)
        self.down.reset(lost=lost)

    def stall(self, *, on: bool) -> None:
        self.up.stall(on=on)
        self.down.stall(on=on)

    def make_slow(self, *, on: bool) -> None:
        self.up.slow = self.down.slow = on
