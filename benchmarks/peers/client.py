"""What a load process does with a peer, whichever it is, through the client library that its users take."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from benchmarks.measurements.accept import BATCH

IN_FLIGHT: Final = 2  # Submits of one link of ours
WINDOW: Final = IN_FLIGHT * BATCH  # messages of one connection that the server has not answered: as many casts as ours

Publish = Callable[[Sequence[bytes]], Coroutine[None, None, None]]
"""Returns when the server has confirmed every message; raises if it refused one."""

Take = Callable[[bytes], None]
"""Called with each message, before it is acked."""

Settle = Callable[[], Coroutine[None, None, None]]
"""Returns when the acks of all that was taken have reached the server."""


class Client(Protocol):
    """One connection for each publisher and each subscriber, with default settings but for what is said here."""

    def publisher(self, address: str, topic: str) -> AbstractAsyncContextManager[Publish]:
        """Connected; at most `WINDOW` messages are unconfirmed."""
        ...

    def subscriber(self, address: str, topic: str, name: str, take: Take) -> AbstractAsyncContextManager[Settle]:
        """Subscribed durably under `name` to what comes from now on; each message is acked.

        In the end the subscription is gone and the connection closed.
        """
        ...

    def messages(self, casts: Sequence[bytes], topic: str) -> list[bytes]:
        """What is published instead of these casts, as long as they."""
        ...


def client_of(peer: str) -> Client:
    """The client of the peer of this name.  Imports no library but its own."""
    match peer:
        case "jetstream" | "jetstream_sync":
            from benchmarks.peers.jetstream_client import JetStreamClient

            return JetStreamClient()
        case "mosquitto":
            from benchmarks.peers.mosquitto_client import MosquittoClient

            return MosquittoClient()
        case "rabbitmq":
            from benchmarks.peers.rabbitmq_client import RabbitMQClient

            return RabbitMQClient()
        case "nostr":
            from benchmarks.peers.nostr_client import NostrClient

            return NostrClient()
    raise ValueError(f"no peer is called {peer!r}")
