"""The directory finds by id and by address, tells ids that look alike apart, and forgets what is swept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.protocol.limits import MINUTE_MS
from byway.protocol.statement import Kind
from byway.store.directory import PREFIX_BYTES, Calendar, Directory
from byway.store.leaves import Leaves
from byway.store.store import Entry

TOPIC = "urn:byway:topic:open:homes"


def leaves(*ids: bytes, address: str = TOPIC, expires: int = MINUTE_MS) -> Leaves:
    return Leaves.of([Entry(b"", statement_id, Kind.CAST, address, expires) for statement_id in ids])


def alike(number: int) -> bytes:
    return bytes(PREFIX_BYTES) + number.to_bytes(32 - PREFIX_BYTES, "big")


def test_ids_with_the_same_beginning_are_all_kept() -> None:
    directory = Directory()
    commit = leaves(alike(1), b"x" * 32, alike(2))

    directory.add(1, commit, range(3))
    directory.add(4, leaves(alike(3)), range(1))

    assert directory.candidates(alike(9)) == [1, 3, 4]
    assert directory.candidates(b"x" * 32) == [2]
    assert not directory.candidates(b"y" * 32)
    directory.remove(1, commit, [0])
    assert directory.candidates(alike(9)) == [3, 4]
    directory.remove(1, commit, [2])
    assert directory.candidates(alike(9)) == [4]


def test_a_directory_that_everything_has_left_is_empty() -> None:
    directory = Directory()
    commits = {1 + 10 * number: leaves(*(bytes([number, place]) * 16 for place in range(10))) for number in range(50)}
    for first, commit in commits.items():
        directory.add(first, commit, range(10))

    for first, commit in reversed(commits.items()):
        directory.remove(first, commit, range(10))

    assert not directory.addresses()
    assert not any((directory._sequences, directory._further, directory._postings, directory._gone))


@given(st.lists(st.sampled_from("abc"), max_size=60), st.data())
def test_sequences_are_those_added_and_not_removed(places: list[str], data: st.DataObject) -> None:
    directory = Directory()
    commit = Leaves.of([Entry(b"", bytes([place]) * 32, 1, address, 1) for place, address in enumerate(places)])
    directory.add(1, commit, range(len(places)))
    gone = data.draw(st.sets(st.integers(0, len(places) - 1)) if places else st.just(set()))
    wanted = data.draw(st.sets(st.sampled_from("abcd")))
    after, limit = data.draw(st.integers(0, 70)), data.draw(st.integers(0, 70))

    directory.remove(1, commit, gone)

    left = [(place + 1, address) for place, address in enumerate(places) if place not in gone]
    assert (
        directory.sequences(wanted, after, limit)
        == [sequence for sequence, address in left if address in wanted and sequence > after][:limit]
    )
    assert set(directory.addresses()) == {address for _, address in left}


def test_a_statement_for_nobody_is_found_by_id_alone() -> None:
    directory = Directory()
    directory.add(1, leaves(b"x" * 32, address=""), range(1))

    assert directory.candidates(b"x" * 32) == [1]
    assert not directory.addresses()


@given(st.lists(st.integers(0, 10 * MINUTE_MS), max_size=30), st.integers(0, 11 * MINUTE_MS))
def test_a_commit_is_due_once_and_at_most_a_minute_late(expiries: list[int], now: int) -> None:
    calendar = Calendar()
    for first, expires in enumerate(expiries):
        calendar.put(first, expires)

    taken = list(iter(lambda: calendar.take(now), None))

    assert len(set(taken)) == len(taken)
    assert {first for first, expires in enumerate(expiries) if expires <= now - MINUTE_MS} <= set(taken)
    assert set(taken) <= {first for first, expires in enumerate(expiries) if expires <= now}
    rest = list(iter(lambda: calendar.take(20 * MINUTE_MS), None))
    assert sorted(taken + rest) == list(range(len(expiries)))


@pytest.mark.parametrize("now", [MINUTE_MS, 2 * MINUTE_MS])
def test_a_commit_that_is_put_back_is_due_again(now: int) -> None:
    calendar = Calendar()
    calendar.put(1, MINUTE_MS)
    assert calendar.take(now) == 1

    calendar.put(1, now)

    assert calendar.take(now) == 1
    assert calendar.take(now) is None
