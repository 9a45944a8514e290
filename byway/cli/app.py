"""The commands of `byway`, put together."""

from __future__ import annotations

import sys
from functools import partial

from cyclopts import App, Parameter

from byway import __version__
from byway.cli.init import PROGRAM, init
from byway.cli.mistyped import mistyped
from byway.cli.publish import publish
from byway.cli.report import run_command
from byway.cli.run import run

app = App(
    name=PROGRAM,
    help="Run a router of the Intention Byway: it keeps intentcasts and hands them to the sellers that subscribe.",
    version=__version__,
    result_action="return_value",
    default_parameter=Parameter(negative=()),
    error_formatter=partial(mistyped, PROGRAM),
)
app.command(init)
app.command(run)
app.command(publish)


def main() -> None:
    """Entry point of the `byway` script."""
    sys.exit(run_command(app))
