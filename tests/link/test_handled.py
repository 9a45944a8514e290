"""What is handled of a journal, in whatever order it is handled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from byway.link.handled import MAX_SIGNED_REFUSALS, Handled, Range
from byway.protocol.frames import Entry

ID = b"i" * 32


def entries(*sequences: int) -> list[Entry]:
    return [Entry(sequence, b"s") for sequence in sequences]


@given(
    st.sets(st.integers(6, 60), max_size=20).flatmap(lambda found: st.permutations(sorted(found))),
    st.integers(60, 70),
    st.sets(st.integers(0, 20)),
)
def test_every_order_comes_to_the_same_and_ranges_join(order: list[int], through: int, signs: set[int]) -> None:
    handled = Handled(5)
    ranges: list[Range] = []

    def sign() -> None:
        if found := handled.range():
            ranges.append(found)
            handled.signed(found.through)

    assert handled.deliver(through, entries(*sorted(order))) == entries(*sorted(order))
    for step, sequence in enumerate(order):
        handled.handle(sequence, ID, "expired" if sequence % 3 == 0 else "")
        left = set(order[step + 1 :])
        assert handled.through == (min(left) - 1 if left else through)
        assert handled.also == tuple(sorted(done for done in order[: step + 1] if done > handled.through))
        if step in signs:
            sign()
    sign()

    assert handled.range() is None
    assert [part for found in ranges for part in found.delivered] == [(sequence, ID) for sequence in sorted(order)]
    assert [part for found in ranges for part in found.refused] == [
        (sequence, "expired") for sequence in sorted(order) if sequence % 3 == 0
    ]
    joints = [5] + [found.through for found in ranges]
    assert [found.after for found in ranges] == joints[:-1]
    assert joints[-1] == (through if order else 5)


def test_what_comes_again_is_not_new() -> None:
    handled = Handled(0)
    handled.deliver(9, entries(1, 4, 7))
    handled.handle(4, ID)
    assert handled.deliver(9, entries(1, 4, 7, 8)) == entries(8)
    handled.handle(4, ID)
    handled.handle(1, ID)
    assert (handled.through, handled.also) == (6, ())
    assert handled.deliver(6, entries(1, 4)) == []


def test_a_refusal_is_told_once() -> None:
    handled = Handled(0)
    handled.deliver(2, entries(1, 2))
    handled.handle(2, ID, "expired")
    assert handled.take_refused() == ((2, "expired"),)
    assert handled.take_refused() == ()


def test_progress_alone_is_not_signed_for() -> None:
    handled = Handled(0)
    handled.deliver(50, [])
    assert handled.through == 50
    assert handled.range() is None


def test_more_refusals_than_an_acknowledgement_holds_are_signed_for_in_turn() -> None:
    handled = Handled(0)
    many = MAX_SIGNED_REFUSALS + 5
    handled.deliver(many, entries(*range(1, many + 1)))
    for sequence in range(1, many + 1):
        handled.handle(sequence, ID, "expired")
    first = handled.range()
    assert first is not None
    assert (first.through, len(first.delivered), len(first.refused)) == (MAX_SIGNED_REFUSALS,) * 3
    handled.signed(first.through)
    second = handled.range()
    assert second is not None
    assert (second.after, second.through, len(second.refused)) == (MAX_SIGNED_REFUSALS, many, 5)
