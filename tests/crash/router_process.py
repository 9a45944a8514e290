"""A real router in a process of its own, which can be killed at any moment and started again where it was."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Self

import trio
from nacl.signing import SigningKey

from byway.key_file import create_key
from byway.node_address import NodeAddress
from byway.protocol.urn import node_urn
from byway.settings import NodeSettings, RouterSettings, write_settings

ROOT: Final = Path(__file__).parent.parent.parent
START_WITHIN_S: Final = 30.0
SIGKILLED: Final = -signal.SIGKILL  # the exit status
STOP_WITHIN_S: Final = 20.0
PORTS: Final = range(20_000, 32_000)  # below those that the system gives to clients, who could else take ours


class RouterProcess:
    """The router in `folder`: its settings, its key, its store, and what it has written to standard error.

    Leaving it as a context kills what still runs.  `module` is what runs, with words after it if there are any, in
    `environment` beside our own, behind the words of `prefix`; all three count from the next start on.  With `model`
    it is another node than a router.
    """

    def __init__(
        self, folder: Path, *, module: str = "byway", model: type[NodeSettings] = RouterSettings, **settings: Any
    ) -> None:
        self.folder = folder
        self.settings = folder / "byway.toml"
        self.log = folder / "router.log"
        self.store = folder / "store.db"
        self.facts: dict[str, str] = {}  # the lines it has printed, by their first word
        self.module = module
        self.environment: dict[str, str] = {}
        self.prefix: list[str] = []
        address = f"127.0.0.1:{free_port()}"
        given = {"data": str(folder), "listen": [address], "verify_workers": 1} | settings
        self.key = SigningKey(create_key(write_settings(self.settings, model, given).data / "key", os.urandom))
        self.at = NodeAddress(node_urn(bytes(self.key.verify_key)), address)
        self._process: trio.Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None and self._process.returncode is None:
            with trio.CancelScope(shield=True):
                await self.kill()

    @property
    def pid(self) -> int:
        return self._running().pid

    async def begin(self, *decisions: str) -> None:
        """Start the process, with what its operator has decided, and do not wait for it."""
        with self.log.open("ab") as log:
            self._process = await trio.lowlevel.open_process(
                [*self.prefix, sys.executable, "-m", *self.module.split(), "run", str(self.settings), *decisions],
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=os.environ | self.environment,
            )
        self.facts = {}

    async def ready(self) -> None:
        """Wait until the process serves."""
        with trio.fail_after(START_WITHIN_S):
            await self._read_until("ready")
        if "ready" not in self.facts:
            raise AssertionError(f"the router did not start: {self.errors()}")

    async def start(self, *decisions: str) -> None:
        await self.begin(*decisions)
        await self.ready()

    async def kill(self) -> int:
        """SIGKILL: whatever it was doing, it does no more; the exit status, of SIGKILL if nothing was before it."""
        return await self._end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: it is there, and does nothing."""
        self._running().send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._running().send_signal(signal.SIGCONT)

    async def ended(self, within_s: float) -> int | None:
        """Wait for it to end by itself; the exit status, or None if it is still there."""
        with trio.move_on_after(within_s):
            await self._read_until(None)
            return await self._finish()
        return None

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        return await self._end(signal.SIGTERM)

    async def hang_up(self) -> int:
        """SIGHUP, as when its terminal goes away; the exit status."""
        return await self._end(signal.SIGHUP)

    def errors(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def _running(self) -> trio.Process:
        assert self._process is not None, "the router has not been started"
        return self._process

    async def _end(self, signal_number: int) -> int:
        self._running().send_signal(signal_number)
        with trio.fail_after(STOP_WITHIN_S):
            await self._read_until(None)
            return await self._finish()

    async def _finish(self) -> int:
        process = self._running()
        with trio.CancelScope(shield=True):  # it has closed its output, so this is soon over
            status = await process.wait()
            if process.stdout is not None:
                await process.stdout.aclose()
        return status

    async def _read_until(self, last: str | None) -> None:
        """Note the lines it prints, up to the one that begins with `last`, or to the end."""
        stdout = self._running().stdout
        assert stdout is not None
        text = b""
        while last not in self.facts and (piece := await stdout.receive_some()):
            text += piece
            for line in text.decode().split("\n")[:-1]:
                word, _, rest = line.partition(" ")
                self.facts[word] = rest.strip()


def free_port() -> int:
    """A port on which nobody listens."""
    chosen = random.SystemRandom()
    while True:
        port = chosen.choice(PORTS)
        with socket.socket() as attempt:
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
