"""What a person at a terminal is told when something goes wrong: one sentence, a code, the next thing to type."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

import structlog

from byway.errors import BywayError

FAILED: Final = 1
INTERRUPTED: Final = 130


def run_command(command: Callable[[], object]) -> int:
    """Run `command` and return the exit status.  An error that we know is told in a sentence, without a traceback."""
    status = 0
    try:
        command()
        sys.stdout.flush()
    except* BywayError as errors:
        for error in _leaves(errors):
            tell(error)
        status = FAILED
    except* OSError as errors:  # files and links are told as errors of ours; what is left is the output itself
        print(f"error   the output cannot be written: {_first(errors).strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing is said about it at exit
        status = FAILED
    except* KeyboardInterrupt:
        status = INTERRUPTED
    return status


def tell(error: BywayError) -> None:
    """Write the error to standard error."""
    print(f"error   {error}  [{error.code}]", file=sys.stderr)
    if error.next_step:
        print(f"next    {error.next_step}", file=sys.stderr)


def set_up_log(form: str) -> None:
    """Log lines to standard error, as text for people or as JSON for programs."""
    text = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if form == "json" else []),
            structlog.processors.JSONRenderer() if form == "json" else text,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _first(group: BaseExceptionGroup[OSError]) -> OSError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, OSError)  # noqa: S101 - what `except*` has sorted out
    return error


def _leaves(group: BaseExceptionGroup[BywayError]) -> list[BywayError]:
    found: list[BywayError] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
