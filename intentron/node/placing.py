"""Placing: where casts and subscriptions go, as the settings and the records say now.

What was settled when something was kept may have been wrong, or not known at all.  So it is asked again when a node
starts, for all that no node has signed for yet.  A cast with a receipt stays where it is: its custody is there.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from byway.cli.next_steps import NEXT_STEPS
from byway.errors import BywayError, LinkError, Refused, SetupError
from byway.node_address import NodeAddress
from byway.protocol.urn import OPEN_ROOT
from intentron.courier import Courier
from intentron.deal import draft_again
from intentron.keys import SALT_BYTES, Keys
from intentron.node.memory import About, Memory
from intentron.node.topics import literal_topic
from intentron.resolver import Places, Resolver
from intentron.settings import SETTINGS_FILE, IntentronSettings
from intentron.vault import CastState, OwnCast, Vault

# Refusals of a node that is not what the settings take it for: of any cast, not of this one.
OTHER_NODE: Final = frozenset({"not-admitted", "not-served", "wrong-authority"})

_MISDIRECTED: Final = frozenset({"wrong-key", "unreachable", "hello-timeout"})  # as when an address is wrong


class Placing:
    """Answers out of `settings`, which stand in the folder `home`, and of what `resolver` learns."""

    def __init__(
        self,
        memory: Memory,
        keys: Keys,
        courier: Courier,
        resolver: Resolver,
        *,
        settings: IntentronSettings,
        home: Path,
    ) -> None:
        self._memory = memory
        self._keys = keys
        self._courier = courier
        self._resolver = resolver
        self._settings = settings
        self._settings_file = home / SETTINGS_FILE

    async def place(self, cast: OwnCast) -> OwnCast:
        """A draft as it is to be published now: where it was to go, if nobody can say better.

        It may be another statement than before, under the same name: a cast names its authority.  Raises as
        `Resolver.places` does if it was never known where it goes.
        """
        try:
            places = await self._resolver.places(cast.topic)
        except BywayError:
            if cast.router is None or cast.authority is None:
                raise
            return cast
        return await self._memory.change(partial(self._move, before=cast, places=places), About.CASTS)

    async def router_for(self, pattern: str) -> NodeAddress:
        """Where a pattern is listened for: at the home of the topic that it lies under, or where the settings say.

        Raises as `Resolver.places` does, and `SetupError` if the settings do not say.
        """
        topic = literal_topic(pattern)
        if topic is not None and not pattern.startswith(f"{OPEN_ROOT}:"):
            try:
                return (await self._resolver.places(topic)).homes[0]
            except Refused:
                if self._settings.router is None:
                    raise
        if self._settings.router is None:
            raise SetupError(
                f"nobody says where {pattern} is served",
                next_step='name the router: --router "urn:byway:node:KEY@HOST:PORT"',
            )
        return self._settings.router

    def next_step(self, error: BywayError, place: NodeAddress | None = None) -> str:
        """What the owner can do when `place` cannot be reached or is not what it should be; None is the authorities."""
        setting = "authorities" if place is None else self._resolver.setting_of(place)
        other = isinstance(error, Refused) and error.code in OTHER_NODE
        if not other and not (isinstance(error, LinkError) and error.code in _MISDIRECTED):
            return error.next_step
        if setting is None:
            return error.next_step or (NEXT_STEPS[error.code] if other else "")
        return f"if {setting} is wrong, edit {self._settings_file} and start the intentron again"

    def _move(self, vault: Vault, *, before: OwnCast, places: Places) -> OwnCast:
        cast, now = vault.casts[before.id], self._courier.now_ms()
        if cast.state is not CastState.DRAFT or cast.statement.expires <= now:
            return cast
        router = cast.router if cast.router in places.homes and cast.router else places.homes[0]
        if cast.authority and (cast.mailbox_accepted or cast.authority.node == places.messaging.node):
            same_node = cast.authority.node == places.messaging.node
            return vault.casts.place(
                cast.id, router=router, authority=places.messaging if same_node else cast.authority
            )
        salt = self._courier.random(SALT_BYTES)
        draft = draft_again(
            cast.statement,
            key=self._keys.cast(salt),
            reply_secret=bytes(self._keys.cast_reply(salt)),
            authority=places.messaging.node,
            now_ms=now,
        )
        return vault.casts.draft_again(
            cast.id, draft.cast, draft.mailbox, salt=salt, router=router, authority=places.messaging
        )
