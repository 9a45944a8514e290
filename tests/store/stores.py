"""Stores to test with: opened and recovered, and told to commit without a chain of heads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from byway.store.sqlite.store import SqliteStore, open_store
from byway.store.store import CursorMove, Entry, Store, SubscriptionRow

NODE_KEY = b"n" * 32
SELLER = b"s" * 32


@contextmanager
def open_here(folder: Path, *, vfs: str | None = None, now: int = 0) -> Iterator[SqliteStore]:
    """An open store that has been recovered."""
    with closing(open_store(folder, node_key=NODE_KEY, random=os.urandom, reserve_bytes=0, vfs=vfs)) as store:
        store.recover(now)
        yield store


def commit(store: Store, first: int, entries: Sequence[Entry], moves: Sequence[CursorMove] = ()) -> None:
    """Commit with a head and a frontier that tell which commit they belong to."""
    store.commit(entries, first=first, head=b"head %d" % first, frontier=b"frontier %d" % first, moves=moves)


def subscribe(store: Store, *rows: SubscriptionRow) -> None:
    """Put subscriptions, in a commit of their own."""
    store.commit([], first=0, head=b"", frontier=b"", subscriptions=rows)


def unsubscribe(store: Store, key: bytes, sub: str) -> None:
    """Drop a subscription, in a commit of its own."""
    store.commit([], first=0, head=b"", frontier=b"", dropped=[(key, sub)])


def subscription(sub: str, *, epoch: int = 1, through: int = 0) -> SubscriptionRow:
    """A subscription of SELLER."""
    return SubscriptionRow(SELLER, sub, "open:homes:**", b"\xc0", "all", epoch, through, seen=1_800_000_000_000)
