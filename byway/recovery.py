"""What the operator of a node is told when it starts, and may decide: about its store, and about its clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from byway.clock import Jump, SteadyClock, now_ms, steady_ms, uptime
from byway.errors import StoreError
from byway.protocol.limits import HOUR_MS
from byway.protocol.urn import node_urn
from byway.store.high_water import HIGH_WATER_FILE, InDoubt, Mark
from byway.store.sqlite.meta import CHAIN_BYTES
from byway.store.store import Recovered, Store

log = structlog.get_logger()

_LAST_TIME: Final = 253_402_300_799_000  # the end of the year 9999, the last that can be written
NAMED: Final = 100  # dropped subscriptions that have a line each


@dataclass(frozen=True, slots=True)
class Decided:
    """What the operator has decided for this start."""

    command: str
    """What the node was started with, without these decisions."""
    begin_chain: bool = False
    """The store lacks what the node has signed for, or its last head: go on in a new chain of heads."""
    believe_clock: bool = False
    """The wall clock is right, whatever the node remembers."""


def node_clock(high_water: Mark | None, decided: Decided) -> SteadyClock:
    """The one clock that everything in a node reads.  What it does not believe is logged once."""
    return told_clock(
        high_water.clock_ms if high_water else None,
        away_ms=uptime().since(high_water.uptime) if high_water else None,
        confirmed=decided.believe_clock,
        next_step="set the clock of this computer: timedatectl; if it is right, stop the node and run once: "
        f"{decided.command} --believe-clock",
    )


def told_clock(
    high_water_ms: int | None, *, away_ms: int | None = None, confirmed: bool = False, next_step: str
) -> SteadyClock:
    """The clock of this computer as far as it can be believed.  Each change of that is logged, with what to do.

    `away_ms` is how long ago `high_water_ms` was noted; None if that is unknown.
    """

    def tell(jump: Jump) -> None:
        if jump.believed:
            log.info("clock_believed", wall=_text(jump.wall_ms), node=_text(jump.node_ms))
        else:
            log.warning(
                "clock_jumped",
                code="clock-jumped",
                wall=_text(jump.wall_ms),
                node=_text(jump.node_ms),
                sentence=f"the clock of this computer is {_far(jump.wall_ms - jump.node_ms)} the time of the node, "
                "which goes on with its own",
                next_step=next_step,
            )

    return SteadyClock(now_ms, steady_ms, high_water=high_water_ms, away=away_ms, confirmed=confirmed, on_jump=tell)


def recover(store: Store, now: int, decided: Decided, random: Callable[[int], bytes]) -> Recovered:
    """What the store holds, as its operator has decided.  Subscriptions that are lost are logged.

    `random` gives the bytes that name a new chain.  Raises `StoreError`; with `chain-damaged` it says how to go on.
    """
    try:
        recovered = store.recover(now, begin_chain=random(CHAIN_BYTES) if decided.begin_chain else None)
    except StoreError as error:
        if error.code != "chain-damaged":
            raise
        begin = f"{decided.command} --begin-chain"
        raise StoreError(
            str(error),
            code=error.code,
            next_step=f"check the disk and put back a newer copy of the store; or go on in a new chain, once: {begin}",
        ) from error
    if recovered.rebuilt:
        log.warning("leaves_rebuilt", code="damaged", statements=recovered.rebuilt, next_step="check the disk")
    if recovered.dropped:
        log.warning("subscriptions_damaged", code="damaged", count=len(recovered.dropped))
    for key, sub in recovered.dropped[:NAMED]:
        log.warning(
            "subscription_damaged",
            code="damaged",
            key=node_urn(key),
            sub=sub,
            sentence="the subscription is not what was written: it is dropped, and begins anew when it is opened again",
            next_step="check the disk; when the subscriber comes back, it gets again whatever has not expired",
        )
    return recovered


def recovery_lines(recovered: Recovered, high_water: Mark | None, decided: Decided) -> Sequence[str]:
    """What a person has to know about the store beyond what it holds; nothing if all is well."""
    if recovered.in_doubt:
        begin = f"{decided.command} --begin-chain"
        return [
            f"in doubt    {_doubt(recovered.in_doubt)}: the node may have given receipts, and the store lacks them",
            "read-only   what is there is delivered and acked; nothing new is taken (store-rolled-back)",
            f"next        stop it and put back a newer copy of the store; or go on without them, once: {begin}",
        ]
    lines = []
    if recovered.full:
        lines.append(f"full        {recovered.full}; nothing new is taken ({recovered.full.code})")
        lines.append(f"next        {recovered.full.next_step}")
    if recovered.without_head:
        lines.append(
            f"in doubt    {_range('statement', *recovered.without_head)}: the node may have given receipts, and cannot "
            "give them again (damaged); what is sound is delivered"
        )
    if decided.begin_chain and recovered.last is None:
        lines.append(f"new chain   heads begin anew; the next sequence is {recovered.next_sequence}")
    if high_water is None and recovered.next_sequence > 1:
        lines.append(
            f"unknown     without the file {HIGH_WATER_FILE} nobody can tell whether the store has been rolled back; "
            "it is made anew"
        )
    return lines


def _doubt(doubt: InDoubt) -> str:
    statements = _range("statement", *doubt.sequences)
    return f"{_range('commit', *doubt.commits)}, {statements}" if doubt.commits else statements


def _range(what: str, first: int, last: int) -> str:
    return f"{what} {first}" if first == last else f"{what}s {first} to {last}"


def _far(ms: int) -> str:
    """How far and which way, where it is an hour or more."""
    hours = abs(ms) // HOUR_MS
    days = hours // 24
    far = f"{days} days" if days > 1 else f"{hours} h"
    return f"{far} ahead of" if ms > 0 else f"{far} behind"


def _text(unix_ms: int) -> str:
    return datetime.fromtimestamp(min(max(unix_ms, 0), _LAST_TIME) / 1000, UTC).isoformat(timespec="seconds")
