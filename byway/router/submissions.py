"""What one link hands in: answered in order, and heard more seldom while it is refused for being too fast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import trio

from byway.errors import Refused
from byway.protocol.frames import Accepted, Frame, Proof, Refusal, Stamps, Submit
from byway.protocol.receipt import Receipt
from byway.router.router import Router
from byway.router.shares import Owner
from byway.router.writer import MAX_ENTRIES

BUSY_EACH_S: Final = 0.02  # for each statement refused as `busy`: to refuse without end must not be work without end
BUSY_AT_MOST_S: Final = 4.0  # well within the time in which a Ping has to be answered


class Submissions:
    """The statements of one link on their way in.  `post` is given what to tell it."""

    def __init__(self, router: Router, owner: Owner, post: Callable[[Frame], None]) -> None:
        self.owner = owner
        self.gone = False  # the link is over, and waits for no answer
        self.bad_signatures = 0  # so far
        self.heard_again_at = 0.0  # in trio's time: what comes sooner has to wait
        self._router = router
        self._post = post
        self._stamp_bits = 0  # as the other end was told

    def submit(self, groups: Iterable[Sequence[Submit]]) -> None:
        """Hand in what came together; a group is no larger than a commit, and groups may be answered in any order."""
        for submits in groups:
            self._router.submit(submits, self)

    def answered(self, submits: Sequence[Submit], answers: Sequence[Receipt | Refused]) -> None:
        """Tell the other end the answers to all statements of these Submits, in order."""
        self.ask_for_stamps()
        of_each = iter(answers)
        for submit in submits:
            self._post(_accepted(submit.batch, [next(of_each) for _ in submit.items]))
        if refused := [answer for answer in answers if isinstance(answer, Refused)]:
            self._note(refused, trio.current_time())

    def ask_for_stamps(self) -> None:
        """Say how many bits a stamp needs, where that is not what was said before."""
        if (bits := self._router.stamp_bits(self.owner.prefix)) != self._stamp_bits:
            self._stamp_bits = bits
            self._post(Stamps(bits))

    def _note(self, refused: Sequence[Refused], now: float) -> None:
        codes = [answer.code for answer in refused]
        self._router.refusals.note(codes, self.owner.prefix, now)
        self.bad_signatures += codes.count("bad-signature")
        waits = [answer.retry_after_ms or 0 for answer in refused if answer.code == "busy"]
        if waits:
            self.heard_again_at = now + min(max(waits) / 1000, BUSY_EACH_S * len(waits), BUSY_AT_MOST_S)


def groups_of(frames: Iterable[Frame]) -> list[list[Submit]]:
    """The Submits among these frames, in groups that fit a commit each."""
    groups: list[list[Submit]] = []
    size = 0
    for frame in frames:
        if isinstance(frame, Submit):
            size += len(frame.items)
            if not groups or size > MAX_ENTRIES:
                groups.append([])
                size = len(frame.items)
            groups[-1].append(frame)
    return groups


def _accepted(batch: int, answers: Sequence[Receipt | Refused]) -> Accepted:
    """Name each head once, however many receipts build on it."""
    heads: dict[bytes, int] = {}
    shown: list[Proof | Refusal] = []
    for answer in answers:
        if isinstance(answer, Receipt):
            position = heads.setdefault(answer.head.data, len(heads))
            shown.append(Proof(position, answer.sequence, answer.path))
        else:
            shown.append(Refusal(answer.code, str(answer), answer.retry_after_ms))
    return Accepted(batch, tuple(heads), tuple(shown))
