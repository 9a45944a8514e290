"""The home folder of one intentron: made for its owner alone, or one's own already, and never somebody else's."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path
from typing import Final

from byway.errors import SetupError
from intentron.keys import KEY_FILE
from intentron.settings import SETTINGS_FILE
from intentron.vault.vault import VAULT_FILE

FREE_NAME: Final = "intentron"

_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def is_home(folder: Path) -> bool:
    """Whether there is anything of an intentron in the folder: its settings, its key or its vault."""
    return any((folder / name).exists() for name in (SETTINGS_FILE, KEY_FILE, VAULT_FILE))


def make_home(folder: Path) -> None:
    """Make the folder, for its owner alone, if it is missing.  One that is there stays as it is.

    Raises `SetupError`: `bad-request` if there is something else in it, `data-unwritable` if it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_home(folder) and any(folder.iterdir()):
            raise SetupError(
                f"the folder {folder} is not empty, and no intentron lives there",
                code="bad-request",
                next_step=f"name a folder of its own: intentron init --home {shlex.quote(str(_free(folder)))}",
            )
    except OSError as error:
        raise SetupError(
            f"the folder {folder} cannot be made ready: {error.strerror}",
            code="data-unwritable",
            next_step=f"ls -ld {shlex.quote(str(folder.parent))}",
        ) from None


def how_to_close(home: Path) -> str | None:
    """The command that closes a home which others on this computer can enter; None if they cannot."""
    mode = stat.S_IMODE(home.stat().st_mode)
    return f"chmod {mode & ~_FOR_OTHERS:o} {shlex.quote(str(home))}" if mode & _FOR_OTHERS else None


def _free(folder: Path) -> Path:
    """A folder that does not exist yet, inside of `folder`."""
    names = (FREE_NAME, *(f"{FREE_NAME}-{number}" for number in range(2, 1000)))
    return next((folder / name for name in names if not (folder / name).exists()), folder / FREE_NAME)
