"""A real router under libfaketime, which does not stand the sleeps of a microsecond that `ThreadTurns` takes."""

from __future__ import annotations

import select
from types import SimpleNamespace

from byway.cli.app import main
from byway.router import thread_turns


def sleep(seconds: float) -> None:
    """As long, by another call of the system."""
    select.select((), (), (), seconds)


if __name__ == "__main__":
    thread_turns.__dict__["time"] = SimpleNamespace(sleep=sleep)  # all that it uses
    main()
