"""The commands of `byway-authority`, put together."""

from __future__ import annotations

import sys

from cyclopts import App

from authorities.cli import addressing, messaging
from byway import __version__
from byway.cli.report import run_command

app = App(
    name="byway-authority",
    help="Run an authority of the Intention Byway: one answers for names, the other for delivery.",
    version=__version__,
    result_action="return_value",
)
app.command(addressing.app)
app.command(messaging.app)


def main() -> None:
    """Entry point of the `byway-authority` script."""
    sys.exit(run_command(app))
