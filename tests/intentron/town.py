"""A byway in a thread, with intentrons that commands are typed at: real sockets and vaults, a network in memory."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from byway import clock
from byway.cli.report import run_command
from byway.node_address import NodeAddress
from intentron.api.server import serve_api
from intentron.cli.app import app
from intentron.keys import load_keys
from intentron.node import Node
from intentron.settings import load_settings
from intentron.vault import open_vault
from tests.scenarios.byway_in_a_process import World

WITHIN_S = 10.0
LOOK_EVERY_S = 0.02


class Ground(World):
    """The operators' machines, at the real time: commands do not live in a virtual one."""

    def now_ms(self) -> int:
        return clock.now_ms()


class Town:
    """A router, a messaging authority, and as many intentrons as are moved in; all of it ends with `leave`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.router: NodeAddress
        self.messaging: NodeAddress
        self._ready = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._run,), daemon=True)
        self._thread.start()
        assert self._ready.wait(WITHIN_S)

    def home(self, name: str) -> Path:
        return self.folder / name

    def move_in(self, name: str, *more: str) -> Path:
        """Make an intentron, with `more` flags, and run it; returns its folder."""
        home = self.home(name)
        flags = ("--router", str(self.router), "--messaging", str(self.messaging), *more)
        assert run_command(lambda: app(("init", "--home", str(home), *flags))) == 0
        self._do(self._move_in, home)
        return home

    def kill_router(self) -> None:
        self._do(self._world.router.kill)

    def start_router(self) -> None:
        self._do(self._world.router.start)

    def dialled(self) -> list[str]:
        """Every address to which anybody has opened a link."""
        return [address for address, _ in self._world.dialled]

    def leave(self) -> None:
        self._token.run_sync_soon(self._nursery.cancel_scope.cancel)
        self._thread.join(WITHIN_S)
        assert not self._thread.is_alive()

    def _do(self, call: Callable[..., Awaitable[None]], *values: object) -> None:
        trio.from_thread.run(call, *values, trio_token=self._token)

    async def _run(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        ground = self.folder / "ground"
        ground.mkdir()
        async with trio.open_nursery() as operators:
            self._world = Ground(ground, operators)
            self.router, self.messaging = self._world.router.place, self._world.messaging.place
            await self._world.router.start()
            await self._world.messaging.start()
            async with trio.open_nursery() as self._nursery:
                self._ready.set()
                await trio.sleep_forever()
            operators.cancel_scope.cancel()

    async def _move_in(self, home: Path) -> None:
        await self._nursery.start(self._live, home)

    async def _live(self, home: Path, *, task_status: trio.TaskStatus[None]) -> None:
        with open_vault(home) as vault:
            node = Node(
                vault,
                load_keys(home),
                load_settings(home),
                now_ms=self._world.now_ms,
                random=self._world.random,
                open_link=self._world.open_link,
            )
            async with trio.open_nursery() as nursery:
                await nursery.start(partial(serve_api, node, home, stop=trio.Event()))
                nursery.start_soon(node.run)
                task_status.started()


class Shell:
    """Types commands for one intentron, and tells what was printed."""

    def __init__(self, home: Path, captured: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._captured = captured

    def __call__(self, *words: str) -> str:
        """What a command that succeeds has printed."""
        status, out, err = self.run(*words)
        assert (status, err) == (0, ""), f"{words}: {out}{err}"
        return out

    def fails(self, *words: str) -> str:
        """What a command that fails has told."""
        status, _, err = self.run(*words)
        assert status == 1, words
        return err

    def told(self, *words: str) -> Any:
        """What a command that succeeds tells a program."""
        return json.loads(self(*words, "--json"))

    def until(self, enough: Callable[[Any], bool], *words: str) -> Any:
        """What a command tells a program as soon as that is enough."""
        give_up = time.monotonic() + WITHIN_S
        while not enough(told := self.told(*words)):
            assert time.monotonic() < give_up, told
            time.sleep(LOOK_EVERY_S)
        return told

    def run(self, *words: str) -> tuple[int, str, str]:
        self._captured.readouterr()
        status = run_command(lambda: app((*words, "--home", str(self.home))))
        out, err = self._captured.readouterr()
        return status, out, err
