"""What a seller asks of its node: to listen, to answer, and to let its stock answer by itself."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Final, NoReturn

import trio

from byway.errors import BywayError, LinkError, StatementError
from byway.node_address import parse_node_address
from byway.protocol.currencies import format_amount
from byway.protocol.facets import Money
from byway.protocol.filter_text import parse_filter_text
from byway.protocol.limits import DAY_MS, HOUR_MS, MAX_SUB_BYTES
from byway.protocol.ranges import is_one_value
from byway.protocol.urn import OPEN_ROOT
from byway.topic_text import TOPIC_PREFIX, parse_pattern_text
from intentron.courier import Courier
from intentron.deal import Proposal
from intentron.facet_text import parse_value_text
from intentron.node.memory import About, Memory
from intentron.node.offering import Offering
from intentron.node.placing import Placing
from intentron.node.responder import standing_rules
from intentron.node.shown import Json, show_answer, show_received, show_rule, show_stock, show_subscription
from intentron.node.subscriber import Subscriber
from intentron.node.waits import Waits
from intentron.settings import IntentronSettings
from intentron.stock.column_map import load_column_map
from intentron.stock.rule import StandingRule
from intentron.stock.sheet import Sheet, read_sheet
from intentron.vault import Rule, Subscription, Vault

OFFER_HOURS: Final = 72  # how long an offer stands that does not say


class Selling:
    """The seller's side.  Everything is kept before this returns; what leaves the computer follows by itself.

    Every operation raises `BywayError`, with the code `not-found` for a name that means nothing here.
    """

    def __init__(
        self,
        memory: Memory,
        courier: Courier,
        placing: Placing,
        *,
        settings: IntentronSettings,
        waits: Waits,
        offering: Offering,
        subscriber: Subscriber,
    ) -> None:
        self._memory = memory
        self._courier = courier
        self._placing = placing
        self._settings = settings
        self._waits = waits
        self._offering = offering
        self._subscriber = subscriber
        self._reading = trio.CapacityLimiter(1)

    async def subscribe(self, name: str | None, pattern: str, filter_text: str, router: str | None) -> Json:
        """Listen for casts, at `router` or where the topic is served; if nobody can be asked where, it waits.

        Without a name it is called by its petname or its pattern.  The same again changes nothing; another one of
        that name is refused (`name-taken`).
        """
        if name is not None and not 1 <= len(name.encode()) <= MAX_SUB_BYTES:
            raise BywayError(f"a subscription has a name of 1 to {MAX_SUB_BYTES} bytes", code="too-large")
        full = parse_pattern_text(pattern, self._settings.petnames)
        if filter_text:
            parse_filter_text(filter_text)
        place, silence = parse_node_address(router) if router else None, None
        if place is None:
            try:
                place = await self._placing.router_for(full)
            except LinkError as error:  # whether the topic is served, nobody says
                silence = error
        sub = name or _default_name(pattern, full, self._settings.petnames)
        wanted = Subscription(sub, full, filter_text, place, named=router is not None)

        def keep(vault: Vault) -> Subscription:
            before = vault.subscriptions.get(sub)
            if before is None:
                vault.subscriptions.put(wanted)
                if silence is not None:
                    self._waits.put(sub, silence, self._placing.next_step(silence))
                return wanted
            if _is_another(wanted, before):
                _name_taken(before)
            return before

        return self._show(await self._memory.change(keep, About.SUBSCRIPTIONS))

    async def unsubscribe(self, name: str) -> Json:
        """Listen no more; what came already stays."""

        def remove(vault: Vault) -> Subscription:
            kept = vault.subscriptions.get(name)
            if kept is None:
                _unknown(name, "subscription", "intentron subscriptions")
            vault.subscriptions.remove(name)
            return kept

        kept = await self._memory.change(remove, About.SUBSCRIPTIONS)
        self._waits.end(name)
        await self._subscriber.give_up(kept)
        return self._show(kept) | {"state": "ended"}

    async def subscriptions(self) -> list[Json]:
        """What is listened for, by name."""
        return [self._show(kept) for kept in await self._memory.look(lambda vault: vault.subscriptions.all())]

    async def inbox(self) -> list[Json]:
        """What came, the newest first."""
        return await self._memory.look(lambda vault: [show_received(cast) for cast in vault.inbox.all()])

    async def offer(self, cast: str, proposal: Json) -> Json:
        """Answer a cast by hand; it takes the place of what was offered to it before, which `replaces` names."""

        def find(vault: Vault) -> bytes:
            cast_id = vault.names.find(cast)
            if cast_id is None or cast_id not in vault.inbox:
                _unknown(cast, "cast in the inbox", "intentron inbox")
            return cast_id

        cast_id = await self._memory.look(find)
        made = await self._offering.make(
            cast_id, _proposal(proposal), lifetime_ms=(proposal.get("hours") or OFFER_HOURS) * HOUR_MS
        )
        shown = await self._memory.look(lambda vault: show_answer(vault, made.answer, None))
        return shown | {"replaces": list(made.replaces)}

    async def answers(self) -> list[Json]:
        """What was offered, and what became of it, the newest first."""

        def show(vault: Vault) -> list[Json]:
            return [show_answer(vault, each, self._waits.get(each.sealed_id)) for each in vault.answers.all()]

        return await self._memory.look(show)

    async def import_stock(
        self, name: str, column_map: str, csv: str, only: str | None = None, source: str = ""
    ) -> Json:
        """Make a sheet the whole of a stock list, or that part of it that belongs to the seller `only`.

        `column_map` is the name of a shipped map, or the path of one.  Bytes that are no UTF-8 stand in `csv` as lone
        surrogates.  What cannot be read is told by its line, and left out.  If nothing can be imported, the list
        stays as it is.
        """
        meaning = load_column_map(column_map)
        sheet: Sheet = await trio.to_thread.run_sync(
            lambda: read_sheet(csv.encode("utf-8", "surrogateescape"), meaning), limiter=self._reading
        )
        sellers = sheet.by_seller()
        if only is not None and sheet.items and only not in sellers:
            known = ", ".join(sorted(seller for seller in sellers if seller)[:10])
            raise BywayError(
                f"the sheet has nothing of {only!r}; it has sellers such as {known}",
                code="not-found",
                next_step="name one of these with --only, in quotes",
            )
        items = sheet.items if only is None else sellers.get(only, ())
        now = self._courier.now_ms()
        if items:
            await self._memory.change(
                lambda vault: vault.stock.replace(name, items, source=source or column_map, now=now), About.STOCK
            )
        return {
            "name": name,
            "items": len(items),
            "sellers": {seller: len(of_one) for seller, of_one in sellers.items() if seller},
            "problems": [problem._asdict() for problem in sheet.problems],
        }

    async def stock(self) -> list[Json]:
        """The stock lists, by name."""
        return await self._memory.look(lambda vault: [show_stock(kept) for kept in vault.stock.lists()])

    async def add_rule(self, rule: Json) -> Json:
        """Keep a standing rule, in the place of one of that name; its pattern may be a petname."""
        if isinstance(pattern := rule.get("pattern"), str):
            rule = rule | {"pattern": parse_pattern_text(pattern, self._settings.petnames)}
        try:
            checked = StandingRule.model_validate(rule, strict=False)
        except ValueError as error:
            raise StatementError(f"the rule cannot be kept: {error}", code="bad-body") from None

        def keep(vault: Vault) -> Json:
            if all(kept.name != checked.stock for kept in vault.stock.lists()):
                _unknown(
                    checked.stock, "stock list", f"intentron stock import FILE.csv --map MAP --list {checked.stock}"
                )
            vault.rules.put(Rule(checked.name, checked.model_dump_json()))
            return show_rule(checked, self._made_today(vault, checked.name))

        return await self._memory.change(keep, About.STOCK)

    async def remove_rule(self, name: str) -> Json:
        """Let a rule answer no more; what it has offered stands."""

        def remove(vault: Vault) -> None:
            if not vault.rules.remove(name):
                _unknown(name, "rule", "intentron rules")

        await self._memory.change(remove, About.STOCK)
        return {"name": name}

    async def rules(self) -> list[Json]:
        """The standing rules, by name."""

        def show(vault: Vault) -> list[Json]:
            return [show_rule(rule, self._made_today(vault, rule.name)) for rule in standing_rules(vault)]

        return await self._memory.look(show)

    def _show(self, kept: Subscription) -> Json:
        return show_subscription(kept, self._waits.get(kept.sub), listening=kept.sub in self._subscriber.listening)

    def _made_today(self, vault: Vault, rule: str) -> int:
        return vault.answers.made_by(rule, self._courier.now_ms() - DAY_MS)


def _default_name(said: str, pattern: str, petnames: Mapping[str, str]) -> str:
    """What a subscription without a name is called: its petname if it has one, else its pattern without a key."""
    said = said.strip().removeprefix(TOPIC_PREFIX)
    head, _, rest = pattern.partition(":")
    name = said if said.partition(":")[0] in petnames else pattern if head == OPEN_ROOT else rest
    while len(name.encode()) > MAX_SUB_BYTES and ":" in name:
        name = name.rpartition(":")[0]
    return name.encode()[:MAX_SUB_BYTES].decode(errors="ignore")


def _is_another(wanted: Subscription, kept: Subscription) -> bool:
    """Whether it would bring other casts than the one of that name that is kept, or from elsewhere."""
    moves = wanted.named and wanted.router != kept.router
    return moves or wanted.pattern != kept.pattern or _meaning(wanted.filter) != _meaning(kept.filter)


def _meaning(filter_text: str) -> object:
    return parse_filter_text(filter_text).wire() if filter_text else None


def _name_taken(kept: Subscription) -> NoReturn:
    has = f"{kept.pattern}, with the filter {kept.filter}" if kept.filter else f"{kept.pattern}, without a filter"
    raise BywayError(
        f"there is a subscription called {kept.sub} already, to {has}",
        code="name-taken",
        next_step="give this one another name with --name, or end that one first: "
        f"intentron unsubscribe {shlex.quote(kept.sub)}",
    )


def _proposal(said: Json) -> Proposal:
    """A seller's words as an offer of schema.org."""
    offer = {"@type": "Offer", "name": said["title"]}
    if said.get("description"):
        offer["description"] = said["description"]
    price = _price(said["price"]) if said.get("price") else None
    if price is not None:
        offer |= {"price": format_amount(price.low or 0, price.currency), "priceCurrency": price.currency}
    return Proposal(offer, price, said.get("terms"))


def _price(text: str) -> Money:
    price = parse_value_text(text)
    if not isinstance(price, Money) or not is_one_value(price):
        raise StatementError(f"{text!r} is not a price such as 700000 USD", code="bad-facet")
    return price


def _unknown(name: str, what: str, next_step: str) -> NoReturn:
    raise BywayError(f"there is no {what} called {name}", code="not-found", next_step=next_step)
