"""A node as a process: store, router, links, and a stop that keeps its promises.

The same daemon runs a router and both authorities; they differ in their policy and in whether they answer for names.
"""

from __future__ import annotations

import ipaddress
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.clock import now_ms
from byway.link.link import Link
from byway.link.listener import serve_links
from byway.protocol.address import parse_listen_address
from byway.protocol.urn import node_urn
from byway.registration import keep_registered
from byway.router.policy import Policy
from byway.router.router import Router
from byway.router.session import Resolver, Session
from byway.router.thread_turns import ThreadTurns
from byway.router.verifier import ProcessVerifier
from byway.settings import NodeSettings
from byway.store.sqlite.store import open_store
from byway.store.store import Store

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Started:
    """What a node says when it is ready."""

    node: str
    addresses: Sequence[str]
    statements: int
    subscriptions: int
    commits: int

    def lines(self) -> list[str]:
        """For a person, one fact a line."""
        reach = "this computer only" if all(map(_is_loopback, self.addresses)) else "the network of this computer"
        found = (
            f"{_counted(self.statements, 'statement')} in {_counted(self.commits, 'commit')}",
            _counted(self.subscriptions, "subscription"),
        )
        return [
            f"node        {self.node}",
            *(f"listening   {address}" for address in self.addresses),
            *(f"others use  {self.node}@{address}" for address in self.addresses),
            f"reach       {reach}",
            f"recovered   {', '.join(found)}",
            "ready",
        ]


def run_node(
    settings: NodeSettings,
    seed: bytes,
    make_policy: Callable[[bytes], Policy],
    *,
    role: str,
    resolver: Resolver | None = None,
    say: Callable[[str], None],
) -> None:
    """Run a node until SIGINT or SIGTERM, then stop it within `settings.stop_deadline_s`.

    `say` is given each line for the operator.  Raises `SetupError` (a busy port) and `StoreError`.
    """
    key = SigningKey(seed)
    policy = make_policy(bytes(key.verify_key))
    store = open_store(
        settings.data, node_key=bytes(key.verify_key), reserve_bytes=settings.reserve_bytes, random=os.urandom
    )

    async def main() -> None:
        node = Node(settings, key, store, policy, role=role, resolver=resolver)
        with trio.open_signal_receiver(*STOP_SIGNALS) as signals:
            async with trio.open_nursery() as nursery:
                started = await nursery.start(node.run)
                for line in started.lines():
                    say(line)
                async for signal_number in signals:
                    say(f"stopping    {signal.Signals(signal_number).name}, within {settings.stop_deadline_s:g} s")
                    break
                with trio.move_on_after(settings.stop_deadline_s):
                    await node.stop()
                nursery.cancel_scope.cancel()
        say("stopped     what was accepted is kept")

    try:
        trio.run(main, instruments=[ThreadTurns()])
    finally:
        store.close()


class Node:
    """Store, router and links of one node, in one nursery."""

    def __init__(
        self,
        settings: NodeSettings,
        key: SigningKey,
        store: Store,
        policy: Policy,
        *,
        role: str,
        resolver: Resolver | None = None,
        clock: Callable[[], int] = now_ms,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._settings = settings
        self._key = key
        self._store = store
        self._policy = policy
        self._role = role
        self._resolver = resolver
        self._clock = clock
        self._random = random
        self._stop = trio.Event()
        self._stopped = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[Started] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `stop`; cancelled, it is as if the process had been killed."""
        recovered = self._store.recover(self._clock())
        async with trio.open_nursery() as nursery:
            verifier = ProcessVerifier()
            await nursery.start(verifier.run, self._settings.verify_workers or os.cpu_count() or 1)
            router = Router(
                store=self._store,
                recovered=recovered,
                key=self._key,
                policy=self._policy,
                verifier=verifier,
                now_ms=self._clock,
                sweep_rows_per_s=self._settings.sweep_rows_per_s,
            )
            await nursery.start(router.run)

            async def serve(link: Link) -> None:
                await Session(router, link, now_ms=self._clock, resolver=self._resolver).run()

            async with trio.open_nursery() as links:
                addresses = await links.start(
                    partial(
                        serve_links,
                        serve,
                        key=self._key,
                        addresses=self._settings.listen,
                        now_ms=self._clock,
                        random=self._random,
                        max_handshakes=self._settings.max_handshakes,
                        max_links=self._settings.max_links,
                        stop=self._stop,
                    )
                )
                self._register(nursery, self._settings.public_addresses or addresses)
                task_status.started(
                    Started(
                        node_urn(bytes(self._key.verify_key)),
                        addresses,
                        recovered.statements,
                        len(recovered.subscriptions),
                        recovered.last.number if recovered.last else 0,
                    )
                )
            await router.stop()
            self._stopped.set()
            nursery.cancel_scope.cancel()

    async def stop(self) -> None:
        """Take no more links, say Bye to those there are, make the last cursors durable, and end `run`."""
        self._stop.set()
        await self._stopped.wait()

    def _register(self, nursery: trio.Nursery, addresses: Sequence[str]) -> None:
        for authority in self._settings.register_at:
            nursery.start_soon(
                partial(
                    keep_registered,
                    authority,
                    key=self._key,
                    role=self._role,
                    addresses=addresses,
                    now_ms=self._clock,
                    random=self._random,
                )
            )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _is_loopback(address: str) -> bool:
    host, _ = parse_listen_address(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
