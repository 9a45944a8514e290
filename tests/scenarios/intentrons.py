"""People and sellers for scenarios: each a real node over a real vault, that can be killed at any moment."""

from __future__ import annotations

from typing import Any

import trio

from intentron.keys import Keys
from intentron.node import Node
from intentron.settings import IntentronSettings
from intentron.vault import open_vault
from tests.scenarios.byway_in_a_process import World

Json = dict[str, Any]

PATIENCE_S = 600.0  # virtual


class Intentron:
    """One person's node.  `kill` leaves nothing but the vault, `start` goes on from there."""

    def __init__(self, world: World, name: str, **settings: Any) -> None:
        self.keys = Keys(world.random(32))
        self.folder = world.folder / name
        self._world = world
        self._settings = IntentronSettings(authorities=(world.addressing.place,), **settings)
        self._life: trio.CancelScope | None = None
        self._dead = trio.Event()
        self._node: Node | None = None

    @property
    def runs(self) -> bool:
        return self._node is not None

    @property
    def node(self) -> Node:
        assert self._node, "it does not run"
        return self._node

    async def start(self) -> Intentron:
        self._dead = trio.Event()
        await self._world.nursery.start(self._run)
        return self

    async def kill(self) -> None:
        if self._life is not None:
            self._life.cancel()
            await self._dead.wait()

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    async def choose(self, **settings: Any) -> None:
        """Write these into the settings, and start again."""
        await self.kill()
        self._settings = self._settings.model_copy(update=settings)
        await self.start()

    async def until(self, event: str, count: int = 1) -> list[Json]:
        """The facts called `event`, once there are `count` of them."""
        with trio.fail_after(PATIENCE_S):
            after = 0
            found: list[Json] = []
            while len(found) < count:
                news = await self.node.events(after, PATIENCE_S)
                found += [fact for fact in news if fact["event"] == event]
                after = max((fact["number"] for fact in news), default=after)
            return found

    async def happened(self, event: str) -> int:
        """How often it happened so far."""
        return sum(fact["event"] == event for fact in await self.node.events(0, 0))

    async def _run(self, *, task_status: trio.TaskStatus[None]) -> None:
        world = self._world
        with open_vault(self.folder) as vault, trio.CancelScope() as self._life:
            self._node = Node(
                vault, self.keys, self._settings, now_ms=world.now_ms, random=world.random, open_link=world.open_link
            )
            task_status.started()
            await self._node.run()
        self._node = None
        self._dead.set()
