"""The commands of a person after her wish is out: she decides about what came, or takes it back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import trio

from tests.intentron.town import Shell

MoveIn = Callable[[str], Shell]

WISH = ("open:homes:boston", "--facet", "beds=2..", "--facet", "price=..800000 USD")
TERMS = "urn:byway:terms:customercommons:nostalking"


def test_an_offer_is_accepted_and_another_declined(shell: MoveIn, mary: Shell) -> None:
    sellers = [shell("orchard"), shell("stall")]
    for seller in sellers:
        seller("subscribe", "open:homes:**")
    mary("cast", *WISH, "--terms", TERMS)
    cast = mary.told("casts")[0]["name"]
    for seller, price in zip(sellers, ("700000", "650000.50"), strict=True):
        seller.until(bool, "inbox")
        words = ("--title", "Two beds", "--description", "by the park", "--price", f"{price} USD", "--terms", TERMS)
        assert "price       " in seller("offer", cast, *words)
    cheap, dear = mary.until(lambda offers: len(offers) == 2, "offers", cast)

    first = cheap["seller"].rpartition(":")[2]
    out = mary("offers", cast)
    assert max(len(line) for line in out.splitlines() if not line.startswith("next")) <= 80
    assert re.search(
        rf"{cheap['name']} +{cast} +Two beds +650,000.50 USD +offered +in 3 days\n +by the park\n"
        r" +terms\n +customercommons:nostalking\n"
        rf" +from {first[:8]}...{first[-4:]}\n",
        out,
    )
    assert f"next        intentron accept {cheap['name']} --home {mary.home}\n" in out

    assert "reason      price\n" in mary("decline", dear["name"], "--reason", "price")
    accepted = mary("accept", cheap["name"])
    assert accepted == (
        f"accepted    {cheap['name']}  Two beds\n"
        "            by the park\n"
        "price       650,000.50 USD\n"
        f"terms       {TERMS}\n"
        f"seller      {cheap['seller']}\n"
        "agreement   your cast's key has signed the seller's signed offer: two signatures, the same bytes\n"
        "            it is kept here, and the seller's mailbox has it\n"
        f"            more offers may come until {cast} is closed\n"
        f"next        intentron close {cast} --home {mary.home}\n"
    )
    assert f"[settled]\nnext    intentron offers --home {mary.home}\n" in mary.fails("accept", dear["name"])
    sellers[1].until(lambda answers: answers[0]["state"] == "accepted", "answers")
    sellers[0].until(lambda answers: answers[0]["state"] == "declined", "answers")
    assert "declined: price" in sellers[0]("answers").replace("\n", " ")
    happened = mary("events")
    assert re.search(rf"offer_received  cast {cast}  offer {dear['name']}\n", happened)
    assert json.loads(mary("events", "--json").splitlines()[0])["event"] == "cast_kept"


def test_a_petname_that_was_mistyped_is_guessed(shell: Callable[..., Shell]) -> None:
    mary = shell("mary", "--petname", "homes=urn:byway:topic:open:homes:boston")

    told = mary.fails("cast", "hoems")

    assert told == (
        "error   hoems is no petname of yours; a topic is written open:homes:boston  [bad-urn]\n"
        "next    write it as homes\n"
    )


def test_a_decline_says_why_for_it_stands(mary: Shell) -> None:
    told = mary.fails("decline", "O-AAAA")

    assert "a decline says why, and stands: price, place, time, terms, chosen-another or other  [bad-request]" in told
    assert f"next    intentron decline O-AAAA --reason other --home {mary.home}\n" in told


def test_a_seller_that_has_a_petname_is_shown_by_it(shell: MoveIn, mary: Shell) -> None:
    ruth = shell("ruth")
    ruth("subscribe", "open:homes:**")
    mary("cast", *WISH)
    (cast,) = ruth.until(bool, "inbox")
    ruth("offer", cast["name"], "--title", "Two beds")
    (offer,) = mary.until(bool, "offers")
    settings = mary.home / "settings.toml"
    text = settings.read_text().replace("[petnames]", f'[petnames]\nruth = "{offer["seller"]}"')
    settings.write_text(text)

    assert re.search(r"from ruth \([a-z2-7]{8}\.\.\.[a-z2-7]{4}\)\n", mary("offers"))
    assert f"seller      ruth ({offer['seller']})\n" in mary("decline", offer["name"], "--reason", "other")


def test_a_cast_that_never_left_is_taken_back_and_nobody_is_told(mary: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody_there(*_: object, **__: object) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr("intentron.cli.cast.SETTLED_WITHIN_S", 0.1)
    monkeypatch.setattr("intentron.courier.Courier.hand_in", nobody_there)
    mary("cast", *WISH)

    assert "            it was taken back before it left; nobody was told\n" in (
        mary("close", mary.told("casts")[0]["name"])
    )


def test_who_only_buys_is_not_told_as_whom_she_sells(mary: Shell, shell: MoveIn) -> None:
    ruth = shell("ruth")
    ruth("subscribe", "open:homes:**")

    assert "you sell as" not in mary("status")
    assert "you sell as urn:byway:node:" in ruth("status")


def test_a_cast_is_taken_back_once(mary: Shell) -> None:
    mary("cast", *WISH)
    name = mary.told("casts")[0]["name"]

    told = mary("close", name)
    assert f"closed      {name}\n" in told
    assert "its routers are told" in told
    assert "in 13 days" not in mary("casts")
    assert mary.told("casts")[0]["state"] == "closed"
    assert f"[settled]\nnext    intentron casts {name} --home {mary.home}\n" in mary.fails("close", name)


def test_a_name_that_means_nothing_is_refused_with_where_to_look(mary: Shell) -> None:
    for words, next_step in (
        (("close", "C-AAAA"), "intentron casts"),
        (("offers", "C-AAAA"), "intentron casts"),
        (("accept", "O-AAAA"), "intentron offers"),
        (("decline", "../casts", "--reason", "other"), "intentron offers"),
    ):
        told = mary.fails(*words)
        assert "[not-found]" in told or "[not-served]" in told
        assert f"next    {next_step} --home {mary.home}\n" in told or "[not-served]" in told


def test_lists_that_are_empty_say_what_to_do(mary: Shell) -> None:
    for command, next_step in (
        ("casts", "cast open:homes:boston --facet beds=2 --dry-run"),
        ("offers", "status"),
        ("inbox", "subscriptions"),
        ("answers", "inbox"),
        ("subscriptions", "subscribe 'open:homes:**'"),
        ("rules", "rule add homes --list homes"),
        ("events", "events --follow"),
    ):
        assert mary(command).endswith(f"\nnext        intentron {next_step} --home {mary.home}\n")
