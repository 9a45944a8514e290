"""The router: accept, verify, commit, match, hand on.

One object that knows no sockets.  Sessions, one for each link, hand in what came and send what is ready.
The way of one intentcast: `submit`, `Verifier`, `Policy.admit`, `Writer`, `_hand_on`, `Delivery`, and out by a session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

import structlog
import trio
from nacl.signing import SigningKey

from byway.errors import Refused, StatementError, StoreError
from byway.protocol import canonical
from byway.protocol.filter import parse_filter
from byway.protocol.frames import Acked, Entry, Frame, Subscribe
from byway.protocol.limits import MAX_FILTER_BYTES, MAX_SUBSCRIPTIONS
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Kind, Statement, parse_statement
from byway.protocol.topic import TopicPattern
from byway.router.backlog import Backlog
from byway.router.chain import JOURNAL, Chain
from byway.router.delivery import Delivery, Ready
from byway.router.index import SubscriptionIndex
from byway.router.policy import Admitted, Policy
from byway.router.verifier import Verifier
from byway.router.writer import Committed, StoreThread, Writer
from byway.store.store import CursorMove, Recovered, Store, SubscriptionRow

log = structlog.get_logger()

RETRY_AFTER_MS: Final = 5_000  # what is temporary here is mended by an operator or a sweep, not in an instant
TOO_LATE: Final = frozenset(["closed", "older-serial"])  # what may have been stored before it was too late
SWEEP_EVERY_S: Final = 1.0
FORGET_EVERY_S: Final = 60.0


class Recipient(Protocol):
    """Where a subscription is linked: a session."""

    def post(self, frame: Frame) -> None:
        """Send this frame when the link is next written to."""
        ...

    def wake(self) -> None:
        """A subscription of this session has something to send."""
        ...

    def replaced(self, delivery: Delivery, *, here: bool) -> None:
        """The subscription was opened anew, on this link (`here`) or on another one."""
        ...


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
        sweep_rows_per_s: int = 2000,
    ) -> None:
        self.key = key
        self._store = store
        self._policy = policy
        self._verifier = verifier
        self._now_ms = now_ms
        self._sweep_rows = int(sweep_rows_per_s * SWEEP_EVERY_S)
        self._thread = StoreThread()
        self._chain = Chain(recovered, signer=bytes(key.verify_key), durable=store.durable)
        self._writer = Writer(
            store, self._thread, self._chain, key, now_ms=now_ms, on_commit=self._hand_on, on_moved=self._moved
        )
        self._backlog = Backlog(store, self._thread, policy)
        self._tip = recovered.next_sequence - 1
        self._rows: dict[bytes, dict[str, SubscriptionRow]] = {}
        for row in recovered.subscriptions:
            self._rows.setdefault(row.key, {})[row.sub] = row
        self._linked: dict[tuple[bytes, str], tuple[Recipient, Delivery]] = {}
        self._index: SubscriptionIndex[tuple[bytes, str]] = SubscriptionIndex()
        self._mailboxes: dict[str, dict[tuple[bytes, str], None]] = {}

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Rebuild the policy's state, then commit and sweep until cancelled."""
        for kind in self._policy.remembers:
            for sequence, data in await self._thread.run(partial(self._stored, kind)):
                try:
                    self._policy.remember(parse_statement(data))
                except StatementError as error:  # nothing that is stored may keep the node from starting
                    log.warning("not_remembered", sequence=sequence, code=error.code, sentence=str(error))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._writer.run)
            nursery.start_soon(self._sweep)
            nursery.start_soon(self._forget)
            task_status.started()

    def _stored(self, kind: Kind) -> list[tuple[int, bytes]]:
        return list(self._store.kinds(frozenset([kind])))

    @property
    def failed(self) -> bool:
        """Whether the store has failed, and the router promises nothing any more."""
        return self._writer.failed is not None

    async def stop(self) -> None:
        """Commit the cursor moves that are still waiting."""
        if not self.failed:
            await self._writer.flush()

    # accept, verify, commit

    async def submit(self, statements: Sequence[bytes], peer: bytes) -> list[Receipt | Refused]:
        """A receipt or a refusal for each statement that `peer` handed in, in order.

        A receipt means that the statement is durable.  Cancelling leaves the outcome unknown.
        """
        answers: list[Receipt | Refused | None] = [None] * len(statements)
        formed: list[tuple[int, Statement]] = []
        now = self._now_ms()
        for position, data in enumerate(statements):
            try:
                statement = parse_statement(data)
                statement.check_times(now)
            except StatementError as error:
                answers[position] = Refused(error.code, str(error))
            else:
                formed.append((position, statement))
        verdicts = await self._verifier.verify([statement.data for _, statement in formed])
        admitted: list[tuple[int, Admitted]] = []
        late: list[tuple[int, Statement, Refused]] = []
        for (position, statement), verdict in zip(formed, verdicts, strict=True):
            try:
                admitted.append((position, self._admit(statement, peer, signed=verdict)))
            except StatementError as error:
                answers[position] = Refused(error.code, str(error))
            except Refused as refusal:
                if refusal.code in TOO_LATE:
                    late.append((position, statement, refusal))
                else:
                    answers[position] = refusal
        try:
            receipts = await self._writer.write([item for _, item in admitted]) if admitted else []
            for (position, _), receipt in zip(admitted, receipts, strict=True):
                answers[position] = receipt
            first = await self._writer.first_receipts([statement.id for _, statement, _ in late]) if late else []
            for (position, _, too_late), stored in zip(late, first, strict=True):
                answers[position] = stored or too_late
        except StoreError as error:
            told = self._writer.fail(error)
            for _, item in admitted:
                self._policy.forget(item.statement)
            not_kept = Refused(told.code, str(told), RETRY_AFTER_MS if told.temporary else None)
            return [not_kept if answer is None else answer for answer in answers]
        return [answer for answer in answers if answer is not None]

    def _admit(self, statement: Statement, peer: bytes, *, signed: bool) -> Admitted:
        if not signed:
            raise StatementError("the statement is not signed by the key it names", code="bad-signature")
        return self._policy.admit(statement, peer)

    # match, hand on

    def _hand_on(self, committed: Sequence[Committed]) -> None:
        woken: dict[int, Recipient] = {}
        for item in committed:
            admitted = item.admitted
            if admitted.statement.kind in self._policy.remembers:
                self._policy.remember(admitted.statement)
            self._tip = item.sequence
            names = self._matching(admitted)
            if not names:
                continue
            data = admitted.statement.data
            name_of = (admitted.statement.id, admitted.statement.signer)
            ready = Ready(Entry(item.sequence, data), len(data), admitted.statement.expires, name_of)
            for name in names:
                recipient, delivery = self._linked[name]
                if admitted.ends:
                    delivery.strike(admitted.ends)
                if delivery.live:
                    delivery.push(ready)
                    woken[id(recipient)] = recipient
        for recipient in woken.values():
            recipient.wake()

    def _matching(self, admitted: Admitted) -> Sequence[tuple[bytes, str]]:
        if admitted.topic is None:
            return list(self._mailboxes.get(admitted.address, ()))
        if admitted.facets is None:
            return self._index.find_by_topic(admitted.topic)
        return self._index.find(admitted.topic, admitted.facets)

    def _moved(self, moves: Sequence[CursorMove]) -> None:
        for move in moves:
            linked = self._linked.get((move.key, move.sub))
            if linked and linked[1].epoch == move.epoch:
                linked[0].post(Acked(move.sub, move.epoch, move.journal, move.through))

    # subscriptions

    async def subscribe(self, request: Subscribe, peer: bytes, recipient: Recipient) -> Delivery:
        """Open a subscription of `peer` in a new epoch, durably.

        Raises `Refused`, `StatementError` (a bad pattern or filter) or `StoreError`.
        """
        self._policy.may_subscribe(request.pattern, peer)
        name = (peer, request.sub)
        rows = self._rows.get(peer, {})
        row = rows.get(request.sub)
        if row is None and len(rows) >= MAX_SUBSCRIPTIONS:
            raise Refused("too-many-subscriptions")
        mailbox = request.pattern if request.pattern.startswith("urn:byway:mailbox:") else None
        pattern = None if mailbox else TopicPattern.parse(request.pattern)
        selected = parse_filter(request.filter)
        packed = canonical.encode(request.filter)
        if len(packed) > MAX_FILTER_BYTES or (mailbox and selected):
            raise StatementError("the filter is too large, or stands beside a mailbox", code="bad-filter")
        start = {"oldest": 0, "now": self._tip, "cursor": row.through if row else 0}[request.from_]
        new = SubscriptionRow(
            key=peer,
            sub=request.sub,
            pattern=request.pattern,
            filter=packed,
            scope=request.scope,
            epoch=row.epoch + 1 if row else 1,
            through=start,
            also=row.also if row and request.from_ == "cursor" else (),
        )
        self._unlink(name, by=recipient)
        self._set_row(peer, request.sub, new)
        try:
            await self._thread.run(lambda: self._store.put_subscription(new))
        except StoreError as error:
            if self._rows[peer][request.sub] is new:
                self._set_row(peer, request.sub, row)
            raise self._writer.fail(error) from error
        delivery = Delivery(
            key=peer,
            sub=request.sub,
            epoch=new.epoch,
            pattern=pattern,
            mailbox=mailbox,
            filter=selected,
            cursor=start,
            also=new.also,
            credit=request.credit,
        )
        self._unlink(name, by=recipient)
        self._linked[name] = (recipient, delivery)
        if mailbox:
            self._mailboxes.setdefault(mailbox, {})[name] = None
        elif pattern:
            self._index.add(name, pattern, selected)
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
        rows = self._rows[delivery.key]
        rows[delivery.sub] = rows[delivery.sub]._replace(through=delivery.cursor, also=delivery.also)
        self._writer.move(
            CursorMove(delivery.key, delivery.sub, delivery.epoch, JOURNAL, delivery.cursor, delivery.also)
        )

    async def unsubscribe(self, delivery: Delivery) -> None:
        """End a subscription for good.  Raises `StoreError`."""
        name = (delivery.key, delivery.sub)
        row = self._rows[delivery.key][delivery.sub]
        self._unlink(name)
        self._set_row(*name, None)
        self._writer.forget(*name)
        try:
            await self._thread.run(lambda: self._store.drop_subscription(*name))
        except StoreError as error:
            if delivery.sub not in self._rows.get(delivery.key, {}):
                self._set_row(*name, row)
            raise self._writer.fail(error) from error

    def unlink(self, delivery: Delivery) -> None:
        """The link of this subscription has ended; the subscription stays."""
        linked = self._linked.get((delivery.key, delivery.sub))
        if linked and linked[1] is delivery:
            self._unlink((delivery.key, delivery.sub))

    @property
    def tip(self) -> int:
        """The sequence of the last statement committed."""
        return self._tip

    def _set_row(self, key: bytes, sub: str, row: SubscriptionRow | None) -> None:
        rows = self._rows.setdefault(key, {})
        if row is None:
            rows.pop(sub, None)
        else:
            rows[sub] = row
        if not rows:
            del self._rows[key]

    def _unlink(self, name: tuple[bytes, str], *, by: Recipient | None = None) -> None:
        """End a link's hold on a subscription; if `by` takes it over, the one that had it is told."""
        if name not in self._linked:
            return
        recipient, delivery = self._linked.pop(name)
        if delivery.mailbox is not None:
            waiting = self._mailboxes[delivery.mailbox]
            del waiting[name]
            if not waiting:
                del self._mailboxes[delivery.mailbox]
        else:
            self._index.remove(name)
        if by is not None:
            recipient.replaced(delivery, here=by is recipient)

    async def _sweep(self) -> None:
        """Delete what has expired, a little at a time; expiry never waits for a subscriber."""
        while True:
            await trio.sleep(SWEEP_EVERY_S)
            if self.failed:
                continue
            try:
                await self._thread.run(lambda: self._store.sweep(self._now_ms(), self._sweep_rows))
            except StoreError as error:
                self._writer.fail(error)

    async def _forget(self) -> None:
        while True:
            await trio.sleep(FORGET_EVERY_S)
            self._policy.expire(self._now_ms())
