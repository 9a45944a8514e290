"""The story of one market day, act by act.  Every line was seen to happen; what does not happen ends the story."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import trio

from byway.errors import BywayError
from byway.protocol.urn import from_base32
from intentron.demo.ground import Ground, start_ground
from intentron.demo.markets import Market, Seller
from intentron.demo.people import Intentron
from intentron.demo.processes import Daemon
from intentron.demo.telling import Teller

PRACTICE: Final = "practice:small-wishes"
PRACTICE_CASTS: Final = 24
KILLED_AFTER: Final = 8  # receipts: in the middle
STARTED_AT_ONCE: Final = 3  # more would only wait for each other
SHOWN: Final = 70  # characters of a value
QUIET_S: Final = 0.5  # what would reach a seller by mistake would have come by then


class StoryBroken(BywayError):
    """Something that the story promises did not happen."""

    default_code = "link-lost"


@dataclass(slots=True)
class Stall:
    """A seller of a market, at work."""

    seller: Seller
    intentron: Intentron


@dataclass(slots=True)
class Day:
    """Everybody who takes part."""

    folder: Path
    tell: Teller
    ground: Ground
    buyer: Intentron
    watcher: Intentron
    topics: dict[str, str]
    stalls: dict[str, list[Stall]] = field(default_factory=dict)

    def everybody(self) -> list[Intentron]:
        return [self.buyer, self.watcher, *(stall.intentron for stalls in self.stalls.values() for stall in stalls)]


async def play(folder: Path, markets: Sequence[Market], tell: Teller) -> None:
    """Play the whole day in `folder`.  Raises `BywayError` if anything is not as promised; all processes end."""
    tell.act("1  The ground: three operators on this computer")
    tell.say("everybody", "two authorities and a router start, one after the other: a few seconds")
    everybody: list[Daemon] = []
    try:
        ground = await start_ground(folder, everybody)
        day = await _gather(folder, markets, tell, ground, everybody)
        await _open_stalls(day, markets)
        casts = [await _publish(day, market, dry_run=market is markets[0]) for market in markets]
        for market, cast in zip(markets, casts, strict=True):
            await _see_who_has_it(day, market, cast)
        await _kill_the_router(day)
        await _come_back(day, markets)
        for market, cast in zip(markets, casts, strict=True):
            await _compare_and_choose(day, market, cast)
        await _tell_who_saw_what(day)
        for person in day.everybody():
            await person.leave()
    finally:
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as nursery:
                for daemon in everybody:
                    nursery.start_soon(daemon.stop)


async def _gather(
    folder: Path, markets: Sequence[Market], tell: Teller, ground: Ground, everybody: list[Daemon]
) -> Day:
    for role, node in (("addressing authority", ground.addressing), ("messaging authority", ground.messaging)):
        tell.say(role, f"{_short(node.node)} listens on {node.address}")
    tell.say("router", f"{_short(ground.router.node)} listens on {ground.router.address}")
    tell.say("addressing authority", f"is asked to register {len(markets) + 1} topics")
    topics = {market.name: await ground.register(market.segments, market.name) for market in markets}
    topics[PRACTICE] = await ground.register(PRACTICE, "small wishes")
    for market in markets:
        tell.say("addressing authority", f"registers the topic {_short(topics[market.name])}, served by the router")
    day = Day(
        folder,
        tell,
        ground,
        Intentron("the buyer", folder / "buyer", everybody),
        Intentron("watcher", folder / "watcher", everybody),
        topics,
    )
    for market in markets:
        day.stalls[market.name] = [
            Stall(seller, Intentron(seller.title, folder / f"seller-{market.column_map}-{number}", everybody))
            for number, seller in enumerate(market.sellers, 1)
        ]
    petnames = [word for market in markets for word in ("--petname", f"{market.petname}={topics[market.name]}")]
    people = day.everybody()
    tell.say("everybody", f"{len(people)} intentrons start, {STARTED_AT_ONCE} at a time: some ten seconds")
    at_once = trio.CapacityLimiter(STARTED_AT_ONCE)
    async with trio.open_nursery() as nursery:
        for person in people:
            nursery.start_soon(_move_in, person, day, petnames, at_once)
    tell.say("everybody", f"all {len(people)} intentrons run, each a process with keys of its own")
    return day


async def _move_in(person: Intentron, day: Day, petnames: Sequence[str], at_once: trio.CapacityLimiter) -> None:
    async with at_once:
        await person.init("--authority", str(day.ground.addressing), *petnames)
        await person.start()
    day.tell.say(person.name, "is there")


async def _open_stalls(day: Day, markets: Sequence[Market]) -> None:
    day.tell.act("2  The sellers: stock out of a CSV file, a subscription, a standing rule")
    for market in markets:
        day.tell.say(market.name, f"{len(market.sheet.items)} rows of {market.stock.name} are sound")
        for problem in market.sheet.problems[:3]:
            day.tell.say("", f"line {problem.line} skipped: {problem.sentence}")
        csv = market.stock.read_bytes().decode("utf-8", errors="surrogateescape")
        async with trio.open_nursery() as nursery:
            for stall in day.stalls[market.name]:
                nursery.start_soon(_open_stall, day, market, stall, csv)
    await day.watcher.ask("POST", "/subscriptions", {"name": "all", "pattern": _pattern(day.topics[PRACTICE])})
    await day.watcher.until("its subscription", "/subscriptions", _all_listening)
    for stalls in day.stalls.values():
        for stall in stalls:
            if stall.seller.away:
                await stall.intentron.stop()
                day.tell.say(stall.seller.title, "goes offline: nobody has to be there when a cast is published")


async def _open_stall(day: Day, market: Market, stall: Stall, csv: str) -> None:
    seller, intentron = stall.seller, stall.intentron
    pattern = _pattern(day.topics[market.name])
    stock = {"list": "stock", "map": market.column_map, "csv": csv, "only": seller.own}
    imported = await intentron.ask("POST", "/stock", stock)
    await intentron.ask("POST", "/rules", {"name": "answer", "stock": "stock", "pattern": pattern} | seller.rule)
    await intentron.ask("POST", "/subscriptions", {"name": "market", "pattern": pattern, "filter": seller.filter})
    await intentron.until("its subscription", "/subscriptions", _all_listening)
    day.tell.say(seller.title, f"{imported['items']} items; listens where {seller.filter}")


async def _publish(day: Day, market: Market, *, dry_run: bool) -> dict[str, Any]:
    day.tell.act(f"3  The buyer asks: {market.name}")
    wish = market.wish | {"topic": day.topics[market.name], "hours": 24}
    shown = " ".join(f"--facet '{name}={value}'" for name, value in market.wish["facets"].items())
    if dry_run:
        day.tell.command("the buyer", f"intentron cast {market.petname} {shown} --dry-run")
        dry: dict[str, Any] = await day.buyer.ask("POST", "/casts", wish | {"dry_run": True})
        day.tell.say("the buyer", "is shown, before anything leaves, who would see what:")
        for who in dict.fromkeys(row["who"] for row in dry["disclosed"]):
            rows = [row for row in dry["disclosed"] if row["who"] == who]
            day.tell.lines([f"       {who}:", *(f"         {row['field']:<22} {_cut(row['value'])}" for row in rows)])
    day.tell.command("the buyer", f"intentron cast {market.petname} {shown}")
    day.tell.say("the buyer", f'keeps at home what she typed: "{market.wish["sentence"]}"')
    cast: dict[str, Any] = await day.buyer.ask("POST", "/casts", wish)
    published = await day.buyer.until("a receipt", "/casts", lambda casts: _state(casts, cast["name"]) == "published")
    day.tell.say("the buyer", f"has a receipt for {cast['name']}: the router has flushed it to disk, and signed for it")
    return next(item for item in published if item["name"] == cast["name"])


async def _see_who_has_it(day: Day, market: Market, cast: dict[str, Any]) -> None:
    day.tell.act(f"4  Who gets it: {market.name}")
    for stall in day.stalls[market.name]:
        if stall.seller.reason or stall.seller.away:
            continue
        await stall.intentron.until("the cast", "/inbox", bool)
        await stall.intentron.until("its offer to be stored", "/answers", _any_stored)
        day.tell.say(stall.seller.title, "gets the cast, finds something in its stock, and answers with a sealed offer")
    await trio.sleep(QUIET_S)
    for stall in day.stalls[market.name]:
        if stall.seller.reason and not stall.seller.away:
            if await stall.intentron.ask("GET", "/inbox"):
                raise StoryBroken(f"{stall.seller.title} got {cast['name']} although {stall.seller.reason}")
            day.tell.say(stall.seller.title, f"does not get it: {stall.seller.reason}")
    for name, stalls in day.stalls.items():
        if name != market.name:
            day.tell.say(f"{len(stalls)} sellers", f"do not get it: they listen to {name}")


async def _kill_the_router(day: Day) -> None:
    day.tell.act("5  The router is killed in the middle of its work")
    wish = {"topic": day.topics[PRACTICE], "hours": 1, "demand": {"@type": "Demand", "name": "a small wish"}}

    async def keep_asking() -> None:
        for _ in range(PRACTICE_CASTS):
            await day.buyer.ask("POST", "/casts", wish)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_asking)
        casts = await day.buyer.until(
            "some receipts", "/casts", lambda found: _count(found, day.topics[PRACTICE], "published") >= KILLED_AFTER
        )
        pid = day.ground.router.daemon.pid
        await day.ground.router.daemon.kill()
    before = _count(casts, day.topics[PRACTICE], "published")
    day.tell.say("router", f"process {pid} is ended by SIGKILL while {PRACTICE_CASTS} small wishes come in")
    facts = await day.ground.router.daemon.start()
    day.tell.say("router", f"is started again and says: recovered {facts['recovered']}")
    await day.buyer.until(
        "all receipts", "/casts", lambda found: _count(found, day.topics[PRACTICE], "published") == PRACTICE_CASTS
    )
    day.tell.say(
        "the buyer", f"had {before} receipts before, and sent the rest again: now {PRACTICE_CASTS} of {PRACTICE_CASTS}"
    )
    inbox = await day.watcher.until("every small wish", "/inbox", lambda found: len(found) >= PRACTICE_CASTS)
    await trio.sleep(QUIET_S)
    inbox = await day.watcher.ask("GET", "/inbox")
    if len(inbox) != PRACTICE_CASTS or len({item["name"] for item in inbox}) != PRACTICE_CASTS:
        raise StoryBroken(f"{PRACTICE_CASTS} small wishes were acknowledged, and {len(inbox)} reached the subscriber")
    day.tell.say("a subscriber", f"has all {len(inbox)}, each once: nothing acknowledged is missing")


async def _come_back(day: Day, markets: Sequence[Market]) -> None:
    day.tell.act("6  A seller comes back")
    for market in markets:
        for stall in day.stalls[market.name]:
            if stall.seller.away:
                await stall.intentron.start()
                await stall.intentron.until("the cast", "/inbox", bool)
                day.tell.say(stall.seller.title, "comes back, and the cast that was published meanwhile is there")
                await stall.intentron.until("its offer to be stored", "/answers", _any_stored)
                day.tell.say(stall.seller.title, "answers with a sealed offer")


async def _compare_and_choose(day: Day, market: Market, cast: dict[str, Any]) -> None:
    day.tell.act(f"7  The buyer compares and chooses: {market.name}")
    expected = [stall for stall in day.stalls[market.name] if not stall.seller.reason]
    path = f"/casts/{cast['name']}/offers"
    offers = await day.buyer.until("the offers", path, lambda found: len(found) >= len(expected))
    columns = {"name": "offer", "price": "price", "title": "what", "description": "says"}
    day.tell.command("the buyer", f"intentron offers {cast['name']}")
    day.tell.table(columns, offers)
    declined, accepted = offers[-1], offers[0]
    await day.buyer.ask("POST", f"/offers/{declined['name']}/decline", {"reason": "chosen-another"})
    day.tell.command("the buyer", f"intentron decline {declined['name']} --reason chosen-another")
    await day.buyer.ask("POST", f"/offers/{accepted['name']}/accept")
    day.tell.command("the buyer", f"intentron accept {accepted['name']}")
    states = {}
    for stall in expected:
        answers = await stall.intentron.until(
            "the buyer's word",
            "/answers",
            lambda found: any(item["state"] in {"accepted", "declined"} for item in found),
        )
        states[stall.seller.title] = next(item for item in answers if item["state"] in {"accepted", "declined"})
        told = states[stall.seller.title]
        reason = f" ({told['reason']})" if told.get("reason") else ""
        day.tell.say(stall.seller.title, f"learns that its offer is {told['state']}{reason}")
    if sorted(item["state"] for item in states.values()) != ["accepted", "declined"]:
        raise StoryBroken("one offer was accepted and one declined, and the sellers have heard something else")
    await day.buyer.ask("POST", f"/casts/{cast['name']}/close")
    await day.buyer.until("the close", "/casts", lambda found: _state(found, cast["name"]) == "closed")
    day.tell.say("the buyer", f"closes {cast['name']}; both sides hold the agreement, signed twice, in the same bytes")


async def _tell_who_saw_what(day: Day) -> None:
    day.tell.act("8  Who could see what")
    offers = await day.buyer.ask("GET", "/offers")
    offered = [offer["title"].encode() for offer in offers]
    sellers = [offer["seller"].rpartition(":")[2] for offer in offers]
    who = [key for seller in sellers for key in (seller.encode(), from_base32(seller))]
    hidden = (
        ("router", day.ground.router, "what was offered", offered),
        ("messaging authority", day.ground.messaging, "what was offered", offered),
        ("messaging authority", day.ground.messaging, "who offered it", who),
    )
    for role, node, what, secrets in hidden:
        stored = b"".join(path.read_bytes() for path in sorted(node.data.glob("store.db*")))
        if any(secret in stored for secret in secrets):
            raise StoryBroken(f"the {role} could see {what}")
        day.tell.say(role, f"its files ({len(stored):,} bytes) were searched: no trace of {what}")
    day.tell.say("router", "could see topic, facets, size and time of each cast, and which keys subscribe; no offer")
    day.tell.say("messaging authority", "could see which mailbox got a sealed box of which size, and when")
    day.tell.say("sellers", "could see the casts that match, each from a key that is used once; not who asks")
    day.tell.say("the buyer", "could see the offers, and the lasting key of each seller that made one")


def _pattern(topic: str) -> str:
    return topic.removeprefix("urn:byway:topic:")


def _short(urn: str) -> str:
    """A URN with its key cut short, for people."""
    return ":".join(part if len(part) < 52 else f"{part[:6]}..." for part in urn.split(":"))  # noqa: PLR2004 - a key


def _cut(text: object) -> str:
    """One line of a terminal, with dots where something is left out."""
    shown = _short(str(text))
    if len(shown) <= SHOWN:
        return shown
    return textwrap.shorten(shown, SHOWN, placeholder=" ...") if " " in shown else f"{shown[: SHOWN - 4]} ..."


def _state(casts: Sequence[dict[str, Any]], name: str) -> str:
    return next((str(cast["state"]) for cast in casts if cast["name"] == name), "")


def _count(casts: Sequence[dict[str, Any]], topic: str, state: str) -> int:
    return sum(cast["topic"] == topic and cast["state"] == state for cast in casts)


def _all_listening(subscriptions: Sequence[dict[str, Any]]) -> bool:
    return bool(subscriptions) and all(item["state"] == "listening" for item in subscriptions)


def _any_stored(answers: Sequence[dict[str, Any]]) -> bool:
    return any(item["state"] != "sending" for item in answers)
