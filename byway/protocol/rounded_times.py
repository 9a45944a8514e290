"""Times so coarse that what is made together does not show it (wire-protocol section 4.1)."""

from __future__ import annotations

from byway.errors import StatementError
from byway.protocol.limits import CREATED_STEP_MS, DAY_MS, EXPIRES_STEP_MS
from byway.protocol.statement import LONGEST_LIFETIME_MS, Kind


def round_times(kind: Kind, *, now_ms: int, lifetime_ms: int) -> tuple[int, int]:
    """`created` and `expires`, in Unix milliseconds, of a statement that lives for `lifetime_ms` from now.

    `created` is rounded down to ten minutes, `expires` up to the hour, but never beyond the longest lifetime of the
    kind.  Raises `StatementError`: `bad-lifetime` for no lifetime, `lifetime-too-long` for a longer one than that.
    """
    longest = LONGEST_LIFETIME_MS[kind]
    if lifetime_ms <= 0:
        raise StatementError("it has to live for some time", code="bad-lifetime")
    if lifetime_ms > longest:
        raise StatementError(f"it does not live longer than {longest // DAY_MS} days", code="lifetime-too-long")
    created = round_created(now_ms)
    wanted = -(-(now_ms + lifetime_ms) // EXPIRES_STEP_MS) * EXPIRES_STEP_MS
    last = (created + longest) // EXPIRES_STEP_MS * EXPIRES_STEP_MS
    return created, min(wanted, last)


def round_created(now_ms: int) -> int:
    """The last multiple of ten minutes, in Unix milliseconds."""
    return now_ms - now_ms % CREATED_STEP_MS
