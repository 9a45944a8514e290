"""The router: accept, verify, commit, match, hand on.

One object that knows no sockets.  Sessions, one for each link, hand in what came and send what is ready.
The way of one intentcast: `submit`, `Intake`, `Writer`, `_hand_on`, `Delivery`, and out by a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final

import structlog
import trio
from nacl.signing import SigningKey

from byway.errors import Refused, StatementError, StoreError
from byway.protocol.frames import Acked, Entry, Submit, Subscribe
from byway.protocol.statement import parse_statement
from byway.router.allowance import AllowanceLimits
from byway.router.backlog import Backlog
from byway.router.chain import JOURNAL, Chain
from byway.router.delivery import Delivery
from byway.router.entrance import Entrance
from byway.router.idle_sweep import IdleSweep
from byway.router.intake import Intake, Sender
from byway.router.memory import Memory, Ready
from byway.router.policy import Policy
from byway.router.refusal_log import RefusalLog
from byway.router.store_thread import StoreThread
from byway.router.subscription_room import SubscriptionLimits, SubscriptionRoom
from byway.router.subscriptions import Name, Recipient, Subscriptions
from byway.router.sweeper import Sweeper
from byway.router.verifier import Verifier
from byway.router.writer import Committed, Writer
from byway.store.store import CursorMove, Recovered, Store, SubscriptionRow

log = structlog.get_logger()

FORGET_EVERY_S: Final = 60.0
PIECE: Final = 256  # remembered statements that are read at one time: 4 MB if all are as large as they may be


class Router:
    """Keeps statements for a node and hands them to its subscribers."""

    def __init__(
        self,
        *,
        store: Store,
        recovered: Recovered,
        key: SigningKey,
        policy: Policy,
        verifier: Verifier,
        now_ms: Callable[[], int],
        limits: AllowanceLimits = AllowanceLimits(),  # noqa: B008 - frozen
        subscription_limits: SubscriptionLimits = SubscriptionLimits(),  # noqa: B008 - frozen
        thread: StoreThread | None = None,
    ) -> None:
        """`thread` is where the store is called; a worker thread if it is left out."""
        self.key = key
        self._store = store
        self._policy = policy
        self._now_ms = now_ms
        self._thread = thread or StoreThread()
        self._chain = Chain(recovered, signer=bytes(key.verify_key), durable=store.durable)
        self._writer = Writer(
            store, self._thread, self._chain, key, now_ms=now_ms, on_commit=self._hand_on, on_moved=self._moved
        )
        entrance = Entrance(node=bytes(key.verify_key), now_ms=now_ms, limits=limits)
        self._intake = Intake(entrance, verifier, policy, self._writer)
        self.refusals = RefusalLog()
        self._sweeper = Sweeper(store, self._thread, now_ms=now_ms, fail=self._writer.fail)
        self._backlog = Backlog(store, self._thread, policy)
        self._tip = recovered.next_sequence - 1
        self._memory = Memory()
        self._subscriptions = Subscriptions(recovered.subscriptions)
        self._room = SubscriptionRoom(subscription_limits)
        self._idle_sweep = IdleSweep(self._subscriptions, self._writer, now_ms=now_ms)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Rebuild the policy's state, then verify, commit and sweep until cancelled."""
        for kind in self._policy.remembers:
            await self._remember(self._store.kinds(frozenset([kind])))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._intake.run)
            nursery.start_soon(self._writer.run)
            nursery.start_soon(self._sweeper.run)
            nursery.start_soon(self._idle_sweep.run)
            nursery.start_soon(self._forget)
            task_status.started()

    async def _remember(self, stored: Iterator[tuple[int, bytes]]) -> None:
        while piece := await self._thread.run(lambda: list(islice(stored, PIECE))):
            for sequence, data in piece:
                try:
                    self._policy.remember(parse_statement(data))
                except StatementError as error:  # nothing that is stored may keep the node from starting
                    log.warning("not_remembered", sequence=sequence, code=error.code, sentence=str(error))

    @property
    def damaged(self) -> int:
        """How many statements have been found damaged since the start.  They are not handed out."""
        return self._sweeper.damaged

    @property
    def failed(self) -> bool:
        """Whether the store has failed, and the router promises nothing any more."""
        return self._writer.failed is not None

    async def stop(self) -> None:
        """Commit the cursor moves that are still waiting."""
        if not self.failed:
            await self._writer.flush()

    # accept, verify, commit

    def stamp_bits(self, prefix: str) -> int:
        """How many bits the stamps of those who come from `prefix` need now; 0: none are asked for."""
        return self._intake.stamp_bits(prefix)

    def submit(self, submits: Sequence[Submit], sender: Sender) -> None:
        """Take in what `sender` hands in, which is told a receipt or a refusal for each; see `Intake.submit`."""
        self._intake.submit(submits, sender)

    # match, hand on

    def _hand_on(self, committed: Sequence[Committed]) -> None:
        woken: dict[Delivery, Recipient] = {}
        for item in committed:
            admitted = item.admitted
            if admitted.statement.kind in self._policy.remembers:
                self._policy.remember(admitted.statement)
            self._tip = item.sequence
            linked = self._subscriptions.matching(admitted)
            if not linked:
                continue
            data = admitted.statement.data
            name_of = (admitted.statement.id, admitted.statement.signer)
            ready = Ready(Entry(item.sequence, data), admitted.statement.expires, name_of)
            for recipient, delivery in linked:
                if admitted.ends:
                    delivery.strike(admitted.ends)
                if delivery.live:
                    delivery.push(ready)
                    woken[delivery] = recipient
        for delivery, recipient in woken.items():
            recipient.wake(delivery)

    def _moved(self, moves: Sequence[CursorMove]) -> None:
        for move in moves:
            linked = self._subscriptions.linked((move.key, move.sub))
            if linked and linked.delivery.epoch == move.epoch:
                linked.recipient.post(Acked(move.sub, move.epoch, move.journal, move.through))

    # subscriptions

    async def subscribe(self, request: Subscribe, peer: bytes, recipient: Recipient) -> Delivery:
        """Open a subscription of `peer` in a new epoch, durably.

        Raises `Refused`, `StatementError` (a bad pattern or filter) or `StoreError`.  Cancelling leaves it with no
        link; whether the new epoch is durable is unknown then.
        """
        self._policy.may_subscribe(request.pattern, peer)
        opening = self._subscriptions.opening(request, peer, self._tip, self._now_ms())
        if opening.before is None:
            self._room.take(len(self._subscriptions), recipient.owner.prefix, trio.current_time())
        name = (peer, request.sub)
        delivery = Delivery(
            key=peer,
            sub=request.sub,
            epoch=opening.row.epoch,
            pattern=opening.pattern,
            mailbox=opening.mailbox,
            filter=opening.filter,
            cursor=opening.row.through,
            also=opening.row.also,
            credit=request.credit,
            memory=self._memory,
        )
        self._subscriptions.link(delivery, recipient)  # not live yet, so nothing is pushed to it
        self._subscriptions.put(opening.row)
        try:
            await self._writer.put(opening.row, new=opening.before is None)
        except BaseException as error:
            self.unlink(delivery)
            if not isinstance(error, StoreError):
                raise  # cancelled: the row may be durable, and stays for the next link
            if self._subscriptions.row(name) is opening.row:
                self._restore(name, opening.before)
            raise self._writer.fail(error) from error
        if self._subscriptions.epoch(name) != opening.row.epoch:
            raise Refused("replaced")
        return delivery

    async def page(self, delivery: Delivery) -> None:
        """Read the next page of a subscription's backlog; it becomes live at the end of the journal.

        Raises `StoreError`.
        """
        try:
            await self._backlog.page(delivery, self._tip)
        except StoreError as error:
            raise self._writer.fail(error) from error
        delivery.live = delivery.looked >= self._tip

    def acked(self, delivery: Delivery, through: int, also: Sequence[int], refused: Sequence[tuple[int, str]]) -> None:
        """The subscriber has handled these; the cursor moves with the next commit, which then says `Acked`."""
        for sequence, code in refused:
            if delivery.is_in_flight(sequence):
                log.warning("delivery_refused", sub=delivery.sub, sequence=sequence, code=code)
        delivery.ack(through, also, [sequence for sequence, _ in refused])
        settled = delivery.also
        row = self._subscriptions.row((delivery.key, delivery.sub))
        if row is not None:
            self._subscriptions.put(row._replace(through=delivery.cursor, also=settled))
        self._writer.move(CursorMove(delivery.key, delivery.sub, delivery.epoch, JOURNAL, delivery.cursor, settled))

    async def unsubscribe(self, delivery: Delivery) -> None:
        """End a subscription for good.  Raises `StoreError`."""
        name = (delivery.key, delivery.sub)
        before = self._subscriptions.row(name)
        self._subscriptions.unlink(name)
        self._subscriptions.drop(name)
        try:
            await self._writer.drop(name)
        except StoreError as error:
            if self._subscriptions.row(name) is None:
                self._restore(name, before)
            raise self._writer.fail(error) from error

    def unlink(self, delivery: Delivery) -> None:
        """The link of this subscription has ended; the subscription stays."""
        name = (delivery.key, delivery.sub)
        linked = self._subscriptions.linked(name)
        if linked and linked.delivery is delivery:
            self._subscriptions.unlink(name)

    @property
    def tip(self) -> int:
        """The sequence of the last statement committed."""
        return self._tip

    def _restore(self, name: Name, before: SubscriptionRow | None) -> None:
        if before is None:
            self._subscriptions.drop(name)
        else:
            self._subscriptions.put(before)

    async def _forget(self) -> None:
        while True:
            await trio.sleep(FORGET_EVERY_S)
            self._policy.expire(self._now_ms())
            self.refusals.tell(trio.current_time())
