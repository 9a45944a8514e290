"""A node in disorder says twice what may come twice, and lets only what belongs to different things overtake."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from byway.protocol.frames import Accepted, Acked, Credit, Deliver, Ended, Entry, Frame, Refusal, Stamps
from tests.simulation.coverage import DUPLICATE, REORDER
from tests.simulation.disorder import Disorder, UnrulyLink, reordered, subject_of
from tests.simulation.states import IDLE, States

REFUSALS = (Refusal("busy", "wait", 1),)


class _Heard:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    async def send_many(self, frames: Sequence[Frame]) -> None:
        self.frames += frames


async def said(kind: str, *writes: Sequence[Frame]) -> tuple[list[Frame], int]:
    """What is heard of these writes, and how often the disorder struck."""
    heard, strikes = _Heard(), list[None]()
    random = Random("disorder")  # noqa: S311 - a simulation
    disorder = Disorder(kind, IDLE, random, lambda: strikes.append(None))
    link = UnrulyLink(cast("Any", heard), cast("Any", SimpleNamespace(states=States(), disorder=disorder)))
    for frames in writes:
        await link.send_many(frames)
    return heard.frames, len(strikes)


def delivered(sequence: int, sub: str = "all") -> Deliver:
    return Deliver(sub, 1, 0, sequence, (Entry(sequence, b"statement"),))


async def test_deliveries_and_acked_come_twice_and_what_answers_a_request_does_not() -> None:
    frames: list[Frame] = []
    for number in range(1, 60):
        frames += [delivered(number), Acked("all", 1, 0, number), Accepted(number, (), REFUSALS)]

    heard, strikes = await said(DUPLICATE, *([frame] for frame in frames))

    assert list(dict.fromkeys(heard)) == frames
    assert {type(each) for each in heard if heard.count(each) == 2} == {Deliver, Acked}
    assert strikes >= 30


async def test_a_delivery_comes_again_after_a_later_one_but_not_after_it_is_acked() -> None:
    heard, _ = await said(DUPLICATE, *([delivered(number)] for number in range(1, 60)), [Acked("all", 1, 0, 60)])

    sequences = [each.through for each in heard if isinstance(each, Deliver)]
    assert sequences != sorted(sequences)
    acked = next(place for place, each in enumerate(heard) if isinstance(each, Acked))
    assert not [each for each in heard[acked:] if isinstance(each, Deliver)]


async def test_nothing_of_an_epoch_comes_after_its_end() -> None:
    end = Ended("all", "ended", "by its owner")
    for number in range(1, 30):
        heard, _ = await said(DUPLICATE, *([delivered(each)] for each in range(1, number)), [end], [Stamps(0)])
        assert heard[-2:] == [end, Stamps(0)]


async def test_what_is_about_one_thing_keeps_its_order_and_another_overtakes_it() -> None:
    frames = [*(delivered(1 + number // 2, "ab"[number % 2]) for number in range(8)), Accepted(1, (), REFUSALS)]

    heard, strikes = await said(REORDER, frames)

    assert strikes == 1
    assert heard != frames
    for subject in {subject_of(frame) for frame in frames}:
        assert [each for each in heard if subject_of(each) == subject] == [
            each for each in frames if subject_of(each) == subject
        ]


@pytest.mark.parametrize("seed", range(10))
def test_nothing_overtakes_stamps_and_credit(seed: int) -> None:
    first = [Accepted(number, (), REFUSALS) for number in range(3)]
    second = [Accepted(number, (), REFUSALS) for number in range(3, 6)]

    heard = reordered([Credit(None, 1), *first, Stamps(9), *second], Random(seed))  # noqa: S311 - a simulation

    assert heard[0] == Credit(None, 1)
    assert heard[4] == Stamps(9)
    assert set(heard[1:4]) == set(first)
    assert heard[1:4] != first
    assert set(heard[5:]) == set(second)


async def test_one_subject_alone_is_not_in_disorder_and_nothing_strikes() -> None:
    frames = [delivered(number) for number in range(1, 5)]

    assert await said(REORDER, frames) == (frames, 0)
