"""Where a topic is served and a node is reached: asked of addressing authorities, believed only when it is proved.

A record counts when the key that its name belongs to has signed it, whoever hands it over.  Each question goes over a
link of a key that is made for it, so that an authority cannot tell which questions are one person's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from nacl.signing import SigningKey

from byway.errors import BywayError, LinkError, ProtocolError, Refused, SetupError, StatementError
from byway.link.client import connect
from byway.link.link import Link
from byway.node_address import NodeAddress
from byway.protocol.record import Record
from byway.protocol.statement import Statement
from byway.protocol.topic import Topic
from byway.protocol.urn import OPEN_ROOT, parse_urn

log = structlog.get_logger()

SECOND_MS: Final = 1000


class OpenLink(Protocol):
    """`byway.link.dialer.open_link`, or what stands in for it."""

    def __call__(
        self, address: str, *, node: str, key: SigningKey, now_ms: Callable[[], int], random: Callable[[int], bytes]
    ) -> AbstractAsyncContextManager[Link]: ...


@dataclass(frozen=True, slots=True)
class Places:
    """The routers that carry a topic, the preferred one first, and the authority that keeps mailboxes for it."""

    homes: tuple[NodeAddress, ...]
    messaging: NodeAddress


@dataclass(frozen=True, slots=True)
class _Known:
    record: Record
    until: int  # Unix ms: after it the authorities are asked again


class Resolver:
    """Answers from `authorities`, kept for as long as each says, beside what the settings name."""

    def __init__(
        self,
        authorities: Sequence[NodeAddress],
        *,
        router: NodeAddress | None,
        messaging: NodeAddress | None,
        open_link: OpenLink,
        now_ms: Callable[[], int],
        random: Callable[[int], bytes],
    ) -> None:
        self._authorities = tuple(authorities)
        self._router = router
        self._messaging = messaging
        self._open_link = open_link
        self._now_ms = now_ms
        self._random = random
        self._known: dict[str, _Known] = {}

    async def resolve(self, urn: str) -> Record:
        """The record of a topic or node, from memory while it may be kept.

        Raises `Refused` (`name-unknown`) if every authority says that it has none, `LinkError` if one of them did not
        answer, for then nobody knows, `StatementError` (`bad-urn`).
        """
        name = parse_urn(urn, "topic", "node").text
        known = self._known.get(name)
        if known is not None and known.until > self._now_ms():
            return known.record
        silent: BywayError | None = None
        for authority in self._authorities:
            try:
                self._learn(name, await self._ask(authority, name))
            except (LinkError, ProtocolError) as error:
                silent = error
            except BywayError as error:
                if isinstance(error, Refused) and error.temporary:
                    silent = error
                log.warning("answer_refused", authority=str(authority), code=error.code, reason=str(error))
            known = self._known.get(name)
            if known is not None and known.until > self._now_ms():
                return known.record
        if silent is not None:
            raise LinkError(f"nobody could be asked about {name}: {silent}", code=silent.code)
        raise Refused("name-unknown", f"no authority in the settings has a record of {name}")

    async def places(self, topic: str) -> Places:
        """Who serves a topic (a URN).  For one under `open` that is what the settings say.

        Raises as `resolve` does, and `SetupError` if the settings do not say.
        """
        if Topic.parse(topic).root == OPEN_ROOT:
            return Places((self._named(self._router, "router"),), self._named(self._messaging, "messaging"))
        record = await self.resolve(topic)
        homes: list[NodeAddress] = []
        silent: LinkError | None = None
        for node in record.homes or ():
            try:
                homes.append(await self.reach(node))
            except LinkError as error:
                silent = error
            except Refused:
                continue
        if homes:
            return Places(tuple(homes), await self.reach(record.messaging or ""))
        if silent is not None:
            raise silent
        raise Refused("name-unknown", f"none of the routers that carry {topic} can be found")

    async def reach(self, node: str) -> NodeAddress:
        """Where to knock for a node.  What the settings name needs no record.  Raises as `resolve` does."""
        return (
            next((place for place in self._settings() if place.node == node), None) or (await self._recorded(node))[0]
        )

    async def elsewhere(self, place: NodeAddress) -> list[NodeAddress]:
        """Other addresses of the same node, as the settings and its record have them; none if nobody knows any."""
        named = [other for other in self._settings() if other.node == place.node and other != place]
        try:
            recorded = await self._recorded(place.node)
        except BywayError:
            return named
        return named + [other for other in recorded if other != place and other not in named]

    def setting_of(self, place: NodeAddress) -> str | None:
        """The setting that names a node; None if none does."""
        if place == self._router:
            return "router"
        if place == self._messaging:
            return "messaging"
        return "authorities" if place in self._authorities else None

    def _settings(self) -> list[NodeAddress]:
        return [place for place in (self._router, self._messaging, *self._authorities) if place is not None]

    async def _recorded(self, node: str) -> list[NodeAddress]:
        record = await self.resolve(node)
        return [NodeAddress(node, address) for address in record.addresses or ()]

    async def _ask(self, authority: NodeAddress, name: str) -> list[Statement]:
        key = SigningKey(self._random(32))
        async with (
            self._open_link(
                authority.address, node=authority.node, key=key, now_ms=self._now_ms, random=self._random
            ) as link,
            connect(link) as client,
        ):
            return await client.resolve(name)

    def _learn(self, name: str, statements: Iterable[Statement]) -> None:
        """Keep the record of `name` and, of a topic, those of the nodes it names; never an older one than is known."""
        now = self._now_ms()
        wanted = {name}
        for statement in statements:
            statement.check_times(now)
            record = Record.from_statement(statement)
            if record.name not in wanted:
                raise StatementError(f"nobody asked about {record.name}", code="bad-body")
            wanted |= {*(record.homes or ()), record.messaging or name}
            known = self._known.get(record.name)
            if known is None or record.serial >= known.record.serial:
                until = min(now + record.ttl * SECOND_MS, statement.expires)
                self._known[record.name] = _Known(record, until)

    def _named(self, node: NodeAddress | None, setting: str) -> NodeAddress:
        if node is None:
            raise SetupError(
                f"topics under open are served where the settings say, and they name no {setting}",
                next_step=f'set {setting} = "urn:byway:node:KEY@HOST:PORT" in settings.toml',
            )
        return node
