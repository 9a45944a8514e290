"""NATS JetStream through nats-py: asynchronous publishing, and a durable push consumer with explicit acks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import nats
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from benchmarks.peers.client import WINDOW, Publish, Settle, Take

STREAM = "casts"  # in files, kept until a limit: the default


class JetStreamClient:
    """See `Client`."""

    @asynccontextmanager
    async def publisher(self, address: str, topic: str) -> AsyncGenerator[Publish]:
        """Confirmed by the server's answer to each message."""
        connection = await nats.connect(f"nats://{address}")
        stream = connection.jetstream(publish_async_max_pending=WINDOW)
        await stream.add_stream(name=STREAM, subjects=[f"{STREAM}.>"])

        async def publish(messages: Sequence[bytes]) -> None:
            subject = _subject(topic)
            await asyncio.gather(*[await stream.publish_async(subject, message) for message in messages])

        yield publish
        await connection.close()

    @asynccontextmanager
    async def subscriber(self, address: str, topic: str, name: str, take: Take) -> AsyncGenerator[Settle]:
        """A push consumer: cheaper for server and client than fetching."""
        connection = await nats.connect(f"nats://{address}")
        stream = connection.jetstream()
        await stream.add_stream(name=STREAM, subjects=[f"{STREAM}.>"])

        async def handle(message: Msg) -> None:
            take(message.data)
            await message.ack()

        config = ConsumerConfig(deliver_policy=DeliverPolicy.NEW, ack_policy=AckPolicy.EXPLICIT)
        await stream.subscribe(_subject(topic), cb=handle, durable=name, config=config, manual_ack=True)
        await connection.flush()
        yield connection.flush
        await stream.delete_consumer(STREAM, name)
        await connection.close()

    def messages(self, casts: Sequence[bytes], topic: str) -> list[bytes]:  # noqa: ARG002 - see `Client`
        """The casts themselves."""
        return list(casts)


def _subject(topic: str) -> str:
    return f"{STREAM}.{topic}"
