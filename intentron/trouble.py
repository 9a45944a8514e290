"""Trouble: something that is tried again and again, and fails, told in the log once and not each time."""

from __future__ import annotations

import structlog

from byway.errors import BywayError

log = structlog.get_logger()


class Trouble:
    """Logs `<what>_failed` at the first failure and when the reason changes, and `<what>_recovered` when it is over.

    `about` stands in every line.
    """

    def __init__(self, what: str, **about: str) -> None:
        self._failed, self._recovered = f"{what}_failed", f"{what}_recovered"
        self._about = about
        self._code: str | None = None

    def met(self, error: BywayError) -> None:
        """It failed once more."""
        if error.code != self._code:
            self._code = error.code
            log.warning(self._failed, **self._about, code=error.code, reason=str(error))

    def over(self) -> None:
        """It went well."""
        if self._code is not None:
            self._code = None
            log.info(self._recovered, **self._about)
