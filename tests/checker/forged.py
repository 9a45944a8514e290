"""Nothing is forged: I3 origin, I4 authenticity, I7 no contradiction, I8 exact bytes.  I14 is in `stores`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.checker.case import Case, Promise, owner_of, short
from tests.checker.evidence import Event
from tests.checker.names import key_of
from tests.checker.receipts import Head, proves
from tests.checker.statements import RECORD, Statement
from tests.checker.stores import StoredJournal
from tests.checker.tally import Tally
from tests.checker.wishes import Wish, target_of, wish_of


def origin(case: Case, tally: Tally) -> None:
    """I3: whatever came, was receipted or is stored had been handed in before, and what came was asked for."""
    first = {statement_id: events[0].monotonic_ns for statement_id, events in case.attempts.items()}
    never = case.drained.monotonic_ns + 1
    for promise in case.promises:
        known = first.get(promise.id, never) <= promise.event.monotonic_ns
        tally.expect(known, f"{short(promise.id)} has a receipt and was not handed in before", promise.event)
    for event, wish in _received(case):
        statement_id = case.id_of(event.fields["statement"])
        known = first.get(statement_id, never) <= event.monotonic_ns
        tally.expect(known, f"{short(statement_id)} came, and nobody had handed it in", event)
        found = case.statement(event.fields["statement"])
        target = target_of(found) if isinstance(found, Statement) else None
        if target is not None:
            asked = wish is not None and wish.wants(target)
            begun = wish.begun if wish else None
            tally.expect(
                asked, f"{short(statement_id)} came to {owner_of(event)}, who had not asked for it", begun, event
            )
    for store in case.stores:
        for sequence, data in store.rows.items():
            known = case.id_of(data) in first
            tally.expect(known, f"sequence {sequence} of {store.path} was handed in by nobody")


def authenticity(case: Case, tally: Tally) -> None:
    """I4: everything that came, was receipted, answered or stored is good, and every receipt proves its statement."""
    for promise in case.promises:
        tally.expect(
            _is_proof(promise), f"the receipt of {short(promise.id)} proves nothing: {promise.fault}", promise.event
        )
        if promise.id in case.attempts:  # else it has no origin, which is I3's to say
            found = case.attempted(promise.id)
            fault = found.fault if found else "it is no statement"
            tally.expect(not fault, f"{short(promise.id)} has a receipt, and is not good: {fault}", promise.event)
    for event in case.events:
        if event.name in ("received", "answer"):
            _expect_good(case, event.fields["statement"], f"was {event.name}", tally, event)
    for store in case.stores:
        for sequence, data in store.rows.items():
            _expect_good(case, data, f"is stored as {sequence} in {store.path}", tally)


def no_contradiction(case: Case, tally: Tally) -> None:
    """I7: no node says two things: one chain of heads, one receipt a statement, one record a serial, and a store
    that holds what was promised."""
    heads = _shown_heads(case, tally)
    for store in case.stores:
        for head, event in heads.values():
            if head.node == store.node and head.chain == store.chain:
                kept = store.heads.get(head.size)
                same = kept is not None and kept.id == head.id
                tally.expect(same, f"the head of size {head.size} was shown and is not the stored one", event)
    given: dict[tuple[str, bytes, bytes], Promise] = {}  # in one chain: a restored store begins another
    for promise in case.promises:
        if promise.receipt is None or promise.head is None or case.is_gone(promise):
            continue
        earlier = given.setdefault((promise.node, promise.id, promise.head.chain), promise)
        same = earlier.receipt is not None and earlier.receipt.sequence == promise.receipt.sequence
        tally.expect(same, f"{short(promise.id)} has two different receipts", earlier.event, promise.event)
    _expect_read_only(case, tally)
    for promise in given.values():
        _expect_kept(case, promise, tally)
    _expect_one_record(case, tally)


def exact_bytes(case: Case, tally: Tally) -> None:
    """I8: the bytes at each subscriber and in each store are those that were handed in."""
    for event in case.events:
        if event.name == "received":
            _expect_same_bytes(case, event.fields["statement"], "came", tally, event)
    for store in case.stores:
        for sequence, data in store.rows.items():
            _expect_same_bytes(case, data, f"is stored as {sequence} in {store.path}", tally)


def _received(case: Case) -> Iterator[tuple[Event, Wish | None]]:
    """Every entry that came, with the wish of the epoch in which it came."""
    for events in case.subscriptions.values():
        wish: Wish | None = None
        wishes: dict[int, Wish] = {}  # by epoch
        for event in events:
            if event.name == "subscribed":
                said = (event.fields["pattern"], event.fields["filter"])
                if wish is None or said != (wish.pattern, wish.begun.fields["filter"]):
                    wish = wish_of(event, is_new=False)
                wishes[event.fields["epoch"]] = wish
            elif event.name == "received":
                yield event, wishes.get(event.fields["epoch"], wish)


def _is_proof(promise: Promise) -> bool:
    return (
        promise.receipt is not None
        and promise.head is not None
        and promise.head.node == key_of(promise.node)
        and proves(promise.receipt, promise.head, promise.id)
    )


def _expect_good(case: Case, data: bytes, what: str, tally: Tally, *evidence: Event) -> None:
    found = case.statement(data)
    fault = found if isinstance(found, str) else found.fault
    tally.expect(not fault, f"{short(case.id_of(data))} {what}, and is not good: {fault}", *evidence)


def _expect_same_bytes(case: Case, data: bytes, what: str, tally: Tally, *evidence: Event) -> None:
    handed_in = case.attempts.get(case.id_of(data))
    if handed_in is not None:
        same = any(event.fields["statement"] == data for event in handed_in)
        tally.expect(same, f"{short(case.id_of(data))} {what} with other bytes", handed_in[0], *evidence)


def _shown_heads(case: Case, tally: Tally) -> dict[tuple[bytes, bytes, int], tuple[Head, Event]]:
    """Every head that somebody was shown, by node, chain and size; they have to fit together."""
    heads: dict[tuple[bytes, bytes, int], tuple[Head, Event]] = {}
    for promise in case.promises:
        if promise.head is not None:
            place = (promise.head.node, promise.head.chain, promise.head.size)
            known, event = heads.setdefault(place, (promise.head, promise.event))
            same = known.id == promise.head.id
            tally.expect(same, f"there are two heads of size {known.size} in one chain", event, promise.event)
    for place, (head, event) in heads.items():
        before = heads.get((*place[:2], head.size - 1))
        if before is not None:
            earlier, said = before
            follows = head.previous == earlier.id and head.first == earlier.first + earlier.count
            tally.expect(follows, f"the head of size {head.size} does not follow the one before it", said, event)
    return heads


def _expect_read_only(case: Case, tally: Tally) -> None:
    """Behind a store that was put back nothing new is promised in the chain that it had."""
    for restored in case.restored:
        node, through, before = restored.fields["node"], restored.fields["through"], set[bytes]()
        for promise in case.promises:
            if promise.node != node or promise.receipt is None or promise.head is None:
                continue
            if promise.event.monotonic_ns < restored.monotonic_ns:
                before.add(promise.head.chain)
            elif promise.head.chain in before:
                again = promise.receipt.sequence <= through
                tally.expect(again, f"{short(promise.id)} was promised behind a rollback", restored, promise.event)


def _expect_kept(case: Case, promise: Promise, tally: Tally) -> None:
    """What is promised and has not expired is in the store, whole or as a damaged row that says so."""
    statement = case.attempted(promise.id)
    stores = [store for store in case.stores if store.node == key_of(promise.node)]
    if not stores or statement is None or promise.receipt is None:
        return
    if statement.expires > case.drained.wall_ns // 1_000_000 + case.slack_ms(case.drained):
        kept = any(_keeps(store, promise, case) for store in stores)
        tally.expect(kept, f"{short(promise.id)} has a receipt and is not in the store", promise.event)


def _keeps(store: StoredJournal, promise: Promise, case: Case) -> bool:
    sequence = promise.receipt.sequence if promise.receipt else 0
    return sequence in store.damaged or (sequence in store.rows and case.id_of(store.rows[sequence]) == promise.id)


def _expect_one_record(case: Case, tally: Tally) -> None:
    """An authority does not give two records with one name and one serial."""
    answered: dict[tuple[bytes, str, str], tuple[bytes, Event]] = {}
    for event in case.events:
        found = case.statement(event.fields["statement"]) if event.name == "answer" else ""
        if isinstance(found, Statement) and found.kind == RECORD and not found.fault:
            place = (found.signer, str(found.body.get("name")), str(found.body.get("serial")))
            known, earlier = answered.setdefault(place, (found.id, event))
            tally.expect(known == found.id, f"there are two records of {place[1]} with one serial", earlier, event)
