"""What a stamp buys, where, and how often."""

from __future__ import annotations

import pytest
from nacl.signing import SigningKey

from byway.protocol.stamp import Stamp, mint
from byway.protocol.statement import Kind, Statement, make_statement
from byway.router import stamp_check
from byway.router.difficulty import BASE_BITS, FALL_EVERY_S, LEEWAY_BITS
from byway.router.stamp_check import MOST_WAITING, Item, StampCheck

NODE, OTHER_NODE = bytes([1]) * 32, bytes([2]) * 32
KEY = SigningKey(bytes(32))
PLENTY = 1 << 20


def statement(number: int) -> Statement:
    return make_statement(KEY, Kind.DECLINE, {"n": number}, created=1, expires=2)


def stamped(number: int, *, bits: int = BASE_BITS, node: bytes = NODE, start: int = 0) -> Item:
    made = statement(number)
    return made.data, mint(node, made.id, bits, start=start, tries=PLENTY)


def asking(statements_per_s: float = 10.0) -> StampCheck:
    """A check that asks everybody for the base since time 0."""
    check = StampCheck(NODE, statements_per_s=statements_per_s)
    check.waiting(MOST_WAITING + 1, 0)
    return check


def test_what_brings_enough_work_is_paid_and_nothing_else() -> None:
    weak = Stamp(1, bytes(8))  # worth nothing beside these, as the tests below would show if it were
    items = [
        stamped(1),
        (statement(2).data, None),
        (statement(3).data, weak),
        stamped(4, node=OTHER_NODE),
        (statement(5).data, stamped(6)[1]),
        (statement(7).data, Stamp(2, b"token")),
        (b"no statement", weak),
        stamped(8),
    ]
    assert asking().paid(items, "x", 0) == {0, 7}


def test_while_nothing_is_asked_a_stamp_buys_nothing_and_is_not_spent() -> None:
    check = StampCheck(NODE, statements_per_s=10)
    assert check.paid([stamped(1)], "x", 0) == frozenset()
    check.waiting(MOST_WAITING + 1, 0)
    assert check.paid([stamped(1)], "x", 0) == {0}


def test_a_little_less_than_is_asked_is_taken_because_more_may_be_asked_meanwhile() -> None:
    check = asking()
    for second in range(LEEWAY_BITS + 1):
        check.waiting(MOST_WAITING + 1, second)
    assert check.bits("x", LEEWAY_BITS) == BASE_BITS + LEEWAY_BITS
    assert check.paid([stamped(1)], "x", LEEWAY_BITS) == {0}
    weak = next(item for item in (stamped(n, bits=0) for n in range(9)) if item[1])
    assert check.paid([weak], "x", LEEWAY_BITS) == frozenset()


def test_a_stamp_is_spent_once_and_another_nonce_is_another_stamp() -> None:
    check = asking()
    first = stamped(1)
    assert isinstance(first[1], Stamp)
    second = stamped(1, start=int.from_bytes(first[1].value, "big") + 1)
    assert check.paid([first, first, second], "x", 0) == {0, 2}
    assert check.paid([first, second], "y", 0) == frozenset()


def test_what_is_remembered_of_spent_stamps_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamp_check, "REMEMBERED", 2)
    check = asking()
    items = [stamped(number) for number in range(5)]
    for item in items:
        assert check.paid([item], "x", 0) == {0}
        assert len(check._spent) + len(check._spent_before) <= 4
    assert check.paid(items[3:], "x", 0) == frozenset()


def test_stamps_of_one_prefix_share_what_it_may_and_others_do_not_pay_for_them() -> None:
    check = asking(statements_per_s=1)
    assert check.paid([stamped(number) for number in range(4)], "x", 0) == {0, 1}
    assert check.bits("x", 0) == BASE_BITS
    assert check.paid([stamped(9)], "y", 0) == {0}
    assert check.paid([stamped(2)], "x", 1.1) == {0}  # it was not spent while it bought nothing


def test_a_prefix_that_hands_in_too_much_is_asked_and_others_are_not() -> None:
    check = StampCheck(NODE, statements_per_s=10)
    check.refused("x", 0)
    assert (check.bits("x", 0), check.bits("y", 0)) == (BASE_BITS, 0)
    assert check.bits("x", FALL_EVERY_S) == 0


def test_few_that_wait_are_no_reason_to_ask() -> None:
    check = StampCheck(NODE, statements_per_s=10)
    check.waiting(MOST_WAITING, 0)
    assert check.bits("x", 0) == 0


def test_prefixes_that_are_asked_for_nothing_any_more_are_forgotten() -> None:
    check = StampCheck(NODE, statements_per_s=10)
    for number in range(3000):
        check.refused(str(number), number * FALL_EVERY_S / 100)
    assert len(check._prefixes) <= 1024
