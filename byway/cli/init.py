"""`byway init`: makes the key and the settings file of a router."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from nacl.signing import SigningKey

from byway.errors import SetupError
from byway.key_file import create_key, load_key
from byway.protocol.urn import node_urn
from byway.settings import NodeSettings, RouterSettings, load_toml, write_settings

_S = TypeVar("_S", bound=NodeSettings)

SETTINGS_FILE = Path("byway.toml")
KEY_FILE = "key"


def init(
    settings: Path = SETTINGS_FILE,
    *,
    listen: str | None = None,
    data: Path | None = None,
    register_at: list[str] | None = None,
) -> None:
    """Make a router: a commented settings file with every default, and a key.

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
    make_node(settings, RouterSettings, listen=listen, data=data, register_at=register_at)
    print(f"next        byway run {settings}")


def make_node(
    settings: Path,
    model: type[_S],
    *,
    listen: str | None,
    data: Path | None,
    register_at: list[str] | None = None,
) -> _S:
    """Write the settings file of a node and make its key.

    A file and a key that are there stay as they are: nothing that a node needs is ever overwritten.  Raises
    `SetupError`: `settings-exist` if there is a settings file and something else is asked for.
    """
    asked = {"listen": listen and [listen], "data": data and str(data.absolute()), "register_at": register_at}
    given = {name: value for name, value in asked.items() if value}
    try:
        made = write_settings(settings, model, given)
    except SetupError as error:
        if error.code != "settings-exist" or given:
            raise
        made = load_toml(settings, model)
        print(f"kept        {settings}")
    else:
        print(f"made        {settings}")
    try:
        create_key(made.data / KEY_FILE, os.urandom)
    except FileExistsError:
        print(f"kept        {made.data / KEY_FILE}")
    except OSError as error:
        raise SetupError(
            f"the key cannot be written to {made.data}: {error.strerror}", next_step=f"ls -ld {made.data}"
        ) from None
    else:
        print(f"made        {made.data / KEY_FILE} (keep a copy in a safe place)")
    print(f"node        {node_of(made)}")
    return made


def node_of(settings: NodeSettings) -> str:
    """The URN of the node that these settings are for."""
    return node_urn(bytes(SigningKey(load_key(settings.data / KEY_FILE)).verify_key))
