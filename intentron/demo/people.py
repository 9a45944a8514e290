"""One person of the story, or one seller: an intentron in a process of its own, spoken to over its local API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx2
import trio

from byway.errors import BywayError, LinkError
from intentron.api.listening import socket_path
from intentron.demo.processes import Daemon, run_to_end

WITHIN_S: Final = 30.0
LOOK_EVERY_S: Final = 0.1

Json = dict[str, Any]


class Intentron:
    """`name` is what the story calls it; `home` is its folder."""

    def __init__(self, name: str, home: Path, everybody: list[Daemon]) -> None:
        self.name = name
        self.home = home
        self._daemon = Daemon(["intentron", "run", "--home", str(home)], home.with_suffix(".log"), everybody)
        # There is no TLS on a Unix socket; what would verify it costs more to make than a request.
        transport = httpx2.AsyncHTTPTransport(uds=str(socket_path(home)), verify=False)
        self._client = httpx2.AsyncClient(transport=transport, base_url="http://intentron", timeout=WITHIN_S)

    async def init(self, *options: str) -> None:
        """Make its folder, key and vault."""
        await run_to_end("intentron", "init", "--home", str(self.home), *options)

    async def start(self) -> None:
        """Run it, as a process."""
        await self._daemon.start()

    async def stop(self) -> None:
        """It goes offline."""
        await self._daemon.stop()

    async def leave(self) -> None:
        """The story is over for it."""
        await self._client.aclose()

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request to its local API.  Raises `BywayError` with what it refused."""
        # As ASCII, because a sheet that is no UTF-8 travels as lone surrogates, which UTF-8 does not have.
        content = None if body is None else json.dumps(body)
        answer = await self._client.request(method, path, content=content)
        told = answer.json()
        if not answer.is_success:
            raise BywayError(told["sentence"], code=told["code"], next_step=told["next_step"])
        return told

    async def until(self, what: str, path: str, enough: Callable[[Sequence[Json]], bool]) -> list[Json]:
        """Look at a list of its API until there is enough in it.  Raises `LinkError` if that takes too long."""
        found: list[Json] = []
        with trio.move_on_after(WITHIN_S):
            while True:
                found = await self.ask("GET", path)
                if enough(found):
                    return found
                await trio.sleep(LOOK_EVERY_S)
        raise LinkError(f"{self.name} waited {WITHIN_S:g} s in vain for {what}; it has {len(found)}")
