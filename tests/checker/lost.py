"""Nothing is lost: I1 durability, I10 liveness, I13 no silence."""

from __future__ import annotations

from typing import Final

from tests.checker.case import NS_PER_MS, Case, Owner, owner_of, short
from tests.checker.evidence import Event
from tests.checker.settling import settled
from tests.checker.tally import Tally
from tests.checker.wishes import Due

LIVE_WITHIN_MS: Final = 30_000  # after the last fault
ANSWERED_WITHIN_MS: Final = 45_000  # 30 s of silence, 10 s until the link is given up, and some

First = dict[tuple[Owner, bytes], Event]


def first_received(case: Case) -> First:
    """When each statement came to each subscription for the first time."""
    found: First = {}
    for event in case.events:
        if event.name == "received":
            found.setdefault((owner_of(event), case.id_of(event.fields["statement"])), event)
    return found


def durability(case: Case, owed: list[Due], received: First, tally: Tally) -> None:
    """I1: what has a receipt came to everybody who asked for it, unless it was over before the end."""
    for each in owed:
        tally.expect(
            (each.owner, each.promise.id) in received,
            f"{short(each.promise.id)} has a receipt and never came to {each.owner}",
            each.promise.event,
            each.wish.begun,
            case.drained,
        )


def liveness(case: Case, owed: list[Due], received: First, tally: Tally) -> None:
    """I10: within 30 s after the last fault everything is where it should be, and no fault is left."""
    healed = max((event.monotonic_ns for event in case.events if event.name == "heal"), default=0)
    going: dict[str, Event] = {}
    for event in case.events:
        if event.name == "fault-start":
            going[event.fields["fault"]] = event
        elif event.name == "fault-stop":
            begun = going.pop(event.fields["fault"], None)
            tally.expect(event.monotonic_ns <= healed, f"{event.fields['fault']} was not over at `heal`", begun, event)
    for fault, event in going.items():
        tally.expect(False, f"{fault} never ended", event)
    for each in owed:
        came = received.get((each.owner, each.promise.id))
        if came is None:
            continue
        since = max(healed, each.promise.event.monotonic_ns, each.wish.begun.monotonic_ns)
        late_ms = (came.monotonic_ns - since) // NS_PER_MS
        tally.expect(
            late_ms <= LIVE_WITHIN_MS,
            f"{short(each.promise.id)} came to {each.owner} {late_ms} ms after nothing was in its way",
            each.promise.event,
            came,
        )


def no_silence(case: Case, owed: list[Due], received: First, tally: Tally) -> None:
    """I13: each attempt has an answer, or a lost link, in time; what came is acked or refused in the end."""
    waiting: dict[tuple[str, str, bytes], Event] = {}
    for event in case.events:
        if event.name == "attempt":
            waiting[event.witness, event.fields["node"], case.id_of(event.fields["statement"])] = event
        elif event.name in ("receipt", "refusal", "unknown"):
            asked = waiting.pop((event.witness, event.fields["node"], event.fields["id"]), None)
            late = asked is not None and event.monotonic_ns - asked.monotonic_ns > ANSWERED_WITHIN_MS * NS_PER_MS
            tally.expect(not late, f"{short(event.fields['id'])} was answered late", asked, event)
        elif event.name == "killed":
            waiting = {key: asked for key, asked in waiting.items() if key[0] != event.fields["witness"]}
    for (_, _, statement_id), asked in waiting.items():
        tally.expect(False, f"nothing was said about {short(statement_id)}", asked)
    ended = {owner: settled(case, events) for owner, events in case.subscriptions.items()}
    for each in owed:
        came = received.get((each.owner, each.promise.id))
        if came is not None:
            tally.expect(
                each.promise.id in ended[each.owner],
                f"{short(each.promise.id)} came to {each.owner}, was never acked, and did not come again",
                each.promise.event,
                came,
            )
