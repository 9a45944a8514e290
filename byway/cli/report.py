"""What a person at a terminal is told when something goes wrong: one sentence, a code, the next thing to type."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

import structlog

from byway.cli.next_steps import NEXT_STEPS
from byway.errors import BywayError, SetupError

_E = TypeVar("_E", bound=BaseException)

FAILED: Final = 1
INTERRUPTED: Final = 130


def run_command(command: Callable[[], object]) -> int:
    """Run `command` and return the exit status.  Whatever it raises is told in a sentence, without a traceback."""
    status = _run(command)
    return _run(_flush) or status


def _run(command: Callable[[], object]) -> int:
    status = FAILED
    try:
        command()
        status = 0
    except* BywayError as errors:
        for error in _leaves(errors):
            tell(error)
    except* BrokenPipeError:  # whoever reads has seen enough, as `head` does
        write_no_more()
    except* OSError as errors:
        for failed in _leaves(errors):
            tell(_of_the_system(failed))
    except* KeyboardInterrupt:
        status = INTERRUPTED
    except* Exception as errors:  # noqa: BLE001 - a person is told a sentence, whatever it is
        tell(_mistake(errors))
    return status


def tell(error: BywayError) -> None:
    """Write the error to standard error, and what to do about it."""
    next_step = error.next_step or NEXT_STEPS.get(error.code, "")  # peers may have codes that are newer
    with suppress(OSError):
        print(f"error   {error}  [{error.code}]", file=sys.stderr)
        if next_step:
            print(f"next    {next_step}", file=sys.stderr)


def write_no_more() -> None:
    """Give up standard output: what was not written is not tried again, neither now nor at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
        logger_factory=lambda *_: _Log(),
    )


class _Log:
    """Writes to standard error for as long as somebody reads it: a terminal that is gone stops no node."""

    def msg(self, line: str) -> None:
        with suppress(OSError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = msg


def _flush() -> None:
    print(end="", flush=True)


def _of_the_system(error: OSError) -> BywayError:
    """Files and links are told as errors of ours; what is left is mostly the output itself."""
    why = error.strerror or str(error)
    if error.filename is not None:
        return SetupError(f"{error.filename}: {why}", code="data-unreadable")
    write_no_more()
    return SetupError(f"the output cannot be written: {why}", code="data-unwritable")


def _mistake(errors: BaseExceptionGroup[Exception]) -> BywayError:
    """Ours.  The traceback goes to a file, for those who mend it."""
    sentence = f"this program made a mistake: {_leaves(errors)[0]!r}"
    try:
        with tempfile.NamedTemporaryFile("w", prefix="byway-", suffix=".txt", delete=False) as file:
            file.write("".join(traceback.format_exception(errors)))
    except OSError:
        return BywayError(sentence, code="internal-error")
    return BywayError(sentence, code="internal-error", next_step=f"report it with the file {file.name}")


def _leaves(group: BaseExceptionGroup[_E]) -> list[_E]:
    found: list[_E] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
