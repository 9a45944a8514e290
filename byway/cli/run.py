"""`byway run`: the router as a daemon."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from byway.cli.init import KEY_FILE, SETTINGS_FILE
from byway.cli.report import set_up_log
from byway.key_file import load_key
from byway.settings import NodeSettings, RouterSettings, load_toml

_S = TypeVar("_S", bound=NodeSettings)


def run(settings: Path = SETTINGS_FILE) -> None:
    """Run the router until Ctrl-C or SIGTERM.

    Parameters
    ----------
    settings:
        The settings file that `byway init` made.
    """
    from byway.daemon import run_node
    from byway.router.policy import RouterPolicy

    chosen, seed = load_node(settings, RouterSettings, made_by=f"byway init {shlex.quote(str(settings))}")
    run_node(chosen, seed, RouterPolicy, role="router", say=say)


def load_node(settings: Path, model: type[_S], *, made_by: str) -> tuple[_S, bytes]:
    """The settings of a node and its key, 32 secret bytes; the log is set up as they say.

    `made_by` is the command that makes what is missing.  Raises `SetupError`.
    """
    chosen = load_toml(settings, model, made_by=made_by)
    set_up_log(chosen.log)
    return chosen, load_key(chosen.data / KEY_FILE, made_by=made_by)


def say(line: str) -> None:
    """One line for the operator, at once.  One who has gone away does not stop the node."""
    with suppress(OSError):
        print(line, flush=True)
