"""The entrance: what comes in is charged, and read as far as its times, before its signature costs anything."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Final

import trio

from byway.errors import Refused, StatementError
from byway.protocol.statement import Statement, parse_statement
from byway.router.allowance import Allowance, AllowanceLimits
from byway.router.shares import Owner
from byway.router.stamp_check import Item, StampCheck

TOO_FAST: Final = "this key, or the network it comes from, hands in more than its share"


class Entrance:
    """Charges and stamps of all links of a node."""

    def __init__(self, *, node: bytes, now_ms: Callable[[], int], limits: AllowanceLimits) -> None:
        self._now_ms = now_ms
        self._allowance = Allowance(limits)
        self._stamps = StampCheck(node, statements_per_s=limits.prefix_statements_per_s)

    def stamp_bits(self, prefix: str) -> int:
        """How many bits the stamps of those who come from `prefix` need now; 0: none are asked for."""
        return self._stamps.bits(prefix, trio.current_time())

    def ask(self, prefix: str) -> None:
        """Something from `prefix` would have been taken with a stamp: whoever comes from there is asked for some."""
        self._stamps.refused(prefix, trio.current_time())

    def enter(self, items: Sequence[Item], owner: Owner) -> tuple[list[Statement | Refused], Collection[int]]:
        """Each statement that `owner` handed in, in order, well-formed and of this time; or why it cannot come in.

        Beside it the positions of those that brought a stamp which is worth enough.
        """
        now = trio.current_time()
        stamped = self._stamps.paid(items, owner.prefix, now)
        busy = self._charge(owner, len(items) - len(stamped), now)
        now_ms = self._now_ms()
        if busy is None:
            return [_formed(data, now_ms) for data, _ in items], stamped
        return [_formed(data, now_ms) if at in stamped else busy for at, (data, _) in enumerate(items)], stamped

    def waiting(self, statements: int) -> None:
        """So many statements wait for their verdict."""
        self._stamps.waiting(statements, trio.current_time())

    def blame(self, prefix: str) -> None:
        """A statement from `prefix` was not signed by the key it names."""
        self._allowance.blame(prefix, 1, trio.current_time())

    def _charge(self, owner: Owner, statements: int, now: float) -> Refused | None:
        """Take so many from the shares of the key and the prefix, or say that they are used up."""
        wait = self._allowance.charge(owner.key, owner.prefix, statements, now) if statements else 0.0
        if not wait:
            return None
        self._stamps.refused(owner.prefix, now)
        return Refused("busy", TOO_FAST, math.ceil(wait * 1000))


def _formed(data: bytes, now: int) -> Statement | Refused:
    try:
        statement = parse_statement(data)
        statement.check_times(now)
    except StatementError as error:
        return Refused(error.code, str(error))
    return statement
