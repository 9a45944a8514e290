"""The evidence of one run, put in order: who handed in what, what was promised, and what came to whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.checker.evidence import Event, EvidenceError
from tests.checker.receipts import BadReceiptError, Head, Receipt, read_head, read_receipt
from tests.checker.statements import CLOSE, SEALED, BadStatementError, Statement, read_statement, statement_id
from tests.checker.stores import StoredJournal

NS_PER_MS: Final = 1_000_000


class Promise(NamedTuple):
    """A receipt that a publisher was given.  Without a head it proves nothing, and `fault` says why."""

    event: Event
    id: bytes
    receipt: Receipt | None
    head: Head | None
    fault: str

    @property
    def node(self) -> str:
        node: str = self.event.fields["node"]
        return node


class Owner(NamedTuple):
    """Whose subscription it is, where, and its name."""

    node: str
    key: str
    sub: str

    def __str__(self) -> str:
        return f"{self.sub!r} of {self.key[-8:]}"


@dataclass(slots=True)
class Case:
    """Everything that the checks look at.  Raises `EvidenceError` if the run has no end."""

    events: Sequence[Event]
    stores: Sequence[StoredJournal] = ()
    skews_ms: dict[str, int] = field(default_factory=dict)  # by witness
    attempts: defaultdict[bytes, list[Event]] = field(default_factory=lambda: defaultdict(list))
    promises: list[Promise] = field(default_factory=list)
    subscriptions: defaultdict[Owner, list[Event]] = field(default_factory=lambda: defaultdict(list))
    drained: Event = field(init=False)
    restored: list[Event] = field(default_factory=list)
    _still: list[Event] = field(default_factory=list)
    _damaged: list[Event] = field(default_factory=list)
    _read: dict[bytes, Statement | str] = field(default_factory=dict)
    _ids: dict[bytes, bytes] = field(default_factory=dict)
    _heads: dict[bytes, Head | str] = field(default_factory=dict)
    _closed: set[tuple[bytes, bytes]] = field(default_factory=set)  # signer and id of closed casts
    _serials: dict[tuple[bytes, str], int] = field(default_factory=dict)  # the highest, by signer and mailbox

    def __post_init__(self) -> None:
        ends = []
        for event in self.events:
            match event.name:
                case "began":
                    self.skews_ms[event.witness] = event.fields["skew_ms"]
                case "attempt":
                    self._note_attempt(event)
                case "receipt":
                    self.promises.append(self._promise(event))
                case "end-of-drain":
                    ends.append(event)
                case "stopped" | "away":
                    self._still.append(event)
                case "damaged":
                    self._damaged.append(event)
                case "restored":
                    self._note_restored(event)
                case "subscribing" | "subscribed" | "received" | "effect" | "ack-sent" | "acked" | "unsubscribed":
                    self.subscriptions[owner_of(event)].append(event)
        if not ends:
            raise EvidenceError("the run has no end: there is no event `end-of-drain`")
        self.drained = ends[-1]

    def statement(self, data: bytes) -> Statement | str:
        """The statement in these bytes, or what is wrong with their form."""
        found = self._read.get(data)
        if found is None:
            try:
                found = read_statement(data)
            except BadStatementError as error:
                found = str(error)
            self._read[data] = found
        return found

    def id_of(self, data: bytes) -> bytes:
        found = self._ids.get(data)
        if found is None:
            found = self._ids[data] = statement_id(data)
        return found

    def attempted(self, statement_id: bytes) -> Statement | None:
        """The statement with this id that somebody handed in, a good one if there is one."""
        handed_in = (self.statement(event.fields["statement"]) for event in self.attempts.get(statement_id, ()))
        return min(
            (found for found in handed_in if isinstance(found, Statement)),
            key=lambda found: bool(found.fault),
            default=None,
        )

    def was_known_by(self, statement_id: bytes, event: Event) -> bool:
        """Whether somebody had handed in the statement with this id when this happened."""
        return any(attempt.monotonic_ns <= event.monotonic_ns for attempt in self.attempts.get(statement_id, ()))

    def slack_ms(self, event: Event) -> int:
        """How far what this witness says about the wall clock may be wrong."""
        return self.skews_ms.get(event.witness, 0)

    def still_ms(self, since_ms: int, event: Event, node: str | None = None) -> int:
        """For how long, from then until this happened, the witnesses did not run, nor the node if there is one."""
        reached, total = since_ms, 0
        for begins, ends in sorted(self._standstills(node)):
            until = min(ends, wall_ms(event))
            total += max(0, until - max(begins, reached))
            reached = max(reached, until)
        return total

    def is_over(self, statement: Statement, event: Event) -> bool:
        """Whether nobody needs to be brought the statement any more, when this happened: expired, closed, replaced."""
        return (
            statement.expires <= wall_ms(event) + self.slack_ms(event)
            or (statement.signer, statement.id) in self._closed
            or (
                statement.kind == SEALED
                and not statement.fault
                and self._serials.get((statement.signer, statement.body["to"]), 0) > statement.body["serial"]
            )
        )

    def is_gone(self, promise: Promise) -> bool:
        """Whether what was promised was taken away on purpose afterwards."""
        if promise.receipt is None:
            return False
        sequence = promise.receipt.sequence
        damaged = (each for each in self._damaged if sequence in each.fields["sequences"])
        rolled_back = (each for each in self.restored if sequence > each.fields["through"])
        return any(
            each.fields["node"] == promise.node and promise.event.monotonic_ns < each.monotonic_ns
            for each in (*damaged, *rolled_back)
        )

    def _standstills(self, node: str | None) -> Iterator[tuple[int, int]]:
        """When each began and ended, by the wall clock of who noted it."""
        for event in self._still:
            if event.name == "away" or event.fields["node"] == node:
                yield wall_ms(event) - event.fields["ms"], wall_ms(event)

    def _note_restored(self, event: Event) -> None:
        """An event of every subscription of that node, too: each is where it was."""
        self.restored.append(event)
        for owner, events in self.subscriptions.items():
            if owner.node == event.fields["node"]:
                events.append(event)

    def _note_attempt(self, event: Event) -> None:
        data = event.fields["statement"]
        self.attempts[self.id_of(data)].append(event)
        found = self.statement(data)
        if isinstance(found, str) or found.fault:
            return
        if found.kind == CLOSE:
            self._closed.add((found.signer, found.body["cast"]))
        elif found.kind == SEALED:
            place, serial = (found.signer, found.body["to"]), found.body["serial"]
            self._serials[place] = max(serial, self._serials.get(place, 0))

    def _promise(self, event: Event) -> Promise:
        wanted = event.fields["id"]
        try:
            receipt = read_receipt(event.fields["receipt"])
        except BadReceiptError as error:
            return Promise(event, wanted, None, None, str(error))
        head = self._heads.get(receipt.head)
        if head is None:
            try:
                head = read_head(receipt.head)
            except BadReceiptError as error:
                head = str(error)
            self._heads[receipt.head] = head
        if isinstance(head, str):
            return Promise(event, wanted, receipt, None, head)
        return Promise(event, wanted, receipt, head, "")


def owner_of(event: Event) -> Owner:
    fields = event.fields
    return Owner(fields["node"], fields["key"], fields["sub"])


def wall_ms(event: Event) -> int:
    return event.wall_ns // NS_PER_MS


def short(statement_id: bytes) -> str:
    """An id, short enough for a sentence."""
    return statement_id.hex()[:12]
