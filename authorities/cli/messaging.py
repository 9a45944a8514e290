"""`byway-authority messaging`: keeps mailboxes for people and sellers who are away."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from byway.cli.init import DEFAULTS, Chosen, make_node, tell_next
from byway.cli.run import NONE, Decisions, load_node, say

SETTINGS_FILE = Path("messaging.toml")
PROGRAM = "byway-authority messaging"

app = App(name="messaging", help="The messaging authority: keeps mailboxes for people and sellers who are away.")


@app.command
def init(settings: Path = SETTINGS_FILE, *, chosen: Chosen = DEFAULTS) -> None:
    """Make a messaging authority: a commented settings file with every default, and a key.

    Parameters
    ----------
    settings:
        The settings file to make.
    chosen:
        What is set in it.
    """
    from authorities.settings import MessagingSettings

    make_node(settings, MessagingSettings, chosen, program=PROGRAM)
    tell_next(settings, program=PROGRAM)


@app.command
def run(settings: Path = SETTINGS_FILE, *, decisions: Decisions = NONE) -> None:
    """Run the authority until Ctrl-C, SIGTERM or SIGHUP.

    Parameters
    ----------
    settings:
        The settings file that `init` made.
    decisions:
        What only the operator can decide.
    """
    from authorities.messaging.authority import MessagingPolicy
    from authorities.settings import MessagingSettings
    from byway.daemon import run_node

    chosen, seed = load_node(settings, MessagingSettings, program=PROGRAM)
    run_node(chosen, seed, MessagingPolicy, role="messaging", decided=decisions.at(PROGRAM, settings), say=say)
