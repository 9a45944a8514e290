"""The store against its model on a disk that fails: a commit that raised is there afterwards as a whole, or not at all.

What the model is, and all that goes well, is in `tests/store/test_store_model.py`.
"""

from __future__ import annotations

from contextlib import closing, suppress
from random import Random

import apsw
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from byway.errors import StoreError
from byway.store.sqlite.store import open_store
from byway.store.store import CursorMove, Entry, Recovered, StoredCommit, SubscriptionRow
from tests.store.power_loss import Disk, Faults, Image, healthy
from tests.store.stores import NODE_KEY, SELLER, commit, subscription
from tests.store.test_store_model import SUBS, StoreMachine
from tests.strategies.entries import entries

FEW = st.lists(entries, min_size=1, max_size=3)


class FailingStoreMachine(StoreMachine):
    """Commits, sweeps and changes of subscriptions fail in between, and the process or the power ends with them."""

    @initialize()
    def plug_in(self) -> None:
        if not hasattr(self, "_disk"):
            self._disk = Disk()

    @rule(
        batch=FEW,
        sub=SUBS,
        through=st.integers(0, 40),
        operation=st.sampled_from(["write", "sync"]),
        number=st.integers(1, 4),
        stays=st.booleans(),
        start=st.none() | st.integers(1, 12),
        seed=st.none() | st.integers(0, 2**16),
    )
    def fail_a_commit(  # noqa: PLR0917 - hypothesis passes them by name
        self,
        batch: list[Entry],
        sub: str,
        through: int,
        operation: str,
        number: int,
        stays: bool,
        start: int | None,
        seed: int | None,
    ) -> None:
        """The n-th operation of a commit fails; what it was to write is there after a restart, or none of it is.

        An operation of the first start may fail as well.
        """
        move = CursorMove(SELLER, sub, 1, 0, through, (through + 3,))
        row = subscription("late", through=through)
        self._disk.before = Faults(number, (operation,), stays=stays)
        try:
            self._store.commit(
                batch, first=self._next, head=b"head %d" % self._next, frontier=b"frontier %d" % self._next,
                moves=[move], subscriptions=[row],
            )  # fmt: skip
        except StoreError:
            self._disk.before = healthy  # as it seems; the store goes on refusing
            with pytest.raises(StoreError) as again:
                commit(self._store, self._next, batch)
            assert again.value.code == "store-failed"
            self.the_exact_bytes_are_read()
            if self._begin_again(seed, start).next_sequence == self._next:
                return
        self._disk.before = healthy
        self._holds(batch, move, row)

    @rule(batch=FEW, stays=st.booleans(), number=st.integers(1, 3))
    def find_no_room(self, batch: list[Entry], stays: bool, number: int) -> None:
        """A full disk refuses the commit, and takes the next one when there is room."""
        self._disk.before = Faults(number, ("write",), stays=stays, error=apsw.FullError)
        refused = ""
        try:
            commit(self._store, self._next, batch)
            self._holds(batch)
        except StoreError as error:
            refused = error.code
        assert refused in {"", "store-full"}
        self._disk.before = healthy

    @rule(seed=st.none() | st.integers(0, 2**16))
    def end_at_once(self, seed: int | None) -> None:
        """The process is killed, or with a seed the power cut, between two calls: nothing is missing."""
        assert self._begin_again(seed).next_sequence == self._next

    def _begin_again(self, seed: int | None, start: int | None = None) -> Recovered:
        """Open what a dead process has left, or a cut of the power; a `start` before it ends at that operation."""
        self._inherit()
        if start is not None:
            self._disk.before = Faults(start, stays=True)
            with suppress(StoreError):
                self._open()
            self._inherit()
        if seed is not None:
            random = Random(seed)  # noqa: S311 - a failing example has to fail again
            for name, image in self._disk.images.items():
                self._disk.images[name] = _found(image.after_cut(random))
        return self._open()

    def _inherit(self) -> None:
        """Have the disk as the process leaves it that dies now."""
        heir = self._disk.after_death()
        with suppress(StoreError):
            self._opened.close()
        self._disk.unregister()
        self._disk = heir

    def _open(self) -> Recovered:
        self.plug_in()
        store = open_store(self._folder, node_key=NODE_KEY, random=bytes, reserve_bytes=0, vfs=self._disk.name)
        self._store = self._opened.enter_context(closing(store))
        self._opened_at = self._now
        return self._store.recover(self._now)

    def _holds(self, batch: list[Entry], move: CursorMove | None = None, row: SubscriptionRow | None = None) -> None:
        held = StoredCommit(
            len(self._commits) + 1, self._next, len(batch), b"head %d" % self._next, tuple(entry.id for entry in batch)
        )
        self._commits[self._next] = held
        self._stored.update(enumerate(batch, self._next))
        self._ever.update(enumerate(batch, self._next))
        self._next += len(batch)
        if row is not None:
            before = self._subscriptions.get(row.sub)
            self._subscriptions[row.sub] = row._replace(acknowledgement=before.acknowledgement if before else None)
        if move is not None:
            self._move(move)

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "_disk"):
            self._disk.unregister()


def _found(data: bytes) -> Image:
    image = Image()
    image.current, image.durable = bytearray(data), bytearray(data)
    return image


TestFailingStore = FailingStoreMachine.TestCase
TestFailingStore.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
