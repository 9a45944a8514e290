"""The store: what a node has promised to keep, behind one small interface.

A call that returns has made what it wrote durable in the way that `Store.durable` names.  A call that raised says
nothing about what was written: only `recover`, after a restart, tells.  After an I/O error the store takes nothing
more, while it still gives what it has.

One call at a time, from any thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from byway.errors import StoreError
from byway.protocol.statement import SIGNATURE_BYTES, statement_id
from byway.store.high_water import InDoubt, Mark

MAX_ALSO_KEPT: Final = 512  # 4 kB a cursor; those beyond it are delivered once more after a restart


class Entry(NamedTuple):
    """One statement about to be committed."""

    data: bytes
    id: bytes
    kind: int
    address: str
    """The URN of the topic or mailbox that it is for; empty if it is for nobody."""
    expires: int


class CursorMove(NamedTuple):
    """Where a subscription stands now.  A move of another epoch than the current one, or backwards, changes nothing."""

    key: bytes
    sub: str
    epoch: int
    journal: int
    through: int
    also: tuple[int, ...]
    """Sequences acked above `through`, kept so that a restart does not deliver them again."""


class SubscriptionRow(NamedTuple):
    """A subscription and where it stands."""

    key: bytes
    sub: str
    pattern: str
    filter: bytes
    """Canonical msgpack of the expression, or of nil."""
    scope: str
    epoch: int
    through: int
    also: tuple[int, ...] = ()
    acknowledgement: bytes | None = None
    """The last one that the subscriber signed.  Put as None, it leaves the one that is there."""
    seen: int = 0
    """When a link last served it, to about a day, in Unix milliseconds; 0 if that is not known."""


class SignedAcknowledgement(NamedTuple):
    """The last acknowledgement that the owner of a subscription has signed."""

    key: bytes
    sub: str
    data: bytes


@dataclass(frozen=True, slots=True)
class LastCommit:
    """The end of the chain, on which the next commit builds."""

    number: int
    first: int
    count: int
    head: bytes
    """Header and body of the head, without its signature."""
    frontier: bytes

    @property
    def head_id(self) -> bytes:
        """The id of the signed head, which the signature is no part of."""
        return statement_id(self.head + bytes(SIGNATURE_BYTES))


@dataclass(frozen=True, slots=True)
class StoredCommit:
    """What the receipt of a stored statement is made from."""

    number: int
    first: int
    count: int
    head: bytes
    ids: tuple[bytes, ...]
    """The ids of all its statements, in order, those that have been swept included."""


class Recovered(NamedTuple):
    """What a store held when it was opened."""

    chain: bytes
    last: LastCommit | None
    next_sequence: int
    subscriptions: list[SubscriptionRow]
    statements: int
    """How many of the stored statements had not expired."""
    previous: bytes | None = None
    """The id of the head that the first one of this chain goes on from."""
    in_doubt: InDoubt | None = None
    """What the node may have signed for and the store does not have: while there is such, no statement is taken."""
    full: StoreError | None = None
    """Why no statement is taken, where the disk has no room but for what is promised."""
    without_head: tuple[int, int] | None = None
    """First and last sequence of what may have been committed with a head that is damaged now.  What is sound of it is
    handed out; its receipts cannot be made again."""
    rebuilt: int = 0
    """How many statements could not be found, because what leads to them had changed, and were found another way."""
    dropped: Sequence[tuple[bytes, str]] = ()
    """Key and name, as far as they can be read, of the subscriptions that were not what was written and are gone."""


class Store(Protocol):
    """Journal, heads and subscriptions of one node.

    Every method may raise `StoreError`: `store-failed` (an I/O error; nothing more is taken until a restart),
    `store-damaged` or `chain-damaged` (the file is not what was written; the same holds), `store-full` or
    `store-rolled-back` (nothing was written; the store goes on).
    """

    @property
    def durable(self) -> str:
        """How a commit is made durable, as a head names it (wire-protocol section 4.9)."""

    @property
    def high_water(self) -> Mark | None:
        """How far the node had got when it last ran; None in the beginning, or if that has been lost."""

    @property
    def damaged(self) -> frozenset[int]:
        """Sequences whose bytes were found changed or gone since the store was opened.  They are not handed out."""

    def recover(self, now: int, *, begin_chain: bytes | None = None) -> Recovered:
        """Read what is there, once, before anything else is called.

        `now` decides what counts as expired; nothing is thrown away by it.  If the store is behind its high-water mark
        it takes no statements, with `store-rolled-back`, until it is told to begin a new chain with this name (16
        bytes).  That one names the last head there is, and goes on with sequences that were never given out.  Raises
        `chain-damaged` if no head can be built on the last one, and it is not told that.  Of subscriptions, those that
        are not what was written are dropped.
        """

    def commit(
        self,
        entries: Sequence[Entry],
        *,
        first: int,
        head: bytes,
        frontier: bytes,
        moves: Sequence[CursorMove] = (),
        subscriptions: Sequence[SubscriptionRow] = (),
        dropped: Sequence[tuple[bytes, str]] = (),
        acknowledgements: Sequence[SignedAcknowledgement] = (),
    ) -> None:
        """Write all of it in one durable transaction, or none.

        The entries get the sequences from `first` on, which has to be the next one.  Without entries there is no head:
        `head` and `frontier` are empty and `first` means nothing.  Subscriptions are dropped before others are put.
        Entries and new subscriptions are refused with `store-full` while the disk still has room for moves, sweeps and
        the subscriptions that there are.
        """

    def find(self, wanted: bytes) -> int | None:
        """The sequence of the stored statement with the id `wanted`, None if it is not here or is damaged."""

    def read(self, sequences: Sequence[int]) -> list[tuple[int, bytes]]:
        """Sequence and exact bytes of those that are still here and unchanged, in the order asked for."""

    def commit_of(self, sequence: int) -> StoredCommit:
        """The commit that holds a stored statement.  Raises `LookupError` if there is none, or if it is damaged."""

    def sequences(self, addresses: Iterable[str], after: int, limit: int) -> list[int]:
        """The first `limit` sequences beyond `after` that are for one of these addresses, ascending."""

    def addresses(self) -> Iterable[str]:
        """Every address that a stored statement is for."""

    def kinds(self, kinds: frozenset[int]) -> Iterator[tuple[int, bytes]]:
        """Sequence and bytes of the statements of these kinds that had not expired at `recover`, ascending."""

    def sweep(self, now: int, rows: int) -> int:
        """Delete statements that have expired, at most a minute late, and return how many.  Called once a second.

        It stops at the first good moment after `rows` of them; 0 means that nothing was due.  Heads stay.
        """

    def close(self) -> None:
        """Give everything back.  Calls after it raise `store-failed`, except for `close`."""
