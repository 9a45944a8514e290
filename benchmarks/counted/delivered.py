"""From a committed cast to the frames that hand it to its subscribers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.counted.account import Account, Part
from benchmarks.counted.opened import open_connections
from benchmarks.load.prepared import PATTERN
from byway.clock import now_ms
from byway.protocol.frames import Deliver, Entry, Frame, Subscribe, Subscribed
from byway.protocol.limits import SUBMIT_CREDIT
from byway.protocol.urn import KEY_BYTES
from byway.router.chain import JOURNAL
from byway.router.delivery import Delivery
from byway.router.memory import Memory, Ready
from byway.router.policy import Admitted
from byway.router.shares import Owner
from byway.router.subscriptions import Subscriptions

SUBSCRIBERS: Final = 64


def deliver(account: Account, part: Part, admitted: Sequence[Admitted], together: int) -> list[bytes]:
    """All casts to all subscribers, so many `together` in a frame: what is sent."""
    subscriptions, memory = Subscriptions([]), Memory()
    subscribers = [_Subscriber(number, subscriptions, memory) for number in range(SUBSCRIBERS)]
    links = {subscriber.owner.key: subscriber.connection for subscriber in subscribers}
    sent: list[bytes] = []
    now = now_ms()

    def hand_on(sequences: range) -> None:
        for sequence in sequences:
            item = admitted[sequence - 1]
            cast = item.statement
            ready = Ready(Entry(sequence, cast.data), cast.expires, (cast.id, cast.signer))
            linked = subscriptions.matching(item)
            for _, delivery in linked:
                delivery.push(ready)
        for _, delivery in linked:
            if taken := delivery.take(now, 0.0, sequences[-1]):
                entries, through = taken
                frame = Deliver(delivery.sub, delivery.epoch, JOURNAL, through, tuple(entries))
                sent.append(links[delivery.key].send(frame))

    frames = [range(first, first + together) for first in range(1, len(admitted) + 1, together)]
    account.count(part, hand_on, frames, each=together * SUBSCRIBERS)
    if len(sent) != len(frames) * SUBSCRIBERS:
        raise RuntimeError(f"{len(admitted)} casts were delivered in {len(sent)} frames")
    return sent


class _Subscriber:
    """One live subscription on a link of its own; nobody has to wake it."""

    def __init__(self, number: int, subscriptions: Subscriptions, memory: Memory) -> None:
        self.owner = Owner(number.to_bytes(KEY_BYTES, "big"), "")
        request = Subscribe("s", PATTERN, None, "all", "now", SUBMIT_CREDIT)
        opening = subscriptions.opening(request, self.owner.key, 0, now_ms())
        client, self.connection = open_connections()
        self.connection.receive(client.send(request))
        self.connection.send(Subscribed(request.sub, opening.row.epoch, ((JOURNAL, opening.row.through),)))
        delivery = Delivery(
            key=self.owner.key,
            sub=request.sub,
            epoch=opening.row.epoch,
            pattern=opening.pattern,
            mailbox=opening.mailbox,
            filter=opening.filter,
            cursor=opening.row.through,
            also=opening.row.also,
            credit=request.credit,
            memory=memory,
        )
        delivery.live = True
        subscriptions.link(delivery, self)

    def post(self, frame: Frame) -> None:
        raise NotImplementedError

    def wake(self, delivery: Delivery) -> None:
        raise NotImplementedError

    def replaced(self, delivery: Delivery, *, here: bool) -> None:
        raise NotImplementedError
