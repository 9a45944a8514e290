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
from typing import Final, TypeVar

import trio
from nacl.signing import SigningKey

from byway.clock import Clock, uptime
from byway.errors import SetupError
from byway.garbage_collection import short_collections
from byway.link.door import DoorLimits
from byway.link.link import Link
from byway.link.listener import serve_links
from byway.node_address import NodeAddress, is_wildcard
from byway.protocol.address import parse_listen_address
from byway.protocol.urn import node_urn
from byway.recovery import Decided, node_clock, recover, recovery_lines
from byway.registration import keep_registered
from byway.router.allowance import AllowanceLimits
from byway.router.policy import Policy
from byway.router.router import Router
from byway.router.session import Resolver, Session
from byway.router.store_thread import StoreThread
from byway.router.subscription_room import SubscriptionLimits
from byway.router.thread_turns import ThreadTurns
from byway.router.verifier import ProcessVerifier
from byway.settings import NodeSettings
from byway.store.sqlite.store import open_store
from byway.store.store import Recovered, Store

_P = TypeVar("_P", bound=Policy)

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Started:
    """What a node says when it is ready."""

    node: str
    addresses: Sequence[str]
    announced: Sequence[str]
    statements: int
    subscriptions: int
    commits: int
    store: Sequence[str]

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
            *(f"others use  {self.node}@{address}" for address in self.announced),
            *([] if self.announced else [f"others use  {self._to_be_completed()}"]),
            f"reach       {reach}",
            f"recovered   {', '.join(found)}",
            *self.store,
            "ready",
        ]

    def _to_be_completed(self) -> str:
        _, port = parse_listen_address(self.addresses[0])
        host = "where HOST is this computer as they know it (the setting public_addresses)"
        return f"{self.node}@HOST:{port}, {host}"


def run_node(
    settings: NodeSettings,
    seed: bytes,
    make_policy: Callable[[bytes, Clock], _P],
    *,
    role: str,
    resolver: Callable[[_P], Resolver] | None = None,
    decided: Decided,
    say: Callable[[str], None],
) -> None:
    """Run a node until SIGINT, SIGTERM or SIGHUP, then stop it within `settings.stop_deadline_s`.

    A SIGHUP that was ignored at the start, as `nohup` does, stays ignored.  `make_policy` gets the key and the clock of
    the node, `resolver` what it made, at a node that answers for names.  `say` is given each line for the operator.
    Raises `SetupError` (a busy port, an address that nobody could dial) and `StoreError`.
    """
    key = SigningKey(seed)
    store = open_store(
        settings.data,
        node_key=bytes(key.verify_key),
        random=os.urandom,
        uptime=uptime,
        reserve_bytes=settings.reserve_bytes,
    )
    clock = node_clock(store.high_water, decided)
    policy = make_policy(bytes(key.verify_key), clock)
    resolves = resolver(policy) if resolver else None
    turns = ThreadTurns()

    async def main() -> None:
        thread = StoreThread(turns.run)
        node = Node(
            settings, key, store, policy, role=role, resolver=resolves, clock=clock, decided=decided, thread=thread
        )
        with trio.open_signal_receiver(*stop_signals()) as signals:
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
        trio.run(main, instruments=[turns])
    finally:
        store.close()


def stop_signals() -> list[signal.Signals]:
    """The signals that ask for a stop.  Without a terminal to lose, as under `nohup`, SIGHUP is none of them."""
    return [
        number
        for number in STOP_SIGNALS
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN
    ]


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
        clock: Clock,
        decided: Decided,
        random: Callable[[int], bytes] = os.urandom,
        thread: StoreThread | None = None,
    ) -> None:
        self._settings = settings
        self._key = key
        self._store = store
        self._policy = policy
        self._role = role
        self._resolver = resolver
        self._clock = clock
        self._decided = decided
        self._random = random
        self._thread = thread
        self._stop = trio.Event()
        self._stopped = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[Started] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `stop`; cancelled, it is as if the process had been killed."""
        recovered = recover(self._store, self._clock(), self._decided, self._random)
        async with trio.open_nursery() as nursery:
            verifier = ProcessVerifier(self._settings.verify_workers or os.cpu_count() or 1)
            await nursery.start(verifier.run)
            router = Router(
                store=self._store,
                recovered=recovered,
                key=self._key,
                policy=self._policy,
                verifier=verifier,
                now_ms=self._clock,
                limits=AllowanceLimits(
                    link_statements_per_s=self._settings.statements_per_s_per_link,
                    prefix_statements_per_s=self._settings.statements_per_s_per_prefix,
                ),
                subscription_limits=SubscriptionLimits(
                    self._settings.max_subscriptions, self._settings.max_subscriptions_per_prefix
                ),
                thread=self._thread,
            )
            await nursery.start(router.run)

            async def serve(link: Link) -> None:
                await Session(router, link, now_ms=self._clock, resolver=self._resolver).run()

            with short_collections():
                async with trio.open_nursery() as links:
                    addresses = await links.start(
                        partial(
                            serve_links,
                            serve,
                            key=self._key,
                            addresses=self._settings.listen,
                            now_ms=self._clock,
                            random=self._random,
                            limits=self._door_limits(),
                            stop=self._stop,
                        )
                    )
                    announced = self._announced(addresses)
                    for authority in self._settings.register_at:
                        nursery.start_soon(partial(self._keep_registered, authority, announced))
                    task_status.started(self._started(addresses, announced, recovered))
            await router.stop()
            self._stopped.set()
            nursery.cancel_scope.cancel()

    async def stop(self) -> None:
        """Take no more links, say Bye to those there are, make the last cursors durable, and end `run`."""
        self._stop.set()
        await self._stopped.wait()

    def _started(self, addresses: Sequence[str], announced: Sequence[str], recovered: Recovered) -> Started:
        return Started(
            node_urn(bytes(self._key.verify_key)),
            addresses,
            announced,
            recovered.statements,
            len(recovered.subscriptions),
            recovered.last.number if recovered.last else 0,
            recovery_lines(recovered, self._store.high_water, self._decided),
        )

    def _door_limits(self) -> DoorLimits:
        settings = self._settings
        return DoorLimits(
            handshakes=settings.max_handshakes,
            prefix_handshakes=settings.max_handshakes_per_prefix,
            prefix_handshakes_per_s=settings.handshakes_per_s_per_prefix,
            links=settings.max_links,
            prefix_links=settings.max_links_per_prefix,
        )

    def _announced(self, listening: Sequence[str]) -> Sequence[str]:
        """Where others reach this node.  Raises `SetupError` if it has to be registered and nobody could dial it."""
        announced = self._settings.public_addresses or [each for each in listening if not is_wildcard(each)]
        if self._settings.register_at and not announced:
            _, port = parse_listen_address(listening[0])
            raise SetupError(
                f"the node listens on {listening[0]}, which is no address that others could dial, so that it cannot be "
                "registered with an addressing authority",
                next_step=f'set in the settings file: public_addresses = ["router.example:{port}"]',
            )
        return announced

    async def _keep_registered(self, authority: NodeAddress, addresses: Sequence[str]) -> None:
        await keep_registered(
            authority, key=self._key, role=self._role, addresses=addresses, now_ms=self._clock, random=self._random
        )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _is_loopback(address: str) -> bool:
    host, _ = parse_listen_address(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
