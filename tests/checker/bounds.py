"""I15 bounds: whatever was measured stayed within what the case allows."""

from __future__ import annotations

from tests.checker.case import Case
from tests.checker.tally import Tally


def bounds(case: Case, tally: Tally) -> None:
    """I15: no figure passes its bound.  Who measures also says the bound; a share that has to be reached is given as
    what is missing of it."""
    for event in case.events:
        if event.name == "measured":
            what, value, most = (event.fields[name] for name in ("what", "value", "most"))
            tally.expect(value <= most, f"{what} was {value}, and may be {most}", event)
