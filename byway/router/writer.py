"""The one task that writes: many statements in one transaction, and a receipt only after the flush.

The store is synchronous and used by one worker thread at a time.  Everything that a commit needs (finding repeats,
planning the head, flushing, signing) happens there in one go; the event loop only gathers what comes next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import structlog
import trio
from nacl.signing import SigningKey

from byway.errors import Refused, StoreError
from byway.protocol.limits import RETRY_AFTER_MS
from byway.protocol.receipt import Receipt
from byway.router.chain import Chain, receipts_again, receipts_of
from byway.router.policy import Admitted
from byway.router.store_thread import StoreThread
from byway.store.store import CursorMove, Entry, SignedAcknowledgement, Store, SubscriptionRow

log = structlog.get_logger()

MAX_ENTRIES: Final = 512  # one transaction: long enough to hide the flush, short enough to answer soon
MOVES_WAIT_S: Final = 0.05  # cursors alone are not worth a flush of their own at once
MOVES_AGAIN_S: Final = 1.0  # when not even cursors found room on the disk
NOT_FATAL: Final = frozenset({"store-full", "store-rolled-back"})  # this commit was refused, another may succeed


@dataclass(slots=True)
class _Job:
    """What somebody waits for: statements to become durable, or a subscription to be put or dropped."""

    done: Callable[[_Job], object]
    admitted: Sequence[Admitted] = ()
    put: SubscriptionRow | None = None
    drop: tuple[bytes, str] | None = None
    grows: bool = False  # the store has to keep more with it
    receipts: list[Receipt | Refused] = field(default_factory=list)
    error: StoreError | None = None

    @property
    def size(self) -> int:
        """How much of a commit it fills."""
        return len(self.admitted) or 1


class Committed(NamedTuple):
    """One statement that this commit made durable for the first time."""

    sequence: int
    admitted: Admitted


class Writer:
    """Gathers statements and cursor moves, and commits them together.

    After a failed flush it refuses everything with `store-failed`: only a restart, which reads the store afresh,
    can tell what is there.  A full disk (`store-full`) or a store that lacks what was signed for
    (`store-rolled-back`) refuses the one commit and goes on.
    """

    def __init__(
        self,
        store: Store,
        thread: StoreThread,
        chain: Chain,
        key: SigningKey,
        *,
        now_ms: Callable[[], int],
        on_commit: Callable[[Sequence[Committed]], None],
        on_moved: Callable[[Sequence[CursorMove]], None],
    ) -> None:
        self._store = store
        self._thread = thread
        self._chain = chain
        self._key = key
        self._now_ms = now_ms
        self._on_commit = on_commit
        self._on_moved = on_moved
        self._jobs: deque[_Job] = deque()
        self._moves: dict[tuple[bytes, str], CursorMove] = {}
        self._wake = trio.Event()
        self._job_came = trio.Event()
        self.failed: str | None = None  # why nothing is promised any more
        self._full = False

    def write(self, admitted: Sequence[Admitted], answer: Callable[[Sequence[Receipt | Refused]], object]) -> None:
        """Have these statements made durable; `answer` is then called with their receipts, in order.

        A statement that is stored already gets its first receipt again, or `damaged` if that cannot be made any more;
        another that has expired by then is refused as that.  Where the store fails all are refused, and nothing is
        known to be stored.
        """
        self._add(_Job(lambda job: answer(self._answers(job)), admitted, grows=True))

    async def put(self, row: SubscriptionRow, *, new: bool) -> None:
        """Make a subscription durable: a `new` one, or in the place of one with the same name.  Raises `StoreError`."""
        await self._made(put=row, grows=new)

    async def drop(self, name: tuple[bytes, str]) -> None:
        """End a subscription for good: a later one of the same name has its own cursor.  Raises `StoreError`."""
        self._moves.pop(name, None)
        await self._made(drop=name)

    async def first_receipts(self, statement_ids: Sequence[bytes]) -> list[Receipt | Refused | None]:
        """The first receipt of each that is stored already, or `damaged`; None for the others.  Raises `StoreError`."""
        found = await self._thread.commit(lambda: self._first_receipts(statement_ids))
        return [found.get(each) for each in statement_ids]

    def move(self, move: CursorMove) -> None:
        """Make a cursor move durable with the next commit, or soon.  The last move of a subscription counts."""
        self._moves[move.key, move.sub] = move
        self._wake.set()

    async def run(self) -> None:
        """Commit until cancelled.  What is in the middle of a commit then is finished."""
        while True:
            if self._moves:
                with trio.move_on_after(MOVES_AGAIN_S):
                    await self._wake.wait()
            else:
                await self._wake.wait()
            if not self._jobs:
                with trio.move_on_after(MOVES_WAIT_S):
                    await self._job_came.wait()
            await self.flush()

    async def flush(self) -> None:
        """Commit what is waiting, in one transaction."""
        jobs: list[_Job] = []
        size = 0
        while self._jobs and (not jobs or size + self._jobs[0].size <= MAX_ENTRIES):
            jobs.append(self._jobs.popleft())
            size += jobs[-1].size
        moves = list(self._moves.values())
        self._moves.clear()
        if not self._jobs:
            self._wake = trio.Event()
            self._job_came = trio.Event()
        if jobs or moves:
            await self._write(jobs, moves)

    def fail(self, error: StoreError) -> StoreError:
        """The store has failed, here or in a read or a sweep: promise nothing any more, unless it has only refused.

        Returns what others are told: a new one, because what is raised keeps hold of all that it goes through.
        """
        if error.code in NOT_FATAL:
            self._note_full(error)
        elif not self.failed:
            log.error("store_failed", code=error.code, sentence=str(error), next_step=error.next_step)
            self.failed = str(error)
        if self.failed:
            return self._failure()
        return StoreError(str(error), code=error.code, next_step=error.next_step)

    def refusal(self, error: StoreError) -> Refused:
        """What somebody is told whose statements could not be written or found; the store may have failed with it."""
        told = self.fail(error)
        return Refused(told.code, str(told), RETRY_AFTER_MS if told.temporary else None)

    def _note_full(self, error: StoreError | None) -> None:
        """Say once that there is no room, and once that there is again."""
        if error and error.code == "store-full" and not self._full:
            log.warning("store_full", code=error.code, sentence=str(error), next_step=error.next_step)
        elif self._full and not error:
            log.info("store_has_room")
        self._full = error is not None and error.code == "store-full"

    def _failure(self) -> StoreError:
        return StoreError(self.failed or "", code="store-failed")

    async def _made(
        self, *, put: SubscriptionRow | None = None, drop: tuple[bytes, str] | None = None, grows: bool = False
    ) -> None:
        done = trio.Event()
        job = _Job(lambda _: done.set(), put=put, drop=drop, grows=grows)
        self._add(job)
        await done.wait()
        if job.error:
            raise StoreError(str(job.error), code=job.error.code)

    def _add(self, job: _Job) -> None:
        if self.failed:
            job.error = self._failure()
            job.done(job)
            return
        self._jobs.append(job)
        self._job_came.set()
        self._wake.set()

    def _answers(self, job: _Job) -> Sequence[Receipt | Refused]:
        return [self.refusal(job.error)] * len(job.admitted) if job.error else job.receipts

    async def _write(self, jobs: Sequence[_Job], moves: Sequence[CursorMove]) -> None:
        try:
            if self.failed:
                raise self._failure()
            committed = await self._thread.commit(lambda: self._commit(jobs, moves))
        except StoreError as error:
            told = self.fail(error)
            without = [job for job in jobs if not job.grows]
            if len(without) < len(jobs):  # a store that has no room for more keeps some for the rest
                await self._write(without, moves)
                jobs = [job for job in jobs if job.grows]
            elif not self.failed:
                self._moves = {(move.key, move.sub): move for move in moves} | self._moves
            for job in jobs:
                job.error = told
        else:
            if committed:
                self._note_full(None)
            self._on_commit(committed)
            self._on_moved(moves)
        for job in jobs:
            job.done(job)

    def _commit(self, jobs: Sequence[_Job], moves: Sequence[CursorMove]) -> list[Committed]:
        """In the worker thread: one durable transaction, then the receipts of each job."""
        everything = {item.statement.id: item for job in jobs for item in job.admitted}
        receipts = self._first_receipts(everything)
        now = self._now_ms()
        for statement_id, item in everything.items():
            if item.statement.expires <= now and statement_id not in receipts:  # it waited; its first copy may be swept
                receipts[statement_id] = Refused("expired", f"{item.statement.urn} has expired")
        new = {statement_id: item for statement_id, item in everything.items() if statement_id not in receipts}
        committed: list[Committed] = []
        subscriptions, dropped = _changes(jobs)
        if new:
            plan = self._chain.plan(list(new), now)
            entries = [
                Entry(item.statement.data, item.statement.id, item.statement.kind, item.address, item.statement.expires)
                for item in new.values()
            ]
            self._store.commit(
                entries,
                first=plan.first,
                head=plan.head,
                frontier=plan.frontier.to_bytes(),
                moves=moves,
                subscriptions=subscriptions,
                dropped=dropped,
                acknowledgements=[
                    SignedAcknowledgement(item.statement.signer, item.acknowledges, item.statement.data)
                    for item in new.values()
                    if item.acknowledges is not None
                ],
            )
            self._chain.take(plan)
            receipts.update(zip(new, receipts_of(self._key, plan.first, plan.head, plan.paths), strict=True))
            committed = [Committed(plan.first + index, item) for index, item in enumerate(new.values())]
        elif moves or subscriptions or dropped:
            self._store.commit(
                [], first=0, head=b"", frontier=b"", moves=moves, subscriptions=subscriptions, dropped=dropped
            )
        for job in jobs:
            job.receipts = [receipts[admitted.statement.id] for admitted in job.admitted]
        return committed

    def _first_receipts(self, statement_ids: Iterable[bytes]) -> dict[bytes, Receipt | Refused]:
        """Of those that are stored already; each commit's tree and signature is made once, however many it holds.

        A statement whose commit is damaged is kept and handed over, but what its receipt was made from is gone.
        """
        found: dict[bytes, Receipt | Refused] = {}
        known: dict[int, Receipt] = {}
        for statement_id in statement_ids:
            sequence = self._store.find(statement_id)
            if sequence is None:
                continue
            if sequence not in known:
                try:
                    commit = self._store.commit_of(sequence)
                except LookupError:
                    log.warning("receipt_damaged", code="damaged", sequence=sequence)
                    found[statement_id] = Refused("damaged", "the node has it, but cannot make its first receipt again")
                    continue
                again = receipts_again(self._key, commit.first, commit.head, commit.ids)
                known.update((receipt.sequence, receipt) for receipt in again)
            found[statement_id] = known[sequence]
        return found


def _changes(jobs: Iterable[_Job]) -> tuple[list[SubscriptionRow], list[tuple[bytes, str]]]:
    """The subscriptions to put and to drop, where all that are dropped go before all that are put."""
    put: dict[tuple[bytes, str], SubscriptionRow] = {}
    drop: dict[tuple[bytes, str], None] = {}
    for job in jobs:
        if job.put is not None:
            put[job.put.key, job.put.sub] = job.put
        if job.drop is not None:
            put.pop(job.drop, None)
            drop[job.drop] = None
    return list(put.values()), list(drop)
