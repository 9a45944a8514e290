"""The entrance: what comes in is charged, read as far as its times, and verified, before anybody looks into a body."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Final

import trio

from byway.errors import Refused, StatementError
from byway.protocol.statement import Statement, parse_statement
from byway.router.allowance import Allowance, AllowanceLimits
from byway.router.stamp_check import Item, StampCheck
from byway.router.verifier import Verifier

TOO_FAST: Final = "this key, or the network it comes from, hands in more than its share"
NOT_SIGNED: Final = "the statement is not signed by the key it names"


class Entrance:
    """Charges, stamps and verdicts of all links of a node."""

    def __init__(self, *, node: bytes, verifier: Verifier, now_ms: Callable[[], int], limits: AllowanceLimits) -> None:
        self._verifier = verifier
        self._now_ms = now_ms
        self._allowance = Allowance(limits)
        self._stamps = StampCheck(node, statements_per_s=limits.prefix_statements_per_s)
        self._unverified = 0

    def stamp_bits(self, prefix: str) -> int:
        """How many bits the stamps of those who come from `prefix` need now; 0: none are asked for."""
        return self._stamps.bits(prefix, trio.current_time())

    def ask(self, prefix: str) -> None:
        """Something from `prefix` would have been taken with a stamp: whoever comes from there is asked for some."""
        self._stamps.refused(prefix, trio.current_time())

    async def enter(
        self, items: Sequence[Item], peer: bytes, prefix: str
    ) -> tuple[list[Statement | Refused], Collection[int]]:
        """Each statement that `peer` handed in, in order, signed and of this time; or why it cannot come in.

        Beside it the positions of those that brought a stamp which is worth enough.

        Cancelling it leaves what was charged charged, and harms nothing else.
        """
        stamped = self._stamps.paid(items, prefix, trio.current_time())
        busy = self._charge(peer, prefix, len(items) - len(stamped))
        now = self._now_ms()
        entered = [
            busy if busy and position not in stamped else _formed(data, now) for position, (data, _) in enumerate(items)
        ]
        formed = {position: each for position, each in enumerate(entered) if isinstance(each, Statement)}
        verdicts = await self._verify(formed, stamped, peer, prefix)
        self._allowance.blame(prefix, len(verdicts) - sum(verdicts.values()), trio.current_time())
        for position, signed in verdicts.items():
            if not signed:
                entered[position] = Refused("bad-signature", NOT_SIGNED)
        return entered, stamped

    def _charge(self, peer: bytes, prefix: str, statements: int) -> Refused | None:
        """Take so many from the shares of the key and the prefix, or say that they are used up."""
        now = trio.current_time()
        wait = self._allowance.charge(peer, prefix, statements, now) if statements else 0.0
        if not wait:
            return None
        self._stamps.refused(prefix, now)
        return Refused("busy", TOO_FAST, math.ceil(wait * 1000))

    async def _verify(
        self, formed: dict[int, Statement], stamped: Collection[int], peer: bytes, prefix: str
    ) -> dict[int, bool]:
        """The verdict on the statement at each position; those with a stamp wait in a line of their own."""
        self._unverified += len(formed)
        self._stamps.waiting(self._unverified, trio.current_time())
        verdicts: dict[int, bool] = {}
        try:
            for line in (True, False) if stamped else (False,):
                waiting = {at: each.data for at, each in formed.items() if (at in stamped) is line}
                told = await self._verifier.verify(list(waiting.values()), peer, prefix, stamped=line)
                verdicts |= dict(zip(waiting, told, strict=True))
        finally:
            self._unverified -= len(formed)
        return verdicts


def _formed(data: bytes, now: int) -> Statement | Refused:
    try:
        statement = parse_statement(data)
        statement.check_times(now)
    except StatementError as error:
        return Refused(error.code, str(error))
    return statement
