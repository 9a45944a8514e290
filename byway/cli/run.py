"""`byway run`: the router as a daemon."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cyclopts import Parameter

from byway.cli.init import KEY_FILE, PROGRAM, SETTINGS_FILE, made_by, refuse_foreign_store
from byway.cli.report import set_up_log, write_no_more
from byway.key_file import load_key
from byway.recovery import Decided
from byway.settings import NodeSettings, RouterSettings, load_toml

_S = TypeVar("_S", bound=NodeSettings)


@Parameter(name="*", negative=())
@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What only the operator can decide.  For one start: neither belongs into the file of a service.

    Parameters
    ----------
    begin_chain:
        Go on with a store that lacks what the node may have given receipts for, or whose last head is damaged, in a
        new chain of heads.
    believe_clock:
        Believe the clock of this computer, although it is far from the time that the node remembers.
    """

    begin_chain: bool = False
    believe_clock: bool = False

    def at(self, program: str, settings: Path) -> Decided:
        """The decisions for a node of `program` with these settings."""
        command = f"{program} run {shlex.quote(str(settings))}"
        return Decided(command, begin_chain=self.begin_chain, believe_clock=self.believe_clock)


NONE = Decisions()


def run(settings: Path = SETTINGS_FILE, *, decisions: Decisions = NONE) -> None:
    """Run the router until Ctrl-C, SIGTERM or SIGHUP.

    Parameters
    ----------
    settings:
        The settings file that `byway init` made.
    decisions:
        What only the operator can decide.
    """
    from byway.daemon import run_node
    from byway.router.policy import RouterPolicy

    chosen, seed = load_node(settings, RouterSettings, program=PROGRAM)
    decided = decisions.at(PROGRAM, settings)
    run_node(chosen, seed, lambda key, _clock: RouterPolicy(key), role="router", decided=decided, say=say)


def load_node(settings: Path, model: type[_S], *, program: str) -> tuple[_S, bytes]:
    """The settings of a node and its key, 32 secret bytes; the log is set up as they say.

    `program` is what runs such a node.  Raises `SetupError`, and `StoreError` (`store-foreign`) if a store is there
    and its key is not.
    """
    chosen = load_toml(settings, model, made_by=made_by(program, settings))
    set_up_log(chosen.log)
    refuse_foreign_store(chosen.data)
    return chosen, load_key(chosen.data / KEY_FILE, made_by=made_by(program, settings))


def say(line: str) -> None:
    """One line for the operator, at once.  One who has gone away does not stop the node."""
    try:
        print(line, flush=True)
    except OSError:
        write_no_more()
