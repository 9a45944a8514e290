"""The subscriptions of a router: who wishes what, where each stands, and which of them a link serves now.

Plain state that changes between awaits.  Its rows are what the store holds, or will with the next commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from byway.errors import Refused, StatementError
from byway.protocol import canonical
from byway.protocol.filter import Filter, parse_filter
from byway.protocol.frames import Frame, Subscribe
from byway.protocol.limits import MAX_FILTER_BYTES, MAX_SUBSCRIPTIONS
from byway.protocol.topic import TopicPattern
from byway.router.delivery import Delivery
from byway.router.index import SubscriptionIndex
from byway.router.policy import Admitted
from byway.router.shares import Owner
from byway.store.store import SubscriptionRow

Name: TypeAlias = tuple[bytes, str]
"""A subscription's key, and the name that it has there."""


class Recipient(Protocol):
    """Where a subscription is linked: a session."""

    @property
    def owner(self) -> Owner:
        """Whose link it is."""
        ...

    def post(self, frame: Frame) -> None:
        """Send this frame when the link is next written to."""
        ...

    def wake(self, delivery: Delivery) -> None:
        """Have this subscription of the session say what it has to say."""
        ...

    def replaced(self, delivery: Delivery, *, here: bool) -> None:
        """The subscription was opened anew, on this link (`here`) or on another one."""
        ...


class Linked(NamedTuple):
    """A subscription that a link serves."""

    recipient: Recipient
    delivery: Delivery


class Opening(NamedTuple):
    """A `Subscribe` that may be granted: the row to make durable, the one before it, and what it selects."""

    row: SubscriptionRow
    before: SubscriptionRow | None
    pattern: TopicPattern | None
    mailbox: str | None
    filter: Filter | None


class Subscriptions:
    """All durable subscriptions of one router, found by name, and the linked ones also by what they select."""

    def __init__(self, rows: Iterable[SubscriptionRow]) -> None:
        self._rows: dict[bytes, dict[str, SubscriptionRow]] = {}
        self._count = 0
        for row in rows:
            self.put(row)
        self._linked: dict[Name, Linked] = {}
        self._index: SubscriptionIndex[Linked] = SubscriptionIndex()
        self._mailboxes: dict[str, dict[Linked, None]] = {}

    def __len__(self) -> int:
        return self._count

    def pieces(self, keys: int) -> Iterator[list[SubscriptionRow]]:
        """The rows of the keys that are there when it begins, of some keys at a time, as they are at their turn."""
        all_keys = list(self._rows)
        for at in range(0, len(all_keys), keys):
            yield [row for key in all_keys[at : at + keys] for row in self._rows.get(key, {}).values()]

    def opening(self, request: Subscribe, peer: bytes, tip: int, now_ms: int) -> Opening:
        """What `request` of `peer` asks for, in a new epoch.  `tip` is the end of the journal.  Nothing changes yet.

        Raises `Refused` for one too many, and `StatementError` for a bad pattern or filter.
        """
        rows = self._rows.get(peer, {})
        before = rows.get(request.sub)
        if before is None and len(rows) >= MAX_SUBSCRIPTIONS:
            raise Refused("too-many-subscriptions")
        mailbox = request.pattern if request.pattern.startswith("urn:byway:mailbox:") else None
        pattern = None if mailbox else TopicPattern.parse(request.pattern)
        selected = parse_filter(request.filter)
        packed = canonical.encode(request.filter)
        if len(packed) > MAX_FILTER_BYTES or (mailbox and selected):
            raise StatementError("the filter is too large, or stands beside a mailbox", code="bad-filter")
        row = SubscriptionRow(
            key=peer,
            sub=request.sub,
            pattern=request.pattern,
            filter=packed,
            scope=request.scope,
            epoch=before.epoch + 1 if before else 1,
            through={"oldest": 0, "now": tip, "cursor": before.through if before else 0}[request.from_],
            also=before.also if before and request.from_ == "cursor" else (),
            seen=now_ms,
        )
        return Opening(row, before, pattern, mailbox, selected)

    def row(self, name: Name) -> SubscriptionRow | None:
        """What is known of this subscription."""
        return self._rows.get(name[0], {}).get(name[1])

    def epoch(self, name: Name) -> int:
        """The epoch of the last opening that was begun; 0 if there is no such subscription."""
        row = self.row(name)
        return row.epoch if row else 0

    def put(self, row: SubscriptionRow) -> None:
        """Take over a row, in the place of one with the same name."""
        rows = self._rows.setdefault(row.key, {})
        self._count += row.sub not in rows
        rows[row.sub] = row

    def drop(self, name: Name) -> None:
        """Forget a row, if it is there."""
        key, sub = name
        rows = self._rows.get(key, {})
        self._count -= rows.pop(sub, None) is not None
        if not rows:
            self._rows.pop(key, None)

    def link(self, delivery: Delivery, recipient: Recipient) -> None:
        """`recipient` serves this subscription from now on; another that did is told.

        Raises `Refused` (`filters-full`) where the filter is more work than its key may have; nobody serves it then.
        """
        name = (delivery.key, delivery.sub)
        self.unlink(name, by=recipient)
        linked = Linked(recipient, delivery)
        if delivery.mailbox is not None:
            self._mailboxes.setdefault(delivery.mailbox, {})[linked] = None
        elif delivery.pattern is not None:
            self._index.add(linked, delivery.pattern, delivery.filter, recipient.owner)
        self._linked[name] = linked

    def unlink(self, name: Name, *, by: Recipient | None = None) -> None:
        """End a link's hold on a subscription, if one has it; where `by` takes it over, the one that had it is told."""
        linked = self._linked.pop(name, None)
        if linked is None:
            return
        mailbox = linked.delivery.mailbox
        if mailbox is None:
            self._index.remove(linked)
        else:
            waiting = self._mailboxes[mailbox]
            del waiting[linked]
            if not waiting:
                del self._mailboxes[mailbox]
        linked.delivery.end()
        if by is not None:
            linked.recipient.replaced(linked.delivery, here=by is linked.recipient)

    def linked(self, name: Name) -> Linked | None:
        """The link that serves this subscription, and how far it is."""
        return self._linked.get(name)

    def matching(self, admitted: Admitted) -> Sequence[Linked]:
        """Those linked ones that a statement is for."""
        if admitted.topic is None:
            return list(self._mailboxes.get(admitted.address, ()))
        if admitted.facets is None:
            return self._index.find_by_topic(admitted.topic)
        return self._index.find(admitted.topic, admitted.facets)
