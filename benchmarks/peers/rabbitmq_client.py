"""RabbitMQ through pika: publisher confirms, and for each subscriber a quorum queue at a fanout exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from pika import BasicProperties, ConnectionParameters, DeliveryMode
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel

from benchmarks.peers.client import WINDOW, Publish, Settle, Take

PERSISTENT = BasicProperties(delivery_mode=DeliveryMode.Persistent)
QUORUM = {"x-queue-type": "quorum"}


class RabbitMQClient:
    """See `Client`."""

    @asynccontextmanager
    async def publisher(self, address: str, topic: str) -> AsyncGenerator[Publish]:
        """Confirmed by publisher confirms."""
        free = asyncio.Semaphore(WINDOW)
        unconfirmed: set[int] = set()

        def confirmed(frame: Any) -> None:
            if frame.method.NAME != "Basic.Ack":
                raise ConnectionError("RabbitMQ refused a message")
            through = frame.method.delivery_tag
            done = {tag for tag in unconfirmed if tag <= through} if frame.method.multiple else {through}
            unconfirmed.difference_update(done)
            for _ in done:
                free.release()

        async with _channel(address) as channel:
            await _declared(channel, topic)
            await _called(channel.confirm_delivery, confirmed)

            async def publish(messages: Sequence[bytes]) -> None:
                for tag, message in enumerate(messages, 1):
                    await free.acquire()
                    unconfirmed.add(tag)
                    channel.basic_publish(topic, "", message, PERSISTENT)
                for _ in range(WINDOW):
                    await free.acquire()

            yield publish

    @asynccontextmanager
    async def subscriber(self, address: str, topic: str, name: str, take: Take) -> AsyncGenerator[Settle]:
        """Each message is acked by itself; `WINDOW` may be unacked."""

        def handle(channel: Channel, method: Any, _properties: object, body: bytes) -> None:
            take(body)
            channel.basic_ack(method.delivery_tag)

        async with _channel(address) as channel:
            await _declared(channel, topic)
            await _called(channel.queue_declare, name, durable=True, arguments=QUORUM)
            await _called(channel.queue_bind, name, topic)
            await _called(channel.basic_qos, prefetch_count=WINDOW)
            await _called(channel.basic_consume, name, handle)
            # The server handles what comes on a channel in order.
            yield partial(_called, channel.basic_qos, prefetch_count=WINDOW)
            await _called(channel.queue_delete, name)

    def messages(self, casts: Sequence[bytes], topic: str) -> list[bytes]:  # noqa: ARG002 - see `Client`
        """The casts themselves."""
        return list(casts)


async def _declared(channel: Channel, topic: str) -> None:
    await _called(channel.exchange_declare, topic, "fanout", durable=True)


@asynccontextmanager
async def _channel(address: str) -> AsyncGenerator[Channel]:
    """A channel on a connection of its own."""
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[AsyncioConnection] = loop.create_future()
    closed = asyncio.Event()
    host, _, port = address.rpartition(":")
    connection = AsyncioConnection(
        ConnectionParameters(host, int(port)),
        on_open_callback=opened.set_result,
        on_open_error_callback=lambda _, error: opened.set_exception(error),
        on_close_callback=lambda *_: closed.set(),
    )
    await opened
    channel: asyncio.Future[Channel] = loop.create_future()
    connection.channel(on_open_callback=channel.set_result)
    yield await channel
    connection.close()
    await closed.wait()


async def _called(method: Callable[..., object], *arguments: object, **named: object) -> None:
    """Call a method of pika, and wait until the server has done it."""
    done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    method(*arguments, **named, callback=done.set_result)
    await done
