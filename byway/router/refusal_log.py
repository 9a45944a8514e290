"""What was refused, in the log: every refusal is counted in some line, and a flood of them is not one of lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import structlog

from byway.bucket import Buckets

LINES_PER_S: Final = 1.0
LINES_AT_ONCE: Final = 20
MANY: Final = 1000  # lines that wait; beyond it address prefixes are not told apart

log = structlog.get_logger()


class RefusalLog:
    """Counts refused statements by code and address prefix.  `now` is the time of the event loop, in seconds."""

    def __init__(self) -> None:
        self._lines = Buckets(rate=LINES_PER_S, burst=LINES_AT_ONCE)
        self._waiting: Counter[tuple[str, str]] = Counter()

    def note(self, codes: Iterable[str], prefix: str, now: float) -> None:
        """These were refused to somebody from `prefix`."""
        where = prefix if len(self._waiting) < MANY else "many"
        self._waiting.update((code, where) for code in codes)
        self.tell(now)

    def tell(self, now: float) -> None:
        """Write what waits, as far as there may be lines."""
        while self._waiting and not self._lines.wait(None, now):
            self._lines.spend(None, now, 1)
            code, prefix = next(iter(self._waiting))
            log.info("statement_refused", code=code, count=self._waiting.pop((code, prefix)), prefix=prefix)
