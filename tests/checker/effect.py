"""Nobody is let in, and nothing happens twice: I5 no entry, I6 one effect, I11 expiry."""

from __future__ import annotations

from collections import Counter
from typing import Final

from tests.checker.case import Case, Promise, owner_of, short, wall_ms
from tests.checker.evidence import Event
from tests.checker.names import is_urn, key_of
from tests.checker.settling import replayed
from tests.checker.statements import (
    ACKNOWLEDGEMENT,
    AGREEMENT,
    DECLINE,
    HEAD,
    HELLO,
    MAILBOX,
    NOTICE,
    OFFER,
    SEALED,
    Statement,
)
from tests.checker.tally import Tally

LATE_MS: Final = 1000  # from the decision of a node to the note of who hears of it
AHEAD_MS: Final = 120_000  # how far a statement may be dated ahead of the reader's clock

_ADMITTED_NOWHERE: Final = frozenset([HEAD, NOTICE, AGREEMENT, HELLO, OFFER, DECLINE])
_ON_OWN_LINK: Final = frozenset([SEALED, MAILBOX, ACKNOWLEDGEMENT])


def no_entry(case: Case, tally: Tally) -> None:
    """I5: no receipt for what is not to be accepted, on that link or at all, and no mailbox opened by another key."""
    asked: dict[tuple[str, str, bytes], Event] = {}
    for event in case.events:
        if event.name == "attempt":
            asked[event.witness, event.fields["node"], case.id_of(event.fields["statement"])] = event
        elif event.name == "receipt":
            attempt = asked.get((event.witness, event.fields["node"], event.fields["id"]))
            if attempt is not None:
                why = _not_to_be_accepted(case, attempt)
                tally.expect(not why, f"{short(event.fields['id'])} has a receipt: {why}", attempt, event)
        elif event.name == "subscribed" and is_urn(event.fields["pattern"], "mailbox"):
            own = key_of(event.fields["pattern"]) == key_of(event.fields["key"])
            tally.expect(own, f"{owner_of(event)} opened the mailbox of another key", event)


def one_effect(case: Case, tally: Tally) -> None:
    """I6: one effect at most, exactly one for what is confirmed to be acked, and no cursor over what was not acked."""
    for owner, events in case.subscriptions.items():
        replay, wrongs = replayed(case, events)
        times = Counter(event.fields["id"] for event in events if event.name == "effect")
        last = {event.fields["id"]: event for event in events if event.name == "effect"}
        for statement_id, count in times.items():
            sentence = f"{short(statement_id)} took effect {count} times at {owner}"
            tally.expect(count == 1, sentence, last[statement_id])
        for statement_id, event in replay.confirmed.items():
            happened = statement_id in times or statement_id in replay.refused
            tally.expect(happened, f"{short(statement_id)} was acked by {owner} and took no effect", event)
        tally.checked += sum(event.name in ("subscribed", "received", "acked") for event in events)
        for wrong in wrongs:
            tally.broken(f"{owner}: {wrong.sentence}", *wrong.evidence)


def expiry(case: Case, tally: Tally) -> None:
    """I11: nothing is handed over, used or first accepted after it expired, and nothing is refused for it before.

    A node that is stopped between its look at the clock and its write cannot look again: how long it stood still does
    not count against it.  It does count for the subscriber, who looks when it is given something.
    """
    for event in case.events:
        if event.name == "received":
            _check_late(case, event, case.statement(event.fields["statement"]), tally)
        elif event.name == "effect":
            _check_late(case, event, case.attempted(event.fields["id"]), tally)
        elif event.name == "refusal":
            _check_refusal(case, event, tally)
    for promise in case.promises:
        _check_acceptance(case, promise, tally)


def _not_to_be_accepted(case: Case, attempt: Event) -> str:
    """Why the attempt is not one that a node may give a receipt for; empty: it may."""
    if hostile := attempt.fields.get("hostile"):
        return str(hostile)
    found = case.statement(attempt.fields["statement"])
    if isinstance(found, Statement):
        if found.kind in _ADMITTED_NOWHERE:
            return f"kind {found.kind} is handed in nowhere"
        if found.kind in _ON_OWN_LINK and found.signer != key_of(attempt.fields["key"]):
            return "it was handed in on the link of another key"
    return ""


def _check_late(case: Case, event: Event, found: Statement | str | None, tally: Tally) -> None:
    if not isinstance(found, Statement):
        return
    what, node = ("came to", event.fields["node"]) if event.name == "received" else ("was used by", None)
    late = wall_ms(event) - event.fields.get("took_ms", 0) - found.expires
    most = LATE_MS + case.slack_ms(event)
    in_time = late <= most or late - case.still_ms(found.expires, event, node) <= most
    tally.expect(in_time, f"{short(found.id)} {what} {owner_of(event)} {late} ms after it expired", event)


def _check_refusal(case: Case, event: Event, tally: Tally) -> None:
    found = case.attempted(event.fields["id"])
    code, slack = event.fields["code"], LATE_MS + case.slack_ms(event)
    if found is None or code not in ("expired", "future-dated"):
        return
    if code == "expired":
        right = found.expires <= wall_ms(event) + slack
    else:
        right = found.created + slack > wall_ms(event) + AHEAD_MS
    tally.expect(right, f"{short(found.id)} was refused as {code}, and was not", event)


def _check_acceptance(case: Case, promise: Promise, tally: Tally) -> None:
    """A statement that was handed in for the first time after it expired, or too early, has no receipt."""
    found = case.attempted(promise.id)
    first = next((event for event in case.attempts[promise.id] if event.fields["node"] == promise.node), None)
    if found is None or first is None:
        return
    slack = LATE_MS + case.slack_ms(first)
    current = found.expires + slack > wall_ms(first)
    tally.expect(current, f"{short(found.id)} was accepted after it had expired", first, promise.event)
    dated = found.created <= wall_ms(promise.event) + AHEAD_MS + slack
    tally.expect(dated, f"{short(found.id)} was accepted and is dated in the future", first, promise.event)
