"""The commands of `byway-authority`, put together."""

from __future__ import annotations

import sys
from functools import partial

from cyclopts import App, Parameter

from authorities.cli import addressing, messaging
from byway import __version__
from byway.cli.mistyped import mistyped
from byway.cli.report import run_command

PROGRAM = "byway-authority"

app = App(
    name=PROGRAM,
    help="Run an authority of the Intention Byway: one answers for names, the other for delivery.",
    version=__version__,
    result_action="return_value",
    default_parameter=Parameter(negative=()),
    error_formatter=partial(mistyped, PROGRAM),
)
app.command(addressing.app)
app.command(messaging.app)


def main() -> None:
    """Entry point of the `byway-authority` script."""
    sys.exit(run_command(app))
