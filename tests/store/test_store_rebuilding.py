"""A bit in the leaves costs no statement: they are made again from the statements, if the heads prove them."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from byway.protocol.limits import HOUR_MS
from byway.protocol.urn import node_urn
from byway.router.chain import Chain
from byway.store.sqlite.store import STORE_FILE, open_store
from byway.store.store import Entry, Recovered
from tests.crash.parties import make_cast, seeded
from tests.store.stores import NODE_KEY, open_here, subscribe, subscription

NOW = 1_800_000_000_000
COMMITS, SIZE = 3, 4


@pytest.fixture
def entries(folder: Path) -> list[Entry]:
    chance = seeded(folder.name)
    made = [make_cast(chance, node_urn(NODE_KEY), lifetime_ms=HOUR_MS) for _ in range(COMMITS * SIZE)]
    entries = [
        Entry(each.statement.data, each.statement.id, each.statement.kind, each.topic, each.statement.expires)
        for each in made
    ]
    with closing(open_store(folder, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0)) as store:
        chain = Chain(store.recover(NOW), signer=NODE_KEY, durable=store.durable)
        for at in range(0, len(entries), SIZE):
            part = entries[at : at + SIZE]
            plan = chain.plan([entry.id for entry in part], NOW)
            store.commit(part, first=plan.first, head=plan.head, frontier=plan.frontier.to_bytes())
            chain.take(plan)
    return entries


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def change(folder: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        connection.execute(sql, values)
        connection.commit()


def recovered(folder: Path) -> Recovered:
    with closing(open_store(folder, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0)) as store:
        return store.recover(NOW)


def damage_leaves(folder: Path, first: int, position: int = 20) -> None:
    with closing(sqlite3.connect(folder / STORE_FILE)) as connection:
        ((packed,),) = connection.execute("SELECT packed FROM leaves WHERE first = ?", (first,))
    flipped = bytes([packed[position] ^ 1])
    change(
        folder,
        "UPDATE leaves SET packed = ? WHERE first = ?",
        packed[:position] + flipped + packed[position + 1 :],
        first,
    )


@pytest.mark.parametrize("position", [0, 3, 20, 150])
def test_statements_whose_leaves_have_changed_are_found_all_the_same(
    position: int, folder: Path, entries: list[Entry]
) -> None:
    damage_leaves(folder, 1, position)
    damage_leaves(folder, 1 + 2 * SIZE, position)

    with open_here(folder, now=NOW) as store:
        assert store.damaged == frozenset()
        assert [store.find(entry.id) for entry in entries] == list(range(1, 1 + COMMITS * SIZE))
        assert store.commit_of(2).ids == tuple(entry.id for entry in entries[:SIZE])
        for address in {entry.address for entry in entries}:
            wanted = [at for at, entry in enumerate(entries, 1) if entry.address == address]
            assert store.sequences([address], 0, 100) == wanted
    assert recovered(folder).rebuilt == 0  # what was made again has been written


def test_it_is_said_how_many_were_found_another_way(folder: Path, entries: list[Entry]) -> None:
    damage_leaves(folder, 1)
    assert len(entries) == COMMITS * SIZE
    assert recovered(folder).rebuilt == SIZE


@pytest.mark.parametrize(
    "also",
    [
        "UPDATE journal SET data = zeroblob(200) WHERE sequence = 2",
        "DELETE FROM journal WHERE sequence = 4",
        "UPDATE journal SET data = (SELECT data FROM journal WHERE sequence = 3) WHERE sequence = 2",
        "UPDATE commits SET head = zeroblob(200) WHERE first = 1",
        "UPDATE leaves SET count = 3 WHERE first = 1",
    ],
)
def test_what_the_head_does_not_prove_stays_lost(also: str, folder: Path, entries: list[Entry]) -> None:
    damage_leaves(folder, 1)
    change(folder, also)

    with open_here(folder, now=NOW) as store:
        assert {1, 2, 3} <= store.damaged
        assert [store.find(entry.id) for entry in entries[:3]] == [None] * 3
        assert store.find(entries[SIZE].id) == 1 + SIZE
        subscribe(store, subscription("s"))  # and the store goes on
