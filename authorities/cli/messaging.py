"""`byway-authority messaging`: keeps mailboxes for people and sellers who are away."""

from __future__ import annotations

import shlex
from pathlib import Path

from cyclopts import App

from byway.cli.init import make_node
from byway.cli.run import load_node, say

SETTINGS_FILE = Path("messaging.toml")

app = App(name="messaging", help="The messaging authority: keeps mailboxes for people and sellers who are away.")


def made_by(settings: Path) -> str:
    """The command that makes what is missing."""
    return f"byway-authority messaging init {shlex.quote(str(settings))}"


@app.command
def init(
    settings: Path = SETTINGS_FILE,
    *,
    listen: str | None = None,
    data: Path | None = None,
    register_at: list[str] | None = None,
) -> None:
    """Make a messaging authority: a commented settings file with every default, and a key.

    Parameters
    ----------
    settings:
        The settings file to make.
    listen:
        The address to listen on, host:port.
    data:
        The folder for the key and the journal.
    register_at:
        An addressing authority to register with, as urn:byway:node:KEY@HOST:PORT; may be given more than once.
    """
    from authorities.settings import MessagingSettings

    make_node(settings, MessagingSettings, listen=listen, data=data, register_at=register_at)
    print(f"next        byway-authority messaging run {settings}")


@app.command
def run(settings: Path = SETTINGS_FILE) -> None:
    """Run the authority until Ctrl-C or SIGTERM.

    Parameters
    ----------
    settings:
        The settings file that `init` made.
    """
    from authorities.messaging.authority import MessagingPolicy
    from authorities.settings import MessagingSettings
    from byway.clock import now_ms
    from byway.daemon import run_node

    chosen, seed = load_node(settings, MessagingSettings, made_by=made_by(settings))
    run_node(chosen, seed, lambda key: MessagingPolicy(key, now_ms), role="messaging", say=say)
