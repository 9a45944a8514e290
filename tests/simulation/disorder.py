"""A node's links that say things twice, and some sooner than others that were said before.

Bytes of one link keep their order, and come once.  What comes twice, or overtakes, are frames:

- A Deliver and an Acked may come again (wire-protocol section 8.5), at once or after what came later; but a Deliver
  not after the Acked for it, and neither after the Subscribed or Ended with which its epoch is over.
- Accepted, Subscribed, Ended, Answer and Refused answer one request each: the connection table takes a second one for
  `unexpected-frame`.  Publishers hand in again, and get the same receipts for the same statements.
- Frames of different subscriptions and batches may overtake each other; those of one keep their order, and Credit and
  Stamps stay where they are, since Stamps has to come before the next Accepted (section 8.8).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any, Final

import trio

from byway.link.link import Link
from byway.protocol.frames import Accepted, Acked, Deliver, Ended, Frame, Submit, Subscribed
from tests.simulation.coverage import DUPLICATE, REORDER
from tests.simulation.states import IDLE, SWEEPING

if TYPE_CHECKING:
    from tests.simulation.machine import Machine

LATE_S: Final = 0.25  # so long what is said waits for a state, while more comes together
LATE_FOR_SWEEP_S: Final = 0.7  # what is said waits for less than a second, or it might expire meanwhile
AGAIN: Final = 0.7  # of all that may come twice
LATER: Final = 0.4  # of that

Subject = tuple[str, int | str]


@dataclass(frozen=True, slots=True)
class Disorder:
    """What is done to all that a node says, and in which state; `strikes` is told when it happens."""

    kind: str
    state: str
    random: Random
    strikes: Callable[[], None]


class UnrulyLink:
    """Everything is the link's, except that its machine may be in disorder."""

    def __init__(self, link: Link, machine: Machine) -> None:
        self._link = link
        self._machine = machine
        self._later: dict[Subject, list[Frame]] = {}
        self._later_until = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    async def receive(self) -> list[Frame]:
        frames = await self._link.receive()
        if self._machine.submits_wait_for and any(isinstance(frame, Submit) for frame in frames):
            await self._machine.states.reach(self._machine.submits_wait_for, within_s=LATE_FOR_SWEEP_S)
        return frames

    async def send_many(self, frames: Sequence[Frame]) -> None:
        disorder = self._machine.disorder
        kinds = Acked | Accepted if disorder and disorder.state == IDLE else Deliver | Acked | Accepted
        if disorder and any(isinstance(frame, kinds) for frame in frames):
            states, within_s = self._machine.states, LATE_FOR_SWEEP_S if disorder.state == SWEEPING else LATE_S
            await states.reach(disorder.state, within_s=within_s)
        said = self._with_later(frames)
        if disorder and disorder.kind == REORDER:
            said = reordered(said, disorder.random)
        elif disorder and disorder.kind == DUPLICATE:
            said = self._doubled(said, disorder.random)
        if disorder and said != list(frames):
            disorder.strikes()
        await self._link.send_many(said)

    def _with_later(self, frames: Sequence[Frame]) -> list[Frame]:
        """What is to come again comes soon, before the Acked for it, and not at all in another epoch."""
        if trio.current_time() > self._later_until:
            self._later.clear()
        said: list[Frame] = []
        for frame in frames:
            subject = subject_of(frame)
            if isinstance(frame, Subscribed | Ended):
                self._later.pop(("sub", frame.sub), None)
            elif isinstance(frame, Acked) and subject is not None:
                said += self._later.pop(subject, [])
            said.append(frame)
        for again in self._later.values():
            said += again
        self._later.clear()
        return said

    def _doubled(self, frames: Sequence[Frame], random: Random) -> list[Frame]:
        said: list[Frame] = []
        for number, frame in enumerate(frames):
            said.append(frame)
            subject = subject_of(frame)
            if not isinstance(frame, Deliver | Acked) or subject is None or random.random() >= AGAIN:
                continue
            is_last = all(subject_of(each) != subject for each in frames[number + 1 :])
            if is_last and random.random() < LATER:
                self._later.setdefault(subject, []).append(frame)
                self._later_until = trio.current_time() + LATE_S
            else:
                said.append(frame)
        return said


def subject_of(frame: Frame) -> Subject | None:
    """What a frame that may be overtaken is about; None if it stays where it is."""
    match frame:
        case Accepted(batch=batch):
            return "batch", batch
        case Deliver(sub=sub) | Acked(sub=sub) | Subscribed(sub=sub) | Ended(sub=sub):
            return "sub", sub
    return None


def reordered(frames: Sequence[Frame], random: Random) -> list[Frame]:
    """The same frames, those of one subject in their order, and none past one that stays where it is."""
    said: list[Frame] = []
    stays = [-1, *(place for place, frame in enumerate(frames) if subject_of(frame) is None), len(frames)]
    for before, after in pairwise(stays):
        waiting: dict[Subject, list[Frame]] = {}
        for frame in frames[before + 1 : after]:
            subject = subject_of(frame)
            assert subject is not None
            waiting.setdefault(subject, []).append(frame)
        lines = list(waiting.values())
        if len(lines) > 1:
            lines.append(lines.pop(0))  # what was first is so no more
        while lines:
            line = lines[0] if len(said) == before + 1 else random.choice(lines)
            said.append(line.pop(0))
            if not line:
                lines.remove(line)
        said += frames[after : after + 1]
    return said
