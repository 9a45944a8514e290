"""A client that says things twice does so with what may be said twice, and in another order."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, cast

from byway.protocol.frames import Ack, Credit, Frame, Resolve, Unsubscribe
from tests.simulation.repeating import RepeatingLink


class _Heard:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    async def send_many(self, frames: Sequence[Frame]) -> None:
        self.frames += frames


async def said_again(*frames: Frame) -> list[Frame]:
    """What is heard of frames that are sent one by one."""
    heard = _Heard()
    link = RepeatingLink(cast("Any", heard), Random("twice"))  # noqa: S311 - a simulation
    for frame in frames:
        await link.send(frame)
    return heard.frames


async def test_acks_credit_and_the_end_are_said_twice_and_nothing_is_left_out() -> None:
    acks = [Ack("all", 1, 0, through, (), ()) for through in range(1, 60)]
    frames: list[Frame] = [*acks, *(Unsubscribe(f"sub {number}") for number in range(60))]

    heard = await said_again(*frames)

    assert list(dict.fromkeys(each for each in heard if not isinstance(each, Credit))) == frames
    assert len({each for each in heard if isinstance(each, Ack) and heard.count(each) == 2}) > 5
    assert len({each for each in heard if isinstance(each, Unsubscribe) and heard.count(each) == 2}) > 2
    assert any(heard.count(each) == 2 for each in heard if isinstance(each, Credit))


async def test_an_ack_comes_again_after_a_later_one() -> None:
    heard = await said_again(*(Ack("all", 1, 0, through, (), ()) for through in range(1, 60)))

    throughs = [each.through for each in heard if isinstance(each, Ack)]
    assert throughs != sorted(throughs)


async def test_what_may_not_be_said_twice_is_not() -> None:
    frames = [Resolve(number, "urn") for number in range(50)]

    assert await said_again(*frames) == frames
