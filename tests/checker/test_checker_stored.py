"""The checker sees contradictions and sick stores: I7 and I14 turn red alone for what they are there for."""

from __future__ import annotations

import copy

import pytest

from byway.protocol.limits import MAX_TIME_MS
from byway.protocol.merkle import leaf, root
from byway.protocol.receipt import Head, Receipt
from byway.protocol.record import Record
from byway.protocol.statement import Kind, parse_statement
from tests.checker.spoiling import Copy, Line
from tests.vectors.notation import flipped


def in_another_head(run: Copy, line: Line, **changes: object) -> bytes:
    """A receipt for the same statement, alone in a head that the router has signed as well."""
    receipt = Receipt.from_bytes(line.get("receipt"))
    sequence = changes.get("first", receipt.sequence)
    assert isinstance(sequence, int)
    alone = {"first": sequence, "count": 1, "root": root([leaf(sequence, line.id)])}
    body = Head.from_wire(Head.from_statement(receipt.head).wire() | alone | changes)
    return Receipt(body.sign(run.router, created=1, expires=MAX_TIME_MS), sequence, ()).to_bytes()


def of_the_router(run: Copy) -> list[Line]:
    node = next(line.fields["node"] for line in run.all("subscribed", sub="all"))
    return [line for line in run.all("receipt") if line.fields["node"] == node]


@pytest.mark.parametrize("with_stores", [True, False])
def test_two_heads_of_one_size_contradict_each_other(run: Copy, with_stores: bool) -> None:
    line = of_the_router(run)[0]
    line.put("receipt", in_another_head(run, line))

    assert run.red(with_stores=with_stores) == {"I7"}


def test_a_head_that_is_not_in_the_store_contradicts_it(run: Copy) -> None:
    line = of_the_router(run)[0]
    line.put("receipt", in_another_head(run, line, size=1000))

    assert run.red() == {"I7"}


def test_a_second_receipt_with_another_sequence_contradicts_the_first(run: Copy) -> None:
    """What a router without dedupe gives for a cast that is handed in again."""
    lines = of_the_router(run)
    ids = [line.id for line in lines]
    again = next(line for at, line in enumerate(lines) if line.id in ids[:at])
    again.put("receipt", in_another_head(run, again, first=900, size=900))

    assert run.red(with_stores=False) == {"I7"}


def test_a_store_without_what_was_promised_contradicts_the_receipt(run: Copy) -> None:
    """The store of an hour ago, as it were: whole in itself, but its last commits are missing."""
    with run.store() as store:
        ((first,),) = store.execute("SELECT first FROM commits ORDER BY first DESC LIMIT 1 OFFSET 1")
        for table, column in (("commits", "first"), ("leaves", "first"), ("journal", "sequence")):
            store.execute(f"DELETE FROM {table} WHERE {column} >= ?", (first,))  # noqa: S608 - names, not values
        store.execute("DELETE FROM cursors")
        store.execute("DELETE FROM subscriptions")

    assert run.red() == {"I7"}


def test_two_records_with_one_serial_contradict_each_other(run: Copy) -> None:
    line = next(line for line in run.all("answer") if line.get("statement")[4:36] == bytes(run.authority.verify_key))
    found = parse_statement(line.get("statement"))
    assert found.kind is Kind.RECORD
    body = Record.from_wire(Record.from_statement(found).wire() | {"ttl": 7})
    another = copy.deepcopy(line)
    another.put("statement", body.sign(run.authority, created=found.created, expires=found.expires).data)
    run.insert_after(line, another)

    assert run.red() == {"I7"}


@pytest.mark.parametrize(
    ("table", "column"), [("journal", "data"), ("commits", "head"), ("leaves", "packed")], ids=lambda name: name
)
@pytest.mark.parametrize("row", [0, 3, -1])
def test_a_bit_that_turned_in_the_store_is_found(run: Copy, table: str, column: str, row: int) -> None:
    with run.store() as store:
        rows = store.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid").fetchall()  # noqa: S608 - names
        rowid, data = rows[row]
        store.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (flipped(data, 70), rowid))  # noqa: S608

    assert "I14" in run.red()


def test_a_changed_statement_in_the_store_is_its_fault_alone(run: Copy) -> None:
    with run.store() as store:
        for sequence, data in store.execute("SELECT sequence, data FROM journal").fetchall():
            store.execute("UPDATE journal SET data = ? WHERE sequence = ?", (flipped(data, sequence), sequence))

    assert run.red() == {"I14"}


def test_a_row_that_no_leaf_names_is_found(run: Copy) -> None:
    with run.store() as store:
        store.execute("DELETE FROM leaves WHERE first = (SELECT max(first) FROM leaves)")

    assert run.red() == {"I14"}


def test_a_cursor_without_its_subscription_is_found(run: Copy) -> None:
    with run.store() as store:
        store.execute("DELETE FROM subscriptions WHERE sub = 'all'")

    assert run.red() == {"I14"}


def test_a_cursor_that_has_moved_by_itself_is_found(run: Copy) -> None:
    with run.store() as store:
        moved = store.execute("UPDATE cursors SET through = through - 1 WHERE through > 0").rowcount

    assert moved > 0
    assert run.red() == {"I14"}
