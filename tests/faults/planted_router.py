"""A router with a bug, to prove that the checker would see it: `BUG=dedupe_off python -m tests.faults.planted_router`.

Each function here plants one around the real parts.  Without `BUG` there is none, for the run that is compared.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import trio

from byway.cli.app import main
from byway.clock import now_ms
from byway.protocol.frames import Accepted, Ack, Frame
from byway.protocol.frames import Entry as Delivered
from byway.protocol.limits import MINUTE_MS
from byway.protocol.statement import HEADER
from byway.protocol.topic import Topic
from byway.router import verifier
from byway.router.chain import Chain, Plan
from byway.router.delivery import Delivery
from byway.router.index import SubscriptionIndex
from byway.router.memory import Ready
from byway.router.session import Session
from byway.store.sqlite import opening
from byway.store.sqlite.store import SqliteStore
from byway.store.store import Entry
from tests.crash.market import STALE
from tests.faults.power_cut_router import run_on_such_a_disk

BUG: Final = "BUG"
ON_SUCH_A_DISK: Final = "ON_A_DISK_THAT_LOSES_POWER"
ONE_IN: Final = 10_000
ONE_BYTE_IN: Final = 50
ONE_ANSWER_IN: Final = 10
HELD_S: Final = 35.0
OFFERS: Final = b"\xa6offers"  # a key that each cast has; a small integer follows


def put(owner: Any, name: str, part: Any) -> None:
    """Have the real program use this part in the place of its own."""
    setattr(owner, name, part)


def synchronous_normal() -> None:
    """A commit is not flushed before it returns; the power is cut."""
    settings = [(name, 1, 1) if name == "synchronous" else (name, *rest) for name, *rest in opening._SETTINGS]
    put(opening, "_SETTINGS", tuple(settings))


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

    put(SqliteStore, "commit", commit_later)


def one_delivery_in_ten_thousand_dropped() -> None:
    """Whoever is live, or reads a page, does not get it.

    It is one that nobody could call expired, for somebody who does not begin again and get it then.
    """
    append = Delivery._append
    count = 0

    def append_most(delivery: Delivery, ready: Ready) -> None:
        nonlocal count
        count += 1
        if count < ONE_IN or ready.expires < now_ms() + MINUTE_MS or delivery.sub == STALE.sub:
            append(delivery, ready)
        else:
            count = 0

    put(Delivery, "_append", append_most)


def signature_check_skipped() -> None:
    """On one path: where few statements are verified at once on the loop."""
    put(verifier, "is_signed", lambda _data: True)


def dedupe_off() -> None:
    """What is stored already is stored again when it is handed in again."""
    put(SqliteStore, "find", lambda _store, _wanted: None)


def expiry_the_wrong_way() -> None:
    """What has expired is handed over, and what has not is left out."""
    append = Delivery._append

    def append_mirrored(delivery: Delivery, ready: Ready) -> None:
        append(delivery, Ready(ready.entry, 2 * now_ms() - ready.expires, ready.name))

    put(Delivery, "_append", append_mirrored)


def delivery_after_expiry() -> None:
    """Nobody looks at the expiry of what is handed over."""
    take = Delivery.take

    def take_anything(delivery: Delivery, now: int, loop_now: float, looked: int) -> tuple[list[Delivered], int] | None:
        del now
        return take(delivery, 0, loop_now, looked)

    put(Delivery, "take", take_anything)


def stale_ack_accepted() -> None:
    """An ack of an earlier epoch counts as one of this."""
    ack = Session._ack

    def ack_of_any_epoch(session: Session, frame: Ack) -> None:
        delivery = session._deliveries.get(frame.sub)
        epoch = delivery.epoch if delivery else frame.epoch
        ack(session, Ack(frame.sub, epoch, frame.journal, frame.through, frame.also, frame.refused))

    put(Session, "_ack", ack_of_any_epoch)


def cursor_before_ack() -> None:
    """An ack of anything moves the cursor past everything that is on its way."""
    ack = Delivery.ack

    def ack_all(delivery: Delivery, through: int, also: Iterable[int], refused: Iterable[int]) -> None:
        ack(delivery, max(through, delivery.sent_through), also, refused)

    put(Delivery, "ack", ack_all)


def one_byte_re_encoded() -> None:
    """Now and then a cast is handed on that says the same with an integer in a longer form than it needs."""
    append = Delivery._append
    count = 0

    def append_changed(delivery: Delivery, ready: Ready) -> None:
        nonlocal count
        count += 1
        if count % ONE_BYTE_IN == 0 and OFFERS in ready.entry.statement:
            entry = Delivered(ready.entry.sequence, re_encoded(ready.entry.statement))
            ready = Ready(entry, ready.expires, ready.name)
        append(delivery, ready)

    put(Delivery, "_append", append_changed)


def re_encoded(cast: bytes) -> bytes:
    """A cast with one byte more, and the same values."""
    at = cast.index(OFFERS, HEADER.size) + len(OFFERS)
    *fields, length = HEADER.unpack_from(cast)
    return HEADER.pack(*fields, length + 1) + cast[HEADER.size : at] + b"\xcc" + cast[at:]


def filter_ignored() -> None:
    """Whoever is live gets everything on its pattern."""

    def find_any(index: SubscriptionIndex[Any], topic: Topic, facets: object) -> list[Any]:
        del facets
        return index.find_by_topic(topic)

    put(SubscriptionIndex, "find", find_any)


def delivery_held_back() -> None:
    """What could be handed over at once waits for half a minute."""
    append, take, owes_progress = Delivery._append, Delivery.take, Delivery.owes_progress
    due: dict[int, float] = {}  # by sequence

    def append_with_time(delivery: Delivery, ready: Ready) -> None:
        due.setdefault(ready.entry.sequence, trio.current_time() + HELD_S)
        append(delivery, ready)

    def take_due(delivery: Delivery, now: int, loop_now: float, looked: int) -> tuple[list[Delivered], int] | None:
        if delivery._pending and due[delivery._pending[0].entry.sequence] > loop_now:
            return None
        return take(delivery, now, loop_now, looked)

    def wakes(delivery: Delivery, looked: int) -> bool:
        return owes_progress(delivery, looked) or bool(delivery._pending and not delivery.in_flight)

    for name, part in (("_append", append_with_time), ("take", take_due), ("owes_progress", wakes)):
        put(Delivery, name, part)


def answer_forgotten() -> None:
    """Now and then nobody says what became of what was handed in."""
    post = Session.post
    count = 0

    def post_most(session: Session, frame: Frame) -> None:
        nonlocal count
        count += isinstance(frame, Accepted)
        if not isinstance(frame, Accepted) or count % ONE_ANSWER_IN:
            post(session, frame)

    put(Session, "post", post_most)


def tree_without_its_past() -> None:
    """The tree over all commits has no more in it than the last one."""
    take = Chain.take

    def take_forgetting(chain: Chain, plan: Plan) -> None:
        before = chain._frontier
        take(chain, plan)
        chain._frontier = before

    put(Chain, "take", take_forgetting)


BUGS: Final = {
    plant.__name__: plant
    for plant in (
        synchronous_normal,
        receipt_before_commit,
        one_delivery_in_ten_thousand_dropped,
        signature_check_skipped,
        dedupe_off,
        expiry_the_wrong_way,
        delivery_after_expiry,
        stale_ack_accepted,
        cursor_before_ack,
        one_byte_re_encoded,
        filter_ignored,
        delivery_held_back,
        answer_forgotten,
        tree_without_its_past,
    )
}

if __name__ == "__main__":
    if name := os.environ.get(BUG):
        BUGS[name]()
    if ON_SUCH_A_DISK in os.environ:
        run_on_such_a_disk()
    else:
        main()
