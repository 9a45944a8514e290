"""What was refused, in the log: every refusal is counted in some line, and a flood of them is not one of lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import structlog

from byway.bucket import Buckets

SUBMIT: Final = "Submit"
LINES_PER_S: Final = 1.0
LINES_AT_ONCE: Final = 20
MANY: Final = 1000  # lines that wait; beyond it address prefixes are not told apart

log = structlog.get_logger()


class RefusalLog:
    """Counts what was refused by frame, code and address prefix.  `now` is the time of the event loop, in seconds."""

    def __init__(self) -> None:
        self._lines = Buckets(rate=LINES_PER_S, burst=LINES_AT_ONCE)
        self._waiting: Counter[tuple[str, str, str]] = Counter()

    def note(self, codes: Iterable[str], prefix: str, now: float, *, frame: str = SUBMIT) -> None:
        """Statements of a Submit, or a `frame` of another kind, were refused to somebody from `prefix`."""
        where = prefix if len(self._waiting) < MANY else "many"
        self._waiting.update((frame, code, where) for code in codes)
        self.tell(now)

    def tell(self, now: float) -> None:
        """Write what waits, as far as there may be lines."""
        while self._waiting and not self._lines.wait(None, now):
            self._lines.spend(None, now, 1)
            frame, code, prefix = first = next(iter(self._waiting))
            told = {"code": code, "count": self._waiting.pop(first), "prefix": prefix}
            if frame == SUBMIT:
                log.info("statement_refused", **told)
            else:
                log.info("frame_refused", frame=frame, **told)
