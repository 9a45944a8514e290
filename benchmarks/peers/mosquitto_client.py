"""Mosquitto through paho-mqtt: QoS 1 both ways, and a persistent session for each subscriber.

The library asks for no thread where somebody else watches its socket, as an event loop does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from benchmarks.peers.client import WINDOW, Publish, Settle, Take

QOS = 1


class MosquittoClient:
    """See `benchmarks.peers.client.Client`."""

    @asynccontextmanager
    async def publisher(self, address: str, topic: str) -> AsyncGenerator[Publish]:
        """Confirmed by PUBACK."""
        free = asyncio.Semaphore(WINDOW)

        def confirmed(*_: object) -> None:
            free.release()

        async with _connected(address, "") as client:
            client.on_publish = confirmed

            async def publish(messages: Sequence[bytes]) -> None:
                for message in messages:
                    await free.acquire()
                    _done(client.publish(topic, message, qos=QOS).rc)
                for _ in range(WINDOW):
                    await free.acquire()

            yield publish

    @asynccontextmanager
    async def subscriber(self, address: str, topic: str, name: str, take: Take) -> AsyncGenerator[Settle]:
        """PUBACK is sent when `take` has returned."""
        subscribed, unsubscribed = asyncio.Event(), asyncio.Event()

        def received(_client: Client, _data: object, message: MQTTMessage) -> None:
            take(message.payload)

        async with _connected(address, name) as client:
            client.on_message = received
            client.on_subscribe = lambda *_: subscribed.set()
            client.on_unsubscribe = lambda *_: unsubscribed.set()
            _done(client.subscribe(topic, qos=QOS)[0])
            await subscribed.wait()
            yield _nothing
            _done(client.unsubscribe(topic)[0])
            await unsubscribed.wait()

    def messages(self, casts: Sequence[bytes], topic: str) -> list[bytes]:  # noqa: ARG002 - see `Client`
        """The casts themselves."""
        return list(casts)


@asynccontextmanager
async def _connected(address: str, name: str) -> AsyncGenerator[Client]:
    """A client on this event loop.  With a name its session outlives the connection."""
    loop = asyncio.get_running_loop()
    opened = asyncio.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=not name)
    client.max_inflight_messages = WINDOW

    def watch(_client: Client, _data: object, socket: Any) -> None:
        loop.add_reader(socket, client.loop_read)

    client.on_socket_open = watch
    client.on_socket_close = lambda _client, _data, socket: loop.remove_reader(socket)
    client.on_socket_register_write = lambda _client, _data, socket: loop.add_writer(socket, client.loop_write)
    client.on_socket_unregister_write = lambda _client, _data, socket: loop.remove_writer(socket)
    client.on_connect = lambda *_: opened.set()
    host, _, port = address.rpartition(":")
    _done(client.connect(host, int(port), keepalive=0))
    await opened.wait()
    yield client
    client.disconnect()


async def _nothing() -> None:
    """Nothing is left to settle: the client writes each PUBACK at once."""


def _done(code: MQTTErrorCode) -> None:
    if code is not MQTTErrorCode.MQTT_ERR_SUCCESS:
        raise ConnectionError(f"Mosquitto's client says {code.name}")
