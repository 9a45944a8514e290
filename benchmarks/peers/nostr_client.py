"""A Nostr relay through websockets: EVENT and OK, and a REQ for each subscriber.  Nostr has no acks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import Any, Final

from coincurve import PrivateKey
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.peers.client import WINDOW, Publish, Settle, Take

KIND: Final = 1  # a text note, which a relay keeps


class NostrClient:
    """See `Client`."""

    @asynccontextmanager
    async def publisher(self, address: str, topic: str) -> AsyncGenerator[Publish]:  # noqa: ARG002 - a tag names it
        """Confirmed by OK."""
        free = asyncio.Semaphore(WINDOW)

        async def confirmed(connection: ClientConnection, count: int) -> None:
            for _ in range(count):
                answer = json.loads(await connection.recv())
                if answer[0] != "OK" or not answer[2]:
                    raise ConnectionError(f"the relay refused an event: {answer}")
                free.release()

        async with connect(f"ws://{address}", compression=None) as connection:

            async def publish(messages: Sequence[bytes]) -> None:
                async with asyncio.TaskGroup() as group:
                    group.create_task(confirmed(connection, len(messages)))
                    for message in messages:
                        await free.acquire()
                        await connection.send(b'["EVENT",%b]' % message, text=True)

            yield publish

    @asynccontextmanager
    async def subscriber(self, address: str, topic: str, name: str, take: Take) -> AsyncGenerator[Settle]:
        """The subscription is the connection's, and ends with it."""

        async def receive(connection: ClientConnection) -> None:
            with suppress(ConnectionClosed):
                async for message in connection:
                    if json.loads(message)[0] == "EVENT":
                        take(message)

        async with connect(f"ws://{address}", compression=None) as connection:
            await connection.send(json.dumps(["REQ", name, {"kinds": [KIND], "#t": [topic]}]))
            while json.loads(await connection.recv())[0] != "EOSE":
                pass
            receiving = asyncio.create_task(receive(connection))
            yield _nothing
            await connection.close()
            await receiving

    def messages(self, casts: Sequence[bytes], topic: str) -> list[bytes]:
        """Signed events, each by a key of its own, each as long as a cast."""
        return [_event(len(cast), topic, number) for number, cast in enumerate(casts)]


async def _nothing() -> None:
    """Nothing is left to settle: there are no acks."""


def _event(length: int, topic: str, number: int) -> bytes:
    """NIP-01."""
    key = PrivateKey()
    author = key.public_key.format(compressed=True)[1:].hex()
    event: dict[str, Any] = {
        "id": "0" * 64,
        "pubkey": author,
        "created_at": int(time.time()),
        "kind": KIND,
        "tags": [["t", topic]],
        "content": f"a home, wish {number:09} ",
        "sig": "0" * 128,
    }
    event["content"] = event["content"].ljust(len(event["content"]) + length - len(_json(event)), ".")
    signed = [0, author, event["created_at"], KIND, event["tags"], event["content"]]
    digest = sha256(_json(signed)).digest()
    return _json(event | {"id": digest.hex(), "sig": key.sign_schnorr(digest).hex()})


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
