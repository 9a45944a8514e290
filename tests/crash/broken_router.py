"""A router with bugs, to prove that the crash test would see them.

`BUGS="..." python -m tests.crash.broken_router run FILE`; each function here plants one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from byway.cli.app import main
from byway.protocol.frames import Entry as Delivered
from byway.router.delivery import Delivery
from byway.router.memory import Ready
from byway.store.sqlite.store import SqliteStore
from byway.store.store import Entry


def receipt_before_commit() -> None:
    """Statements are written when the next ones come, and their receipts have gone by then."""
    commit = SqliteStore.commit
    late: list[Callable[[], None]] = []

    def commit_later(store: SqliteStore, entries: Sequence[Entry], **more: Any) -> None:
        if not entries:
            commit(store, entries, **more)
            return
        while late:
            late.pop()()
        late.append(lambda: commit(store, entries, **more))

    SqliteStore.commit = commit_later  # type: ignore[method-assign, assignment]  # that is the bug


def cursor_before_ack() -> None:
    """An ack of anything moves the cursor past everything that is on its way."""
    ack = Delivery.ack

    def ack_all(delivery: Delivery, through: int, also: Iterable[int], refused: Iterable[int]) -> bool:
        return ack(delivery, max(through, delivery.sent_through), also, refused)

    Delivery.ack = ack_all  # type: ignore[method-assign, assignment]  # that is the bug


def delivery_after_expiry() -> None:
    """What has expired is handed over all the same."""
    take = Delivery.take

    def take_anything(delivery: Delivery, now_ms: int, now: float, looked: int) -> tuple[list[Delivered], int] | None:
        del now_ms
        return take(delivery, 0, now, looked)

    Delivery.take = take_anything  # type: ignore[method-assign, assignment]  # that is the bug


def forgotten_delivery() -> None:
    """One push in twenty is forgotten."""
    push = Delivery.push

    def push_most(delivery: Delivery, ready: Ready) -> None:
        if ready.entry.sequence % 20:
            push(delivery, ready)

    Delivery.push = push_most  # type: ignore[method-assign, assignment]  # that is the bug


def repeats_forgotten() -> None:
    """What is stored already is stored again when it is handed in again."""
    SqliteStore.find = lambda _store, _wanted: None  # type: ignore[method-assign, assignment]  # that is the bug


BUGS: Final = {
    plant.__name__: plant
    for plant in (
        receipt_before_commit,
        cursor_before_ack,
        delivery_after_expiry,
        forgotten_delivery,
        repeats_forgotten,
    )
}

if __name__ == "__main__":
    for name in os.environ["BUGS"].split():
        BUGS[name]()
    main()
