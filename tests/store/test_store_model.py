"""The store against a model of a few dictionaries, under any order of calls and restarts."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from byway.protocol.limits import MINUTE_MS
from byway.protocol.statement import Kind
from byway.store.sqlite.store import open_store
from byway.store.store import (
    CursorMove,
    Entry,
    LastCommit,
    Recovered,
    SignedAcknowledgement,
    Store,
    StoredCommit,
    SubscriptionRow,
)
from tests.store.stores import NODE_KEY, SELLER, commit, subscribe, subscription, unsubscribe
from tests.strategies.entries import ADDRESSES, entries

SUBS = st.sampled_from(["homes", "food"])
REMEMBERED = frozenset({Kind.MAILBOX, Kind.CLOSE})


class StoreMachine(RuleBasedStateMachine):
    """What the model holds is what the store has to give, before a restart and after."""

    @initialize(prefix_bytes=st.sampled_from([1, 8]), stretch=st.sampled_from([1, 8, 64]))
    def open(self, prefix_bytes: int, stretch: int) -> None:
        """With one byte of an id in the directory many ids look alike; small stretches are soon joined."""
        self._stack = ExitStack()
        self._stack.enter_context(mock.patch("byway.store.sqlite.store.STRETCH", stretch))
        self._stack.enter_context(mock.patch("byway.store.sqlite.store.FEW_STRETCHES", 2))
        self._stack.enter_context(mock.patch("byway.store.directory.PREFIX_BYTES", prefix_bytes))
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._opened = self._stack.enter_context(ExitStack())
        self._stored: dict[int, Entry] = {}
        self._ever: dict[int, Entry] = {}
        self._commits: dict[int, StoredCommit] = {}
        self._subscriptions: dict[str, SubscriptionRow] = {}
        self._next = 1
        self._now = 0
        self._open()

    def teardown(self) -> None:
        if hasattr(self, "_stack"):
            self._stack.close()

    @rule(batch=st.lists(entries, min_size=1, max_size=6), number=st.integers(0, 40), sub=SUBS, epoch=st.integers(1, 2))
    def commit(self, batch: list[Entry], number: int, sub: str, epoch: int) -> None:
        move = CursorMove(SELLER, sub, epoch, 0, number, (number + 2, number + 5))
        commit(self._store, self._next, batch, [move])
        ids = tuple(entry.id for entry in batch)
        held = StoredCommit(len(self._commits) + 1, self._next, len(batch), b"head %d" % self._next, ids)
        self._commits[self._next] = held
        self._stored.update(enumerate(batch, self._next))
        self._ever.update(enumerate(batch, self._next))
        self._next += len(batch)
        self._move(move)

    @rule(
        moves=st.lists(st.tuples(SUBS, st.integers(1, 2), st.integers(0, 40)), max_size=5),
        acknowledgement=st.binary(max_size=4),
        sub=SUBS,
    )
    def move(self, moves: list[tuple[str, int, int]], acknowledgement: bytes, sub: str) -> None:
        """Several moves of one subscription in one commit: the furthest of the current epoch is what counts."""
        rows = [CursorMove(SELLER, name, epoch, 0, through, ()) for name, epoch, through in moves]
        furthest = {row.sub: row for row in sorted(rows, key=lambda row: (row.epoch, row.through))}
        acknowledged = [SignedAcknowledgement(SELLER, sub, acknowledgement)]
        self._store.commit([], first=0, head=b"", frontier=b"", moves=rows, acknowledgements=acknowledged)
        for row in furthest.values():
            self._move(row)
        if sub in self._subscriptions:
            self._subscriptions[sub] = self._subscriptions[sub]._replace(acknowledgement=acknowledgement)

    @rule(sub=SUBS, epoch=st.integers(1, 2), through=st.integers(0, 20))
    def subscribe(self, sub: str, epoch: int, through: int) -> None:
        row = subscription(sub, epoch=epoch, through=through)
        subscribe(self._store, row)
        before = self._subscriptions.get(sub)
        self._subscriptions[sub] = row._replace(acknowledgement=before.acknowledgement if before else None)

    @rule(sub=SUBS)
    def unsubscribe(self, sub: str) -> None:
        unsubscribe(self._store, SELLER, sub)
        self._subscriptions.pop(sub, None)

    @rule(dropped=SUBS, put=SUBS)
    def change_subscriptions_in_one_commit(self, dropped: str, put: str) -> None:
        row = subscription(put, through=3)
        self._store.commit(
            [], first=0, head=b"", frontier=b"", subscriptions=[row], dropped=[(SELLER, dropped), (NODE_KEY, put)]
        )
        self._subscriptions.pop(dropped, None)
        before = self._subscriptions.get(put)
        self._subscriptions[put] = row._replace(acknowledgement=before.acknowledgement if before else None)

    @rule(minutes=st.integers(0, 3), rows=st.sampled_from([1, 3, 100]))
    def sweep(self, minutes: int, rows: int) -> None:
        """Only what has expired goes, and all of it unless the sweep was cut short."""
        self._now += minutes * MINUTE_MS
        expired = {sequence for sequence, entry in self._stored.items() if entry.expires <= self._now}

        count = self._store.sweep(self._now, rows)

        left = {sequence for sequence, _ in self._store.read(sorted(self._stored))}
        gone = self._stored.keys() - left
        assert count == len(gone)
        assert gone <= expired
        assert gone == expired or count >= rows
        for sequence in gone:
            del self._stored[sequence]

    @rule()
    def restart(self) -> None:
        self._opened.close()
        recovered = self._open()

        assert recovered.next_sequence == self._next
        assert recovered.in_doubt is None
        assert recovered.subscriptions == [row for _, row in sorted(self._subscriptions.items())]
        assert recovered.statements == sum(entry.expires > self._now for entry in self._stored.values())
        if self._commits:
            last = self._commits[max(self._commits)]
            assert recovered.last == LastCommit(
                last.number, last.first, last.count, last.head, b"frontier %d" % last.first
            )
        else:
            assert recovered.last is None

    @invariant()
    def statements_are_found_by_id(self) -> None:
        ids = {entry.id for entry in self._ever.values()}
        assert {wanted: self._store.find(wanted) for wanted in ids} == {wanted: self._first(wanted) for wanted in ids}

    @invariant()
    def the_exact_bytes_are_read(self) -> None:
        rows = [(sequence, entry.data) for sequence, entry in self._stored.items()]
        assert self._store.read(range(1, self._next)) == rows
        assert self._store.damaged == frozenset()

    @invariant()
    def statements_are_found_by_address(self) -> None:
        for wanted in [ADDRESSES, ADDRESSES[:1], ADDRESSES[1:3], ["urn:byway:topic:open:nothing"]]:
            sequences = [sequence for sequence, entry in self._stored.items() if entry.address in set(wanted) - {""}]
            after = self._next // 2
            assert self._store.sequences(wanted, 0, self._next) == sequences
            assert self._store.sequences(wanted, after, 3) == [number for number in sequences if number > after][:3]
        assert set(self._store.addresses()) == {entry.address for entry in self._stored.values()} - {""}

    @invariant()
    def a_stored_statement_has_its_commit(self) -> None:
        for held in self._commits.values():
            for sequence in range(held.first, held.first + held.count):
                if sequence in self._stored:
                    assert self._store.commit_of(sequence) == held

    @invariant()
    def kinds_are_those_that_had_not_expired_at_the_start(self) -> None:
        assert list(self._store.kinds(REMEMBERED)) == [
            (sequence, entry.data)
            for sequence, entry in self._stored.items()
            if entry.kind in REMEMBERED and entry.expires > self._opened_at
        ]

    def _open(self) -> Recovered:
        store = open_store(self._folder, node_key=NODE_KEY, random=bytes, reserve_bytes=0)
        self._store: Store = self._opened.enter_context(closing(store))
        self._opened_at = self._now
        return self._store.recover(self._now)

    def _first(self, wanted: bytes) -> int | None:
        return min((sequence for sequence, entry in self._stored.items() if entry.id == wanted), default=None)

    def _move(self, move: CursorMove) -> None:
        row = self._subscriptions.get(move.sub)
        if row and row.epoch == move.epoch and row.through <= move.through:
            self._subscriptions[move.sub] = row._replace(through=move.through, also=move.also)


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestStoreMachine = pytest.mark.slow(TestStoreMachine)
