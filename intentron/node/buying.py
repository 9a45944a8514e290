"""What a person asks of her node: to say what she wants, and to answer what is offered."""

from __future__ import annotations

from typing import Final, NoReturn

import trio

from byway.errors import BywayError, LinkError
from byway.protocol.close import make_close
from byway.protocol.limits import DAY_MS, HOUR_MS
from byway.protocol.offer import Offer
from byway.topic_text import parse_topic_text
from intentron.courier import Courier
from intentron.deal import NOBODY, AnswerDraft, CastDraft, Wish, draft_agreement, draft_cast, draft_decline
from intentron.disclosure import disclosure
from intentron.facet_text import facets_from_values
from intentron.keys import SALT_BYTES, Keys, Role
from intentron.node.memory import About, Memory
from intentron.node.placing import Placing
from intentron.node.shown import Json, show_cast, show_cast_in_full, show_offer
from intentron.node.waits import Waits
from intentron.resolver import Places, Resolver
from intentron.settings import IntentronSettings
from intentron.vault import OfferState, OutgoingState, OwnCast, ReceivedOffer, Vault

TOLD_WITHIN_S: Final = 2.0  # as long as a person waits gladly for the word that it has arrived


class Buying:
    """The person's side.  Everything is kept before this returns; what leaves the computer follows by itself.

    Every operation raises `BywayError`, with the code `not-found` for a short name that means nothing here.
    """

    def __init__(
        self,
        memory: Memory,
        keys: Keys,
        courier: Courier,
        resolver: Resolver,
        placing: Placing,
        *,
        settings: IntentronSettings,
        waits: Waits,
    ) -> None:
        self._memory = memory
        self._keys = keys
        self._courier = courier
        self._resolver = resolver
        self._placing = placing
        self._settings = settings
        self._waits = waits

    async def cast(self, wish: Json) -> Json:
        """Keep a new cast, and have it published; if nobody can be asked where, it waits until somebody says."""
        meant = self._wish(wish)
        places, silence = None, None
        try:
            places = await self._resolver.places(meant.topic)
        except LinkError as error:  # whether the topic is served, nobody says
            silence = error
        salt = self._courier.random(SALT_BYTES)
        draft = self._draft(meant, self._keys, salt, places)
        now = self._courier.now_ms()

        def keep(vault: Vault) -> Json:
            cast = vault.casts.add(
                draft.cast,
                draft.mailbox,
                salt=salt,
                sentence=meant.sentence,
                router=places.homes[0] if places else None,
                authority=places.messaging if places else None,
                now=now,
            )
            if silence is not None:
                self._waits.put(cast.id, silence, self._placing.next_step(silence))
            vault.events.add("cast_kept", now=now, cast=cast.name)
            return show_cast(vault, cast, self._waits.get(cast.id))

        return await self._memory.change(keep, About.CASTS)

    async def dry_run(self, wish: Json) -> Json:
        """What `cast` would send, made with keys that are thrown away."""
        meant = self._wish(wish)
        places = await self._resolver.places(meant.topic)
        throwaway = Keys(self._courier.random(32))
        draft = self._draft(meant, throwaway, self._courier.random(SALT_BYTES), places)
        return {
            "topic": meant.topic,
            "router": str(places.homes[0]),
            "authority": str(places.messaging),
            "disclosed": [row._asdict() for row in disclosure(draft, sentence=meant.sentence)],
            "statements": [
                {"name": "mailbox", "hex": draft.mailbox.data.hex()},
                {"name": "cast", "hex": draft.cast.data.hex()},
            ],
        }

    async def casts(self) -> list[Json]:
        """All that she asked, the newest first."""

        def show(vault: Vault) -> list[Json]:
            return [show_cast(vault, cast, self._waits.get(cast.id)) for cast in vault.casts.all()]

        return await self._memory.look(show)

    async def cast_details(self, name: str) -> Json:
        """One cast, with all that was said."""

        def show(vault: Vault) -> Json:
            cast = _cast(vault, name)
            return show_cast_in_full(vault, cast, self._waits.get(cast.id))

        return await self._memory.look(show)

    async def offers(self, cast: str | None = None) -> list[Json]:
        """What was offered, to one cast or to all: the cheapest first, in the order of currencies."""

        def show(vault: Vault) -> list[Json]:
            offers = vault.offers.to_cast(_cast(vault, cast).id) if cast else vault.offers.all()
            return [show_offer(vault, offer) for offer in sorted(offers, key=_by_price)]

        return await self._memory.look(show)

    async def accept(self, offer: str) -> Json:
        """Agree to an offer, once: the agreement is made, kept, and on its way, or `told` already."""

        def make(vault: Vault) -> AnswerDraft:
            now = self._courier.now_ms()
            found, cast = _open_offer(vault, offer)
            draft = draft_agreement(
                found.statement,
                cast=cast.statement,
                key=self._keys.cast(cast.salt),
                now_ms=now,
                random=self._courier.random,
            )
            vault.agreements.make(draft.answer, offer_id=found.id, cast_id=cast.id, now=now)
            _send(vault, draft, cast, now)
            vault.events.add("offer_accepted", now=now, cast=cast.name, offer=found.name)
            return draft

        return await self._answered(offer, await self._memory.change(make, About.OUTBOX))

    async def decline(self, offer: str, reason: str) -> Json:
        """Tell the seller that it is not taken, and why: the word is on its way, or `told` already."""

        def make(vault: Vault) -> AnswerDraft:
            now = self._courier.now_ms()
            found, cast = _open_offer(vault, offer)
            draft = draft_decline(
                found.statement,
                reason=reason,
                cast=cast.statement,
                key=self._keys.cast(cast.salt),
                now_ms=now,
                random=self._courier.random,
            )
            vault.offers.decline(found.id, reason)
            _send(vault, draft, cast, now)
            vault.events.add("offer_declined", now=now, cast=cast.name, offer=found.name, reason=reason)
            return draft

        return await self._answered(offer, await self._memory.change(make, About.OUTBOX))

    async def close(self, cast: str) -> Json:
        """Take a cast back; its router and its mailbox are told, unless nothing of it was ever sent to them."""

        def make(vault: Vault) -> Json:
            now = self._courier.now_ms()
            found = _cast(vault, cast)
            if not vault.casts.close(found.id):
                raise BywayError(f"{found.name} has ended already: it is {found.state.value}", code="settled")
            if found.sent and found.statement.expires > now:
                statement = make_close(self._keys.cast(found.salt), found.statement, now_ms=now)
                for node in filter(None, (found.router, found.authority)):
                    vault.outbox.put(statement, node=node, role=Role.CAST, subject=found.salt, now=now)
            vault.events.add("cast_closed", now=now, cast=found.name)
            return show_cast(vault, vault.casts[found.id], None)

        return await self._memory.change(make, About.CASTS, About.OUTBOX)

    async def _answered(self, name: str, draft: AnswerDraft) -> Json:
        """The offer that was answered, and whether its seller's mailbox has the answer within a moment."""

        def look(vault: Vault) -> tuple[set[OutgoingState], Json]:
            found, cast = _offer(vault, name)
            sent = [each for each in vault.outbox.of(Role.CAST, cast.salt) if each.id == draft.sealed.id]
            return {each.state for each in sent}, show_offer(vault, found)

        bell = self._memory.bell(About.ANSWERS)
        ring = bell.next
        states, shown = await self._memory.look(look)
        with trio.move_on_after(TOLD_WITHIN_S):
            while OutgoingState.WAITING in states:
                await ring.wait()
                ring = bell.next
                states, shown = await self._memory.look(look)
        return shown | {"told": states == {OutgoingState.STORED}}

    def _wish(self, wish: Json) -> Wish:
        """The wish in a request; what it leaves out is as the settings say."""
        hours = wish.get("hours")
        terms = wish.get("terms")
        return Wish(
            topic=parse_topic_text(wish["topic"], self._settings.petnames),
            facets=facets_from_values(wish.get("facets", {})),
            demand={"@type": "Demand"} | wish.get("demand", {}),
            offers=wish.get("offers") or self._settings.max_offers,
            terms=self._settings.terms if terms is None else tuple(terms),
            lifetime_ms=hours * HOUR_MS if hours else self._settings.cast_lifetime_days * DAY_MS,
            sentence=wish.get("sentence", ""),
        )

    def _draft(self, wish: Wish, keys: Keys, salt: bytes, places: Places | None) -> CastDraft:
        return draft_cast(
            wish,
            key=keys.cast(salt),
            reply_secret=bytes(keys.cast_reply(salt)),
            authority=places.messaging.node if places else NOBODY,
            now_ms=self._courier.now_ms(),
        )


def _send(vault: Vault, draft: AnswerDraft, cast: OwnCast, now: int) -> None:
    if cast.authority is None:
        raise ValueError(f"{cast.name} was never published, and has no offers")
    vault.outbox.put(draft.sealed, node=cast.authority, role=Role.CAST, subject=cast.salt, now=now)


def _cast(vault: Vault, name: str) -> OwnCast:
    cast_id = vault.names.find(name)
    if cast_id is None or cast_id not in vault.casts:
        _unknown(name, "cast of yours", "intentron casts")
    return vault.casts[cast_id]


def _open_offer(vault: Vault, name: str) -> tuple[ReceivedOffer, OwnCast]:
    """An offer that can still be answered, and the cast that it answers."""
    offer, cast = _offer(vault, name)
    if offer.state is not OfferState.OFFERED:
        raise BywayError(f"{offer.name} cannot be answered any more: it is {offer.state.value}", code="settled")
    return offer, cast


def _offer(vault: Vault, name: str) -> tuple[ReceivedOffer, OwnCast]:
    offer_id = vault.names.find(name)
    if offer_id is None or offer_id not in vault.offers:
        _unknown(name, "offer to you", "intentron offers")
    offer = vault.offers[offer_id]
    return offer, vault.casts[offer.cast_id]


def _unknown(name: str, what: str, next_step: str) -> NoReturn:
    raise BywayError(f"there is no {what} called {name}", code="not-found", next_step=next_step)


def _by_price(offer: ReceivedOffer) -> tuple[bool, str, int, int]:
    price = Offer.from_statement(offer.statement).price
    return (price is None, price.currency if price else "", (price.low or 0) if price else 0, offer.received_at)
