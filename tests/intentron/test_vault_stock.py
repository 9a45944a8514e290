"""Stock lists, rules and subscriptions in the vault."""

from __future__ import annotations

import apsw
import pytest

from byway.protocol.facets import parse_facets
from intentron.stock.item import StockItem
from intentron.vault import (
    Rule,
    StockList,
    Subscription,
    Vault,
)
from tests.strategies.deals import AUTHORITY, NOW, ROUTER


def item(item_id: str, name: str = "Elm St 1") -> StockItem:
    facets = parse_facets({"bedrooms": ["integer", 2, 2], "price": ["money", "USD", 79_000_000, 79_000_000]})
    return StockItem(item_id, name, facets, seller="02134", price_label="assessed value")


def test_a_list_is_replaced_as_a_whole(vault: Vault) -> None:
    assert vault.stock.replace("homes", [item("2"), item("1")], source="homes.csv", now=NOW) == 2
    assert vault.stock.replace("homes", [item("1", "Oak St 5")], source="homes-2.csv", now=NOW + 1) == 1
    vault.stock.replace("none", [], source="empty.csv", now=NOW)

    assert vault.stock.lists() == [
        StockList("homes", "homes-2.csv", NOW + 1, 1),
        StockList("none", "empty.csv", NOW, 0),
    ]
    assert vault.stock.items("homes") == [item("1", "Oak St 5")]
    assert vault.stock.item("homes", "1") == item("1", "Oak St 5")
    assert vault.stock.item("homes", "2") is None
    assert vault.stock.items("nowhere") == []


def test_an_import_that_fails_leaves_the_list_as_it_was(vault: Vault) -> None:
    vault.stock.replace("homes", [item("1")], source="homes.csv", now=NOW)

    with pytest.raises(apsw.ConstraintError):
        vault.stock.replace("homes", [item("7"), item("7")], source="bad.csv", now=NOW + 1)

    assert vault.stock.items("homes") == [item("1")]
    assert vault.stock.lists() == [StockList("homes", "homes.csv", NOW, 1)]


def test_a_rule_and_a_subscription_are_replaced_by_name(vault: Vault) -> None:
    vault.rules.put(Rule("boston", "old"))
    vault.rules.put(Rule("boston", "new"))
    vault.subscriptions.put(Subscription("condos", "open:homes:**", "", ROUTER))
    kept = Subscription("condos", "open:homes:*:condo", "bedrooms >= 2", AUTHORITY)
    vault.subscriptions.put(kept)

    assert vault.rules.all() == [Rule("boston", "new")]
    assert vault.subscriptions.all() == [kept]


def test_what_is_removed_is_gone(vault: Vault) -> None:
    vault.stock.replace("homes", [item("1")], source="homes.csv", now=NOW)
    vault.rules.put(Rule("boston", ""))
    vault.subscriptions.put(Subscription("condos", "open:homes:**", "", ROUTER))

    for expected in (True, False):
        assert vault.stock.remove("homes") is expected
        assert vault.rules.remove("boston") is expected
        assert vault.subscriptions.remove("condos") is expected

    assert vault.stock.items("homes") == []
