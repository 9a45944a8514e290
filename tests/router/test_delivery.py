"""One subscription's way through the journal: pure, so every order of events can be tried."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from byway.protocol.frames import Entry
from byway.protocol.limits import ACK_TIMEOUT_S
from byway.protocol.topic import TopicPattern
from byway.router.delivery import MAX_PENDING_BYTES, Delivery, Ready

FAR = 10_000


def ready(sequence: int, size: int = 100, expires: int = FAR) -> Ready:
    return Ready(Entry(sequence, bytes(size)), size, expires)


def delivery(*, cursor: int = 0, credit: int = 1000, also: tuple[int, ...] = ()) -> Delivery:
    made = Delivery(
        key=bytes(32),
        sub="s",
        epoch=1,
        pattern=TopicPattern.parse("open:**"),
        mailbox=None,
        filter=None,
        cursor=cursor,
        also=also,
        credit=credit,
    )
    made.live = True
    return made


def sequences(taken: tuple[list[Entry], int] | None) -> list[int]:
    return [entry.sequence for entry in taken[0]] if taken else []


def test_credit_bounds_what_is_in_flight() -> None:
    one = delivery(credit=250)
    for sequence in (1, 2, 3):
        one.push(ready(sequence))
    assert sequences(one.take(0, 0, 3)) == [1, 2]
    assert one.take(0, 0, 3) is None
    one.ack(1, (), ())
    assert sequences(one.take(0, 0, 3)) == [3]


def test_one_statement_is_always_allowed() -> None:
    one = delivery(credit=10)
    one.push(ready(1))
    one.push(ready(2))
    assert sequences(one.take(0, 0, 2)) == [1]
    assert one.take(0, 0, 2) is None


def test_what_has_expired_is_not_handed_over() -> None:
    one = delivery()
    one.push(ready(1, expires=50))
    one.push(ready(2))
    assert sequences(one.take(50, 0, 2)) == [2]


def test_what_is_not_acked_is_sent_again_but_never_after_it_expired() -> None:
    one = delivery()
    one.push(ready(1, expires=50))
    one.push(ready(2))
    one.take(0, 0.0, 2)
    assert one.take_late(0, ACK_TIMEOUT_S - 1) == []
    assert [entry.sequence for entry in one.take_late(60, ACK_TIMEOUT_S)] == [2]
    assert one.take_late(60, ACK_TIMEOUT_S + 1) == []


def test_the_cursor_moves_past_what_did_not_match() -> None:
    one = delivery()
    one.push(ready(5))
    assert one.take(0, 0, 9) is not None
    assert one.sent_through == 9
    one.ack(9, (), ())
    assert one.cursor == 9


def test_an_ack_above_a_gap_is_remembered_until_the_gap_is_acked() -> None:
    one = delivery()
    for sequence in (1, 2, 3):
        one.push(ready(sequence))
    one.take(0, 0, 3)
    one.ack(0, (2,), (3,))
    assert (one.cursor, one.also) == (0, (2, 3))
    one.ack(1, (), ())
    assert (one.cursor, one.also) == (3, ())


def test_what_was_acked_above_the_cursor_is_not_paged_again() -> None:
    one = delivery(also=(2,))
    one.live = False
    one.page([ready(1), ready(2), ready(3)], 3)
    assert sequences(one.take(0, 0, 3)) == [1, 3]


def test_a_slow_subscriber_falls_back_to_the_disk_and_misses_nothing() -> None:
    one = delivery(credit=1)
    size = MAX_PENDING_BYTES // 4
    for sequence in range(1, 7):
        if one.live:
            one.push(ready(sequence, size))
    assert not one.live
    assert one.looked == 4
    assert not one.wants_page()  # what is pending comes first


def test_a_commit_that_a_page_brought_too_is_not_sent_twice() -> None:
    one = delivery()
    one.page([ready(1)], 1)
    one.push(ready(1))
    assert sequences(one.take(0, 0, 1)) == [1]
    assert one.take(0, 0, 1) is None


@given(
    st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=30),
    st.data(),
)
def test_everything_pushed_is_sent_once_and_the_cursor_never_passes_what_is_not_acked(
    steps: list[tuple[int, bool]], data: st.DataObject
) -> None:
    one = delivery(credit=500)
    tip = 0
    sent: list[int] = []
    pushed: list[int] = []
    acked: set[int] = set()
    for step, matches in steps:
        tip += step
        if matches:
            one.push(ready(tip))
        sent += sequences(one.take(0, 0, tip))
        waiting = [sequence for sequence in sent if sequence not in acked]
        chosen = data.draw(st.sets(st.sampled_from(waiting))) if waiting else set()
        one.ack(0, sorted(chosen), ())
        acked |= chosen
        unacked = [sequence for sequence in sent if sequence not in acked]
        assert not unacked or one.cursor < min(unacked)
        assert set(one.also) <= acked
        pushed += [tip] * matches
    while sent[-1:] != pushed[-1:]:
        one.ack(tip, (), ())
        sent += sequences(one.take(0, 0, tip))
    assert sent == pushed
