"""The commands of a person, typed: she is shown what leaves, says it, compares what comes, and decides."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from byway.cli.report import run_command
from byway.errors import Refused
from byway.protocol.statement import parse_statement
from intentron.cli.app import app
from intentron.cli.understood import show_facets
from tests.intentron.town import Shell, Town

WISH = ("open:homes:boston", "--facet", "beds=2..", "--facet", "price=..800000 USD")
SENTENCE = "a quiet place near the park"
TERMS = "urn:byway:terms:customercommons:nostalking"


def test_a_dry_run_shows_every_field_and_byte_and_sends_nothing(mary: Shell, town: Town) -> None:
    out = mary("cast", *WISH, "--sentence", SENTENCE, "--offers", "7", "--dry-run")

    before, _, rest = out.partition("\nseen by")  # a table is as wide as the URNs in it, which are never cut
    assert max(map(len, (before + rest.partition("\nmailbox: ")[2]).splitlines())) <= 80
    assert re.search(rf"cast.authority +{town.messaging.node} ", out)
    assert re.search(r"seen by routers and whoever subscribes\n.*\ncast.format", out)
    assert re.search(r"cast.facets.beds +from 2 +\d+\n", out)
    assert re.search(r"cast.facets.price +up to 800,000.00 USD +\d+\n", out)
    assert re.search(r"cast.offers +at most 7 +\d+\n", out)
    assert re.search(rf"seen by nobody\n.*\nsentence +{SENTENCE}", out)
    assert re.search(r"\ncast: 1,144 bytes .*\n0000  49 42 01 01 ", out)
    assert out.endswith("\nsent        nothing\n")
    assert mary.told("casts") == []
    assert town.dialled() == []


def test_the_bytes_of_a_dry_run_are_the_statements_field_by_field(mary: Shell) -> None:
    would = mary.told("cast", *WISH, "--sentence", SENTENCE, "--dry-run")

    for statement in would["statements"]:
        data = bytes.fromhex(statement["hex"])
        parse_statement(data)
        rows = [row for row in would["disclosed"] if row["field"].startswith(f"{statement['name']}.")]
        assert sum(row["bytes"] for row in rows) == len(data)
        assert SENTENCE.encode() not in data


def test_a_cast_is_signed_for_by_a_router_and_can_be_looked_at(mary: Shell, town: Town) -> None:
    out = mary("cast", *WISH, "--sentence", SENTENCE, "--hours", "72", "--terms", TERMS)

    name = re.match(r"cast        (C-[A-Z2-7]{4,})  a quiet place near the park\n", out)
    assert name
    assert f"published   at the router {town.router.address}, which has signed for it\n" in out
    assert f"next        intentron offers {name[1]} --home {mary.home}\n" in out
    assert re.search(rf"{name[1]} +{SENTENCE} +published +0/25 +in [23] days", mary("casts"))
    details = mary("casts", name[1].lower())
    assert "            beds from 2\n" in details
    assert f"terms       {TERMS}\n" in details
    assert f"receipt     {town.router.address} signed for it, sqlite-wal-full, " in details


def test_what_stands_in_a_file_is_what_is_asked_and_flags_win(mary: Shell, tmp_path: Path) -> None:
    wish = {
        "topic": "open:homes:boston",
        "facets": {"beds": 3, "zip": ["02127", "02116"]},
        "demand": {"description": "no basement"},
        "offers": 9,
        "hours": 5,
        "sentence": SENTENCE,
    }
    toml, as_json = tmp_path / "wish.toml", tmp_path / "wish.json"
    as_json.write_text(json.dumps(wish))
    toml.write_text(
        f'topic = "open:homes:boston"\noffers = 9\nhours = 5\nsentence = "{SENTENCE}"\n[facets]\nbeds = 3\n'
        'zip = ["02127", "02116"]\n[demand]\ndescription = "no basement"\n'
    )

    for file in (toml, as_json):
        mary("cast", "--from", str(file), "--facet", "beds=2..", "--offers", "4")

    for cast in mary.told("casts"):
        assert cast["facets"] == {"beds": "from 2", "zip": "02116, 02127"}
        assert (cast["max_offers"], cast["sentence"]) == (4, SENTENCE)
        assert mary.told("casts", cast["name"])["demand"]["description"] == "no basement"


@pytest.mark.parametrize(
    ("words", "sentence", "next_step"),
    [
        (("--facet", "beds=2"), "a wish needs a topic", "intentron cast open:homes:boston"),
        (("open:homes", "--facet", "beds"), "is not a facet such as", "write it as beds=2.."),
        (
            ("open:homes", "--facet", "beds=2", "--facet", "beds=3"),
            "beds is given twice  [bad-request]",
            "write a set: 'beds={one, two}'",
        ),
        (("open:homes", "--facet", "beds=2;3"), "beds: '2;3' is neither a number", "write it as beds=2.."),
        (("open:homes", "--facet", "price=9 usd"), "price: ", "write it as 9 USD"),
        (("homes",), "homes is no petname of yours; a topic is written open:homes:boston", "write it as open:homes"),
        (("open:Homes:boston",), "small letters only", "write it as open:homes:boston"),
        (("open",), "'open' alone is no topic", "write it as open:homes:boston"),
        (("", "--facet", "Beds=2"), "small letters only", "write it as beds=2"),
        (("open:homes", "--hours", "9999"), '"hours": it has to be at most 720', "intentron cast --help"),
        (("open:homes", "--hours", "0"), '"hours": it has to be at least 1  [bad-request]', "intentron cast --help"),
        (("open:homes", "--offers", "0"), '"offers": it has to be at least 1', "intentron cast --help"),
        (("open:homes", "--terms", "my terms"), "terms", "write a topic as"),
    ],
)
def test_a_wish_that_cannot_be_told_is_refused_in_a_sentence(
    mary: Shell, words: tuple[str, ...], sentence: str, next_step: str
) -> None:
    told = mary.fails("cast", *words)

    assert sentence in told
    assert f"next    {next_step}" in told
    assert "Traceback" not in told
    assert "one spelling" not in told or "--terms" in words
    assert mary.told("casts") == []


def test_facets_are_told_as_they_were_understood_before_and_when_they_leave(mary: Shell) -> None:
    words = (
        "--facet",
        "price=..800,000.00 USD",
        "--facet",
        "beds=two",
        "--facet",
        "lot=..5 XXY",
        "--facet",
        "zip={b, a}",
    )
    for more in ((), ("--dry-run",)):
        out = mary("cast", "open:homes:boston", *words, *more)
        assert "facet       price: money, up to 800,000.00 USD\n" in out
        assert "facet       beds: text, two\n" in out
        assert "facet       lot: quantity, up to 5 XXY\n" in out
        assert "facet       zip: set of text, a, b\n" in out
        assert re.findall(r"warning +(\w+): (\w+) is no currency, and no unit that is known here", out) == [
            ("lot", "XXY")
        ]


@pytest.mark.parametrize(
    ("facet", "warning"),
    [
        ("price=..800000", "price: not money, for it has no currency; write '..800000 USD' if it is money"),
        ("monthly_rent=900.50", "monthly_rent: not money, for it has no currency; write '900.50 USD' if it is money"),
        ("zip={02127 02116}", "zip: '02127 02116' is one text; write commas between texts, as {02127, 02116}"),
        (
            "price=..800.000 USD",
            "price: up to 800.00 USD, for a point begins the cents; write 800000 if it is thousands",
        ),
        ("price=..800 DOL", "price: DOL is no currency, and no unit that is known here; is it what you mean?"),
        ("beds=2..", ""),
        ("price=..800.00 USD", ""),
        ("price=..9.125 KWD", ""),
        ("zip={south boston, 02116}", ""),
        ('zip={"02127 02116"}', ""),
    ],
)
def test_a_facet_that_may_be_a_slip_is_told_with_a_warning(
    capsys: pytest.CaptureFixture[str], facet: str, warning: str
) -> None:
    name, _, value = facet.partition("=")
    show_facets({name: value})

    assert re.findall(r"^warning     (.*)\n", capsys.readouterr().out, re.MULTILINE) == ([warning] if warning else [])


@pytest.mark.parametrize(
    ("words", "sentence", "next_step"),
    [
        (("casts", "--colour"), "Unknown option: --colour", "intentron casts --help"),
        (("stats",), 'Did you mean "status"', "intentron --help"),
        (
            ("stats",),
            "decline, subscribe, subscriptions, unsubscribe, inbox, offer, answers, rules, stock, rule",
            "intentron --help",
        ),
        (
            ("stock", "--home", "x"),
            '"--home" stands behind one of its commands: import, list',
            "intentron stock --help",
        ),
        (("cast", "open:homes", "beds=2"), '"beds=2" is more than this command takes', "intentron cast --help"),
        (("cast", "--hours", "many"), 'unable to convert "many"', "intentron cast --help"),
        (
            ("rule", "add", "a", "--list", "b", "--within-km", "x"),
            'unable to convert "x"',
            "intentron rule add --help",
        ),
        (("rule", "remove"), "requires an argument", "intentron rule remove --help"),
    ],
)
def test_what_is_typed_wrongly_is_told_like_every_refusal(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str, next_step: str
) -> None:
    with pytest.raises(SystemExit) as left:
        run_command(lambda: app(words))

    told = capsys.readouterr().err
    assert left.value.code == 2
    assert sentence in told
    assert re.fullmatch(rf"error   .*  \[bad-request\]\nnext    {next_step}\n", told)


def test_a_file_that_cannot_be_read_is_refused_with_the_line(mary: Shell, tmp_path: Path) -> None:
    toml, as_json = tmp_path / "wish.toml", tmp_path / "wish.json"
    toml.write_text('topic = "open:homes"\nfacet = 1\n')
    as_json.write_text('{"topic": 1}')

    assert 'line 2: "facet" is not a setting; did you mean "facets"?' in mary.fails("cast", "--from", str(toml))
    assert f'{as_json}: "topic"' in mary.fails("cast", "--from", str(as_json))
    for missing in ("other.json", "other.toml"):
        told = mary.fails("cast", "--from", str(tmp_path / missing))
        assert f"there is no file {tmp_path / missing}  [data-unreadable]\nnext    ls {tmp_path}\n" in told
    told = mary.fails("cast", "--from", str(tmp_path / ("w" * 300)))
    assert "cannot be read: File name too long  [data-unreadable]\nnext    ls -l " in told
    assert f"{tmp_path} is a folder, not a file" in mary.fails("cast", "--from", str(tmp_path))


def test_a_cast_for_a_router_that_is_away_waits_and_is_not_lost(mary: Shell, town: Town) -> None:
    town.kill_router()
    out = mary("cast", *WISH)

    assert f"waiting     {town.router.address} cannot be reached" in out
    assert "nothing is lost" in out
    (cast,) = mary.told("casts")
    assert cast["state"] == "waiting"
    assert re.search(rf"{cast['name']} +waits: {town.router.address} cannot", mary("casts").replace("\n", " "))
    assert re.search(rf"waiting     {cast['name']}: ", mary("status"))

    town.start_router()
    mary.until(lambda casts: casts[0]["state"] == "published", "casts")


def test_a_refusal_is_told_with_its_sentence_and_the_next_step_wherever_it_shows(
    mary: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise Refused("too-large", "the cast is over the limit here")

    monkeypatch.setattr("intentron.courier.Courier.hand_in", refuse)
    status, out, err = mary.run("cast", *WISH)

    assert status == 1
    assert "ends " not in out
    name = out.split()[1]
    assert err == (
        f"error   {name} was refused: the cast is over the limit here  [too-large]\n"
        "next    make it smaller, or split it\n"
    )
    assert mary.run("cast", *WISH, "--json")[0] == 1
    (*_, cast) = mary.told("casts")
    assert (cast["state"], cast["code"], cast["reason"], cast["next_step"], cast["sent"]) == (
        "refused",
        "too-large",
        "the cast is over the limit here",
        "make it smaller, or split it",
        False,
    )
    for words in (("casts",), ("casts", name)):
        told = mary(*words)
        assert f"{name}      refused: the cast is over the limit here [too-large]\n" in told
        assert "            make it smaller, or split it\n" in told
        assert "in 13 days" not in told
    assert f"refused     {name}: the cast is over the limit here [too-large]; make it smaller, or split it\n" in (
        mary("status")
    )
    assert f"cast_refused  cast {name}  code too-large  reason the cast is over" in mary("events")
