"""What one key and one address prefix may ask for, charged before a signature is looked at.

Keys are free, so a limit by key alone is worth nothing; prefixes are not.  A signature that does not verify has cost as
much as one that does and brought nothing: a prefix that sends such ones soon has to wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from byway.bucket import Buckets

BAD_SIGNATURES_PER_S: Final = 10.0  # of one prefix: about a thousandth of a core
BAD_SIGNATURES_AT_ONCE: Final = 100.0


@dataclass(frozen=True, slots=True)
class AllowanceLimits:
    """Statements a second; twice as many may come at once."""

    link_statements_per_s: float = 10_000.0
    prefix_statements_per_s: float = 20_000.0


class Allowance:
    """The buckets of all links.  Plain state; `now` is the time of the event loop, in seconds."""

    def __init__(self, limits: AllowanceLimits) -> None:
        self._links = Buckets(rate=limits.link_statements_per_s, burst=2 * limits.link_statements_per_s)
        self._prefixes = Buckets(rate=limits.prefix_statements_per_s, burst=2 * limits.prefix_statements_per_s)
        self._bad = Buckets(rate=BAD_SIGNATURES_PER_S, burst=BAD_SIGNATURES_AT_ONCE)

    def charge(self, peer: bytes, prefix: str, statements: int, now: float) -> float:
        """Seconds until these statements may be handed in; 0 if they may be now, and then they are paid for."""
        wait = max(self._links.wait(peer, now), self._prefixes.wait(prefix, now), self._bad.wait(prefix, now))
        if not wait:
            self._links.spend(peer, now, statements)
            self._prefixes.spend(prefix, now, statements)
        return wait

    def blame(self, prefix: str, bad_signatures: int, now: float) -> None:
        """That many statements from `prefix` were not signed by the keys they name."""
        if bad_signatures:
            self._bad.spend(prefix, now, bad_signatures)
