"""The commands of `intentron`, put together."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Final

from cyclopts import App, Group, Parameter

from byway import __version__
from byway.cli.mistyped import mistyped
from byway.cli.report import run_command
from intentron.cli import rule, stock
from intentron.cli.asked import casts, close
from intentron.cli.cast import cast
from intentron.cli.events import events
from intentron.cli.init import init
from intentron.cli.offered import accept, decline, offers
from intentron.cli.run import run
from intentron.cli.selling import answers, inbox, offer, subscribe, subscriptions, unsubscribe
from intentron.cli.status import status

app = App(
    name="intentron",
    help="Say what you want without handing yourself to a platform, or answer those who do.",
    version=__version__,
    result_action="return_value",
    default_parameter=Parameter(negative=()),
    error_formatter=partial(mistyped, "intentron"),
)
NODE, PERSON, SELLER = map(Group.create_ordered, ("Your intentron", "What you want", "What you sell"))
COMMANDS: Final[dict[Group, tuple[Callable[..., None], ...]]] = {
    NODE: (init, run, status, events),
    PERSON: (cast, casts, close, offers, accept, decline),
    SELLER: (subscribe, subscriptions, unsubscribe, inbox, offer, answers, rule.rules),
}
for group, commands in COMMANDS.items():
    for command in commands:
        app.command(command, group=group)
for inner in (stock.app, rule.app):
    inner.group = SELLER
    app.command(inner)


def main() -> None:
    """Entry point of the `intentron` script."""
    sys.exit(run_command(app))
