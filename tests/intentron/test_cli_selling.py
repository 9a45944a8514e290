"""The commands of a seller, typed: listen, hear, answer by hand, and let stock and a rule answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from byway.protocol.urn import to_base32
from tests.intentron.town import Shell, Town

MoveIn = Callable[..., Shell]

HOMES = (
    "pid,address,unit,zip,kind,beds,full_baths,half_baths,living_area_sqft,year_built,assessed_value_usd,"
    "assessment_year,city\n"
    "1,12 Elm St,3,02127,condo,2,1,0,900,1920,640000,2024,SOUTH BOSTON\n"
    "2,14 Elm St,1,02127,condo,many,1,0,900,1920,640000,2024,SOUTH BOSTON\n"
    "3,16 Elm St,1,02127,condo,3,1,0,900,1920,740000,2024,DORCHESTER\n"
)


@pytest.fixture
def shop(shell: MoveIn) -> Shell:
    return shell("shop")


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "homes.csv"
    path.write_bytes(HOMES.encode() + b"4,18 \xe9lm St,1,02127,condo,3,1,0,900,1920,740000,2024,DORCHESTER\n")
    return path


def test_a_subscription_listens_and_can_be_given_up(shop: Shell, town: Town) -> None:
    out = shop("subscribe", "open:homes:*", "--filter", "beds >= 2", "--name", "homes")

    assert out.startswith("subscribed  homes\ntopics      open:homes:*\nfilter      beds >= 2\n")
    (kept,) = shop.until(lambda kept: kept[0]["state"] == "listening", "subscriptions")
    assert kept["router"] == str(town.router)
    assert re.search(r"homes +open:homes:\* +beds >= 2 +router.test:7400 +listening", shop("subscriptions"))
    assert shop("unsubscribe", "homes").startswith("ended       homes\nnext        intentron subscriptions ")
    assert shop.told("subscriptions") == []
    assert "there is no subscription called homes" in shop.fails("unsubscribe", "homes")


def test_a_subscription_without_a_name_is_called_by_its_pattern(shop: Shell) -> None:
    shop("subscribe", "open:homes:caf%C3%A9:**")

    assert [kept["name"] for kept in shop.told("subscriptions")] == ["open:homes:caf%C3%A9:**"]
    shop("unsubscribe", "open:homes:caf%C3%A9:**")
    assert shop.told("subscriptions") == []


def test_a_registered_topic_can_be_listened_for_without_a_name(shop: Shell, town: Town) -> None:
    root, other = to_base32(bytes(32)), to_base32(bytes([1] * 32))
    long = ":".join("a" * 20 for _ in range(4))
    at = ("--router", str(town.router))
    for pattern in (f"{root}:homes:boston:condo", f"{root}:{long}"):
        shop("subscribe", pattern, *at)

    assert [kept["name"] for kept in shop.told("subscriptions")] == [long[:62], "homes:boston:condo"]
    shop("subscribe", f"{root}:homes:boston:condo", *at)
    for another in ((f"{root}:homes:boston:condo", "--filter", "beds >= 2"), (f"{other}:homes:boston:condo",)):
        told = shop.fails("subscribe", *another, *at)
        assert "there is a subscription called homes:boston:condo already, to " in told
        assert "[name-taken]\nnext    give this one another name with --name" in told
    assert [kept["filter"] for kept in shop.told("subscriptions")] == ["", ""]


def test_a_petname_names_subscriptions_and_rules(shell: MoveIn, sheet: Path) -> None:
    shop = shell("shop", "--petname", "condos=urn:byway:topic:open:homes:boston:condo")
    shop("subscribe", "condos")
    shop("stock", "import", str(sheet), "--map", "homes")
    shop("rule", "add", "one", "--list", "homes", "--topics", "condos")

    (kept,) = shop.told("subscriptions")
    assert (kept["name"], kept["pattern"]) == ("condos", "open:homes:boston:condo")
    assert [rule["pattern"] for rule in shop.told("rules")] == ["open:homes:boston:condo"]
    assert "flats is no petname of yours" in shop.fails("rule", "add", "two", "--list", "homes", "--topics", "flats")


def test_what_cannot_be_listened_for_is_refused(shop: Shell) -> None:
    for words, code, next_step in (
        (("open:homes:**:condo",), "bad-pattern", "write a pattern as open:homes:**"),
        (("open:homes:**", "--filter", "beds >="), "bad-filter", "write a filter as 'beds >= 2 && "),
        (("open:homes:**", "--router", "example.org"), "bad-request", "copy it from the line"),
    ):
        told = shop.fails("subscribe", *words)
        assert f"[{code}]\nnext    {next_step}" in told
    assert shop.told("subscriptions") == []


def test_a_subscription_at_a_router_that_is_away_says_what_it_waits_for(shop: Shell, town: Town) -> None:
    town.kill_router()
    out = shop("subscribe", "open:homes:**", "--name", "homes")
    assert out.startswith(f"waiting     homes: {town.router.address} cannot be reached")
    assert "            it is kept here, and tried again until the router is there\n" in out
    assert "subscribed" not in out
    shop.until(lambda kept: kept[0]["waiting_for"], "subscriptions")

    assert f"homes       waits: {town.router.address} cannot be reached" in shop("subscriptions")


def test_a_filter_that_may_be_a_slip_is_told_with_a_warning(shop: Shell) -> None:
    text = 'price >= money("500000.00", "DOL") || !(lot in [quantity("5", "XXY")]) && price <= 800000'
    out = shop("subscribe", "open:homes:**", "--filter", text)

    assert "warning     price: DOL is no currency, and no unit that is known here; is it what you mean?\n" in out
    assert "warning     lot: XXY is no currency, and no unit that is known here; is it what you mean?\n" in out
    assert 'warning     price: not money, for it has no currency; write money("800000", "USD") if it is money\n' in out


def test_a_long_topic_is_never_cut(shell: MoveIn, shop: Shell) -> None:
    topic = "open:homes:boston:" + ":".join(["condominium"] * 6)
    shop("subscribe", topic)
    shell("mary")("cast", topic, "--facet", "beds=2", "--facet", "kind=a condominium in a quiet street")
    shop.until(bool, "inbox")

    assert any(topic in line for line in shop("inbox").splitlines())
    assert any(topic in line for line in shop("subscriptions").splitlines())


def test_a_second_offer_says_at_once_that_it_replaces_the_first(shell: MoveIn, shop: Shell) -> None:
    shop("subscribe", "open:homes:**")
    shell("mary")("cast", "open:homes:boston")
    (cast,) = shop.until(bool, "inbox")
    shop("offer", cast["name"], "--title", "Two beds", "--price", "9 USD")
    (first,) = shop.told("answers")

    lines = shop("offer", cast["name"], "--title", "Three beds", "--price", "9 USD").splitlines()

    assert lines[1] == f"replaces    {first['name']}: of your offers to one wish only the last counts"


def test_a_wish_that_came_is_shown_with_all_that_it_says(shell: MoveIn, shop: Shell, tmp_path: Path) -> None:
    wish = tmp_path / "wish.toml"
    wish.write_text(
        'topic = "open:homes:boston"\nterms = ["urn:byway:terms:cc:a"]\n'
        '[facets]\nbeds = "2.."\n[demand]\ndescription = "no \\u001b[2Jbasement"\n'
    )
    shop("subscribe", "open:homes:**")
    shell("mary")("cast", "--from", str(wish), "--sentence", "a secret")
    (cast,) = shop.until(bool, "inbox")

    out = shop("inbox")
    assert "beds from 2" in out
    assert "description no \\x1b[2Jbasement" in out
    assert "terms cc:a" in out
    assert "secret" not in out
    assert f"next        intentron offer {cast['name']} --price '700000 USD'" in out


def test_an_offer_that_cannot_be_made_is_refused(shell: MoveIn, shop: Shell) -> None:
    shop("subscribe", "open:homes:**")
    mary = shell("mary")
    mary("cast", "open:homes:boston")
    (cast,) = shop.until(bool, "inbox")

    for words, sentence in (
        (("--title", "Two beds", "--price", "cheap"), "is not a price, which looks like '4.50 USD'"),
        (("--title", "Two beds", "--terms", "urn:byway:terms:cc:a"), "terms"),
        (("--title", ""), '"title"'),
    ):
        assert sentence in shop.fails("offer", cast["name"], *words)
    assert "there is no cast in the inbox called C-AAAA" in shop.fails("offer", "C-AAAA", "--title", "Two beds")
    assert shop.told("answers") == []


def test_a_sheet_becomes_stock_and_bad_rows_are_told_by_their_line(shop: Shell, sheet: Path) -> None:
    out = shop("stock", "import", str(sheet), "--map", "homes", "--list", "boston")

    assert out.startswith(
        "imported    2 items into the list boston\n"
        "left out    line 3: beds is 'many', which is not a number\n"
        "left out    line 5: address is not UTF-8; save the sheet as CSV UTF-8\n"
    )
    (kept,) = shop.told("stock", "list")
    assert (kept["name"], kept["items"], kept["source"]) == ("boston", 2, str(sheet))
    assert re.search(r"boston +2 +/", shop("stock", "list"))


def test_what_is_next_can_be_typed_as_it_stands(shop: Shell, sheet: Path, tmp_path: Path) -> None:
    words = ("stock", "import", str(sheet), "--map")
    own = tmp_path / "my map.toml"
    own.write_text("idd = 1\n")

    assert "next        intentron rule add 'my homes' --list 'my homes' " in shop(*words, "homes", "--list", "my homes")
    assert f"next    edit line 1 of '{own}'\n" in shop.fails(*words, str(own))


def test_one_seller_of_a_sheet_can_be_taken_alone(shop: Shell, sheet: Path) -> None:
    shop("stock", "import", str(sheet), "--map", "homes", "--only", "dorchester")

    assert [(kept["name"], kept["items"]) for kept in shop.told("stock", "list")] == [("homes", 1)]
    assert "it has sellers such as" in shop.fails("stock", "import", str(sheet), "--map", "homes", "--only", "nobody")


def test_a_folder_called_like_a_map_is_not_taken_for_one(
    shop: Shell, sheet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("homes").mkdir()

    assert "imported    2 items" in shop("stock", "import", str(sheet), "--map", "homes")


def test_a_map_of_ones_own_is_found_where_one_stands(
    shop: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("eggs.toml").write_text('id = "sku"\nname = "{what}"\n')
    Path("eggs.csv").write_text("sku,what\n1,a dozen eggs\n")

    assert shop("stock", "import", "eggs.csv", "--map", "eggs.toml").startswith(
        "imported    1 item into the list eggs\n"
    )


def test_a_sheet_of_which_nothing_can_be_used_is_a_failure(shop: Shell, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("a,b\n1,2\n")
    status, out, err = shop.run("stock", "import", str(empty), "--map", "homes")

    assert status == 1
    assert "left out    line 1: the file has no column 'pid'" in out.replace('"', "'")
    assert f"nothing in {empty} could be imported" in err
    assert f"nothing in {empty} could be imported; no list is changed  [bad-sheet]\nnext    mend" in err
    told = shop.fails("stock", "import", str(tmp_path / "none.csv"), "--map", "homes")
    assert f"there is no file {tmp_path}/none.csv  [data-unreadable]\nnext    ls {tmp_path}\n" in told
    told = shop.fails("stock", "import", str(tmp_path), "--map", "homes")
    assert f"{tmp_path} is a folder, not a CSV file  [data-unreadable]\nnext    ls {tmp_path}\n" in told
    assert "there is no column map 'houses'" in shop.fails("stock", "import", str(empty), "--map", "houses")


def test_a_failed_import_keeps_the_stock(shop: Shell, sheet: Path, tmp_path: Path) -> None:
    shop("stock", "import", str(sheet), "--map", "homes")
    before = shop.told("stock", "list")
    empty = tmp_path / "empty.csv"
    header = HOMES.splitlines()[0]
    for data, only in (
        (b"", ()),
        (b"a,b\n1,2\n", ()),
        (b"a,b\n1,2\n", ("--only", "dorchester")),
        (header.encode(), ()),
        (HOMES.encode("utf-16"), ()),
        (HOMES.replace(",", ";").encode(), ()),
    ):
        empty.write_bytes(data)
        status, out, err = shop.run("stock", "import", str(empty), "--map", "homes", *only)
        assert status == 1
        assert "left out" in out
        assert "next" not in out
        assert "no list is changed" in err
    assert shop.told("stock", "list") == before


def test_of_many_bad_rows_the_first_are_told_and_all_are_counted(shop: Shell, tmp_path: Path) -> None:
    header, _, bad, *_ = HOMES.splitlines(keepends=True)
    sheet = tmp_path / "bad.csv"
    sheet.write_text(header + bad * 3000)
    _, out, _ = shop.run("stock", "import", str(sheet), "--map", "homes")

    assert out.count("left out") == 20
    assert out.endswith("            and 2,980 more lines; --json tells all\n")


def test_a_rule_can_be_stopped(shop: Shell, sheet: Path) -> None:
    shop("stock", "import", str(sheet), "--map", "homes")
    shop("rule", "add", "my homes", "--list", "homes", "--topics", "open:homes:**")

    assert shop("rule", "remove", "my homes").startswith("ended       my homes\nnext        intentron rules ")
    assert shop.told("rules") == []
    assert "there is no rule called my homes" in shop.fails("rule", "remove", "my homes")


def test_a_rule_answers_out_of_the_stock(shell: MoveIn, shop: Shell, sheet: Path) -> None:
    shop("stock", "import", str(sheet), "--map", "homes")
    shop("subscribe", "open:homes:boston", "--filter", 'price >= money("500000.00", "USD")')
    out = shop("rule", "add", "boston", "--list", "homes")

    assert "rule        boston: offers what fits out of homes to wishes under open:homes:boston\n" in out
    mary = shell("mary")
    mary("cast", "open:homes:boston", "--facet", "beds=2", "--facet", "price=..800000 USD")
    (offer,) = mary.until(bool, "offers")
    assert offer["price"] == "640,000.00 USD"
    (answer,) = shop.until(bool, "answers")
    assert answer["rule"] == "boston"


def test_a_rule_says_all_that_a_seller_may_decide(shop: Shell, sheet: Path) -> None:
    shop("stock", "import", str(sheet), "--map", "homes")
    shop(
        *("rule", "add", "eggs", "--list", "homes", "--topics", "open:food:**", "--within-km", "2.5"),
        *("--price", "4.50 USD", "--per", "dozen", "--terms", "urn:byway:terms:cc:a", "--offers-per-day", "7"),
        *("--hours", "5", "--message", "{name} for {price}"),
    )

    (rule,) = shop.told("rules")
    assert rule["price"] == {"amount": "4.50", "currency": "USD", "per": "dozen"}
    assert (rule["within_m"], rule["terms"], rule["offers_per_day"]) == (2500, ["urn:byway:terms:cc:a"], 7)
    assert (rule["lifetime_hours"], rule["message"]) == (5, "{name} for {price}")
    assert re.search(r"eggs +homes +open:food:\*\* +2.5 km +4.50 USD per dozen +7\n", shop("rules"))


def test_a_rule_that_cannot_be_kept_is_refused(shop: Shell, sheet: Path) -> None:
    assert "You listen to none yet" in shop.fails("rule", "add", "a", "--list", "homes")
    for pattern in ("open:a:*", "open:b:*"):
        shop("subscribe", pattern)
    told = shop.fails("rule", "add", "a", "--list", "homes")
    assert "You listen to open:a:*, open:b:*  [bad-request]\n" in told
    assert f"next    intentron rule add a --list homes --topics 'open:a:*' --home {shop.home}\n" in told
    told = shop.fails("rule", "add", "a b", "--list", "homes", "--within-km", "2.5", "--terms", "x", "--terms", "y")
    again = "rule add 'a b' --list homes --topics 'open:a:*' --within-km 2.5 --terms x --terms y"
    assert f"next    intentron {again} --home {shop.home}\n" in told
    topics = ("--topics", "open:a:*")
    assert "there is no stock list called homes" in shop.fails("rule", "add", "a", "--list", "homes", *topics)
    shop("stock", "import", str(sheet), "--map", "homes")
    for words, sentence in (
        (("--price", "4.50"), "which looks like '4.50 USD'"),
        (("--price", "cheap USD"), "which looks like '4.50 USD'"),
        (
            ("--offers-per-day", "0"),
            '"offers_per_day": it has to be at least 1  [bad-request]\nnext    intentron rule add',
        ),
        (("--message", "{colour}"), '"message": {colour} is none of'),
        (
            ("--within-km", "-1"),
            "--within-km is -1: it has to be 0 to 20100  [bad-request]\nnext    intentron rule add",
        ),
    ):
        assert sentence in shop.fails("rule", "add", "a", "--list", "homes", *topics, *words)
    assert shop.told("rules") == []
