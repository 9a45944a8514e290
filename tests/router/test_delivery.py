"""One subscription's way through the journal: pure, so every order of events can be tried."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from byway.protocol.frames import Entry
from byway.protocol.limits import ACK_TIMEOUT_S, MAX_ALSO
from byway.protocol.topic import TopicPattern
from byway.router.delivery import MAX_PENDING_BYTES, Delivery
from byway.router.memory import Memory, Ready

FAR = 10_000


def ready(sequence: int, size: int = 100, expires: int = FAR) -> Ready:
    return Ready(Entry(sequence, bytes(size)), expires)


def delivery(
    *, cursor: int = 0, credit: int = 1000, also: tuple[int, ...] = (), memory: Memory | None = None
) -> Delivery:
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
        memory=memory or Memory(),
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


def test_nothing_waits_in_memory_for_who_gives_no_credit() -> None:
    memory = Memory()
    one = delivery(credit=0, memory=memory)
    one.push(ready(1))
    assert sequences(one.take(0, 0, 1)) == [1]
    one.push(ready(2))
    assert not one.live
    assert memory.used == 100
    assert not one.wants_page()
    one.ack(1, (), ())
    assert one.wants_page()
    one.page([ready(2)], 2)
    assert sequences(one.take(0, 0, 2)) == [2]


def test_as_much_waits_in_memory_as_there_is_credit_for() -> None:
    one = delivery(credit=200)
    for sequence in range(1, 6):
        one.push(ready(sequence))
        one.take(0, 0, sequence)
    assert (one.looked, one.live) == (4, False)
    one.ack(4, (), ())
    assert sequences(one.take(0, 0, 5)) == [3, 4]


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


def test_a_statement_for_many_takes_memory_once_until_the_last_has_done_with_it() -> None:
    memory = Memory()
    one, two, three = (delivery(memory=memory) for _ in range(3))
    shared = ready(1)
    for each in (one, two, three):
        each.push(shared)
        each.take(0, 0, 1)
    assert memory.used == 100
    one.ack(1, (), ())
    two.end()
    assert memory.used == 100
    three.ack(1, (), ())
    assert memory.used == 0


def test_where_the_memory_is_full_the_disk_keeps_what_comes_and_one_at_a_time_goes_out() -> None:
    memory = Memory(limit=150)
    one, two = (delivery(memory=memory, cursor=0) for _ in range(2))
    one.push(ready(1))
    one.push(ready(2))
    two.push(ready(3))
    assert (one.live, two.live) == (True, False)
    assert two.wants_page()
    assert two.page_bytes == 1
    two.page([ready(3)], 3)
    two.take(0, 0, 3)
    assert not two.wants_page()  # not before this one is acked
    two.ack(3, (), ())
    assert two.wants_page()


@given(st.lists(st.tuples(st.sampled_from(["push", "take", "ack", "also", "strike", "page"]), st.integers(1, 30))))
def test_memory_is_what_is_held_whatever_happens(steps: list[tuple[str, int]]) -> None:
    memory = Memory()
    one = delivery(memory=memory)
    for number, (step, value) in enumerate(steps, 1):
        if step == "push":
            one.push(ready(number, size=value, expires=value))
        elif step == "take":
            one.take(value, 0, number)
        elif step == "ack":
            one.ack(value, (), ())
        elif step == "also":
            one.ack(0, (value,), ())
        elif step == "strike":
            one.strike((b"", b""))
        else:
            one.page([ready(number, size=value)], number)
        assert memory.used == one.held
    one.end()
    assert memory.used == one.held == 0


def test_who_leaves_one_unacked_for_ever_gets_so_many_and_no_more() -> None:
    one = delivery(credit=10**9)
    for sequence in range(1, 3 * MAX_ALSO):
        one.push(ready(sequence, size=1))
        taken = sequences(one.take(0, 0, sequence))
        one.ack(0, [number for number in taken if number > 1], ())
    assert len(one.also) <= MAX_ALSO
    one.ack(1, (), ())
    assert sequences(one.take(0, 0, 3 * MAX_ALSO))
