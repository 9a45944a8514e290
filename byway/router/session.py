"""One link, from the node's side: takes what the other end asks, and sends what is ready.

A session has one reader and one sender.  Everything it says goes through one outbox, so that what is ready at the same
time leaves in one write.  What the other end does wrong inside the protocol is refused, and the link goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog
import trio

from byway.errors import BywayError, LinkError, Refused, RemoteProtocolError, StatementError, StoreError
from byway.protocol.frames import (
    Ack,
    Answer,
    Credit,
    Deliver,
    Ended,
    Frame,
    Resolve,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.frames import Refused as RefusedFrame
from byway.protocol.limits import ACK_TIMEOUT_S, RETRY_AFTER_MS, SUBMIT_CREDIT
from byway.router.chain import JOURNAL
from byway.router.delivery import Delivery
from byway.router.router import Router
from byway.router.shares import Owner
from byway.router.submissions import Submissions, groups_of

log = structlog.get_logger()

LOOK_FOR_LATE_S: Final = ACK_TIMEOUT_S / 10
MAX_BAD_SIGNATURES: Final = 10  # each costs what a good one does; then it is no mistake any more
NOT_SIGNED: Final = "too many statements were not signed by the keys they name"
MAX_OUTBOX: Final = 256  # frames; who asks for more without reading the answers has to wait
MAX_WRITE_BYTES: Final = 1_048_576  # of statements, for all subscriptions of a link together
MAX_HELD_BYTES: Final = 16_777_216  # of statements in memory for one link; beyond it the disk keeps them


class Link(Protocol):
    """What a session needs of a link; `byway.link` has the real one."""

    @property
    def peer(self) -> bytes: ...
    @property
    def prefix(self) -> str: ...
    async def receive(self) -> list[Frame]: ...
    async def send_many(self, frames: Sequence[Frame]) -> None: ...
    async def aclose(self, code: str, sentence: str) -> None: ...


class Resolver(Protocol):
    """Answers for names, at a node that does."""

    def resolve(self, urn: str) -> Sequence[bytes]:
        """The records about `urn`, none if there is no such name.  Raises `StatementError` for a bad URN."""
        ...


class Session:
    """Serves one link.  `run` returns when the link ends; its subscriptions stay, with their cursors."""

    def __init__(
        self, router: Router, link: Link, *, now_ms: Callable[[], int], resolver: Resolver | None = None
    ) -> None:
        self._router = router
        self._link = link
        self._now_ms = now_ms
        self._resolver = resolver
        self.owner = Owner(link.peer, link.prefix)
        self._deliveries: dict[str, Delivery] = {}
        self._busy: dict[str, Delivery] = {}  # of these, all that have something to send, to look for or on its way
        self._outbox: list[Frame] = []
        self._wake = trio.Event()
        self._room = trio.Event()  # set when the outbox is emptied, and when nothing is sent any more
        self._writing = False
        self._looks_for_late = False
        self._submissions = Submissions(router, self.owner, self.post)

    async def run(self) -> None:
        """Serve until the link ends or this is cancelled.  Raises nothing that the other end can cause."""
        try:
            async with trio.open_nursery() as nursery:
                self.post(Credit(None, SUBMIT_CREDIT))
                self._submissions.ask_for_stamps()
                nursery.start_soon(self._send)
                try:
                    await self._receive(nursery)
                except RemoteProtocolError as error:
                    log.info("link_refused", code=error.code, sentence=str(error), prefix=self._link.prefix)
                except LinkError as error:
                    log.debug("link_ended", code=error.code, sentence=str(error))
                nursery.cancel_scope.cancel()
        finally:
            self._submissions.gone = True
            del self._submissions  # it knows this session: a closed link must not have to wait for the collector
            for delivery in self._deliveries.values():
                self._router.unlink(delivery)

    # what the router tells

    def post(self, frame: Frame) -> None:
        """Send this frame with the next write."""
        self._outbox.append(frame)
        self._wake.set()

    def wake(self, delivery: Delivery) -> None:
        """Have this subscription of the session say what it has to say."""
        self._busy[delivery.sub] = delivery
        self._wake.set()

    def replaced(self, delivery: Delivery, *, here: bool) -> None:
        """The subscription was opened anew, on this link (`here`) or on another one."""
        if self._deliveries.get(delivery.sub) is delivery:
            self._drop(delivery.sub)
            if not here:
                self.post(Ended(delivery.sub, "replaced", "the subscription was opened on another link"))

    # what the other end asks

    async def _receive(self, nursery: trio.Nursery) -> None:
        while True:
            frames = await self._link.receive()
            if (heard_again_at := self._submissions.heard_again_at) and trio.current_time() < heard_again_at:
                await trio.sleep_until(heard_again_at)
            for frame in frames:
                if len(self._outbox) > MAX_OUTBOX:
                    await self._room.wait()
                if isinstance(frame, Ack):
                    self._ack(frame)
                elif isinstance(frame, Credit):
                    self._credit(frame)
                elif isinstance(frame, Subscribe):
                    await self._subscribe(frame, nursery)
                elif isinstance(frame, Unsubscribe):
                    await self._unsubscribe(frame)
                elif isinstance(frame, Resolve):
                    self._resolve(frame)
            if submits := groups_of(frames):
                self._submissions.ask_for_stamps()
                self._submissions.submit(submits)

    async def _subscribe(self, frame: Subscribe, nursery: trio.Nursery) -> None:
        running = self._deliveries.get(frame.sub)
        try:
            delivery = await self._router.subscribe(frame, self._link.peer, self)
        except (Refused, StatementError, StoreError) as error:
            self._refuse(frame, frame.sub, error)
            if running is not None and self._deliveries.get(frame.sub) is not running:  # it had made room for this one
                self.post(Ended(frame.sub, error.code, str(error)))
            return
        if not self._looks_for_late:  # most links only hand something in, and need no further task
            self._looks_for_late = True
            nursery.start_soon(self._look_for_late)
        self._deliveries[frame.sub] = delivery
        self.wake(delivery)
        self.post(Subscribed(frame.sub, delivery.epoch, ((JOURNAL, delivery.cursor),)))

    async def _unsubscribe(self, frame: Unsubscribe) -> None:
        delivery = self._drop(frame.sub)
        if delivery is None:
            self._refuse(frame, frame.sub, Refused("unknown-subscription"))
            return
        try:
            await self._router.unsubscribe(delivery)
        except StoreError as error:
            self._refuse(frame, frame.sub, error)
        else:
            self.post(Ended(frame.sub, "ended", "the subscription was ended by its owner"))

    def _drop(self, sub: str) -> Delivery | None:
        self._busy.pop(sub, None)
        return self._deliveries.pop(sub, None)

    def _ack(self, frame: Ack) -> None:
        delivery = self._deliveries.get(frame.sub)
        if delivery is None or delivery.epoch != frame.epoch or frame.journal != JOURNAL:
            self._note_refused(frame, "replaced" if delivery else "unknown-subscription")
            return
        self._router.acked(delivery, frame.through, frame.also, frame.refused)
        self.wake(delivery)

    def _credit(self, frame: Credit) -> None:
        delivery = self._deliveries.get(frame.sub or "")
        if delivery is not None:
            delivery.grant(frame.bytes)
            self.wake(delivery)

    def _resolve(self, frame: Resolve) -> None:
        if self._resolver is None:
            self._refuse(frame, frame.query, Refused("not-served", "this node does not answer for names"))
            return
        try:
            self.post(Answer(frame.query, tuple(self._resolver.resolve(frame.urn))))
        except StatementError as error:
            self._refuse(frame, frame.query, error)

    def _refuse(self, frame: Frame, subject: int | str, error: BywayError) -> None:
        self._note_refused(frame, error.code)
        said = error.retry_after_ms if isinstance(error, Refused) else None
        retry_after_ms = said or (RETRY_AFTER_MS if error.temporary else None)
        self.post(RefusedFrame(frame.number, subject, error.code, str(error), retry_after_ms))

    def _note_refused(self, frame: Frame, code: str) -> None:
        self._router.refusals.note([code], self._link.prefix, trio.current_time(), frame=type(frame).__name__)

    # what is sent

    async def _send(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake = trio.Event()
                if frames := await self._ready():
                    self._writing = True
                    await self._link.send_many(frames)
                    self._writing = False
                if self._submissions.bad_signatures >= MAX_BAD_SIGNATURES:
                    await self._link.send_many(self._outbox)
                    await self._link.aclose("bad-signature", NOT_SIGNED)
        except LinkError:
            self._room.set()  # whoever receives is told of the end, and why

    async def _ready(self) -> list[Frame]:
        """What may be said now.  It costs what the busy subscriptions cost, however many wait beside them."""
        if not self._busy:
            return self._outgoing()
        held = sum([delivery.held for delivery in self._busy.values()])
        for delivery in list(self._busy.values()):
            if held < MAX_HELD_BYTES and delivery.wants_page():
                held -= delivery.held
                await self._page(delivery)
                held += delivery.held
        frames = self._outgoing()
        now_ms, now = self._now_ms(), trio.current_time()
        written = 0
        for sub, delivery in list(self._busy.items()):
            if held >= MAX_HELD_BYTES and delivery.in_flight:
                continue
            taken = delivery.take(now_ms, now, self._router.tip)
            if taken is None:
                continue
            entries, through = taken
            frames.append(Deliver(sub, delivery.epoch, JOURNAL, through, tuple(entries)))
            self._busy[sub] = self._busy.pop(sub)  # the others come first next time
            if delivery.has_more:
                self._wake.set()
            written += sum([len(entry.statement) for entry in entries])
            if written >= MAX_WRITE_BYTES:
                self._wake.set()
                break
        self._busy = {sub: each for sub, each in self._busy.items() if each.has_more or each.held}
        return frames

    def _outgoing(self) -> list[Frame]:
        """What is in the outbox, which has room again."""
        frames, self._outbox = self._outbox, []
        self._room.set()
        self._room = trio.Event()
        return frames

    async def _page(self, delivery: Delivery) -> None:
        try:
            await self._router.page(delivery)
        except StoreError as error:
            self._router.unlink(delivery)
            if self._deliveries.get(delivery.sub) is delivery:
                self._drop(delivery.sub)
                log.warning("subscription_ended", sub=delivery.sub, code=error.code)
                self.post(Ended(delivery.sub, error.code, str(error)))
        else:
            self._wake.set()

    async def _look_for_late(self) -> None:
        while True:
            await trio.sleep(LOOK_FOR_LATE_S)
            if self._writing:
                continue  # who reads slowly is not late
            now_ms, now = self._now_ms(), trio.current_time()
            for delivery in self._deliveries.values():
                if delivery.owes_progress(self._router.tip):
                    self.wake(delivery)
                if late := delivery.take_late(now_ms, now):
                    self.post(Deliver(delivery.sub, delivery.epoch, JOURNAL, delivery.sent_through, tuple(late)))
