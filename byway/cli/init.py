"""`byway init`: makes the key and the settings file of a node; the authorities make theirs with the same code."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cyclopts import Parameter
from nacl.signing import SigningKey

from byway.errors import BywayError, SetupError
from byway.key_file import create_key, load_key
from byway.protocol.urn import node_urn
from byway.settings import NodeSettings, RouterSettings, load_toml, write_settings

_S = TypeVar("_S", bound=NodeSettings)

SETTINGS_FILE = Path("byway.toml")
KEY_FILE = "key"
PROGRAM = "byway"


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is set in a new settings file; the rest are defaults.

    Parameters
    ----------
    listen:
        The address to listen on, host:port.
    public_address:
        The address that others reach the node at, host:port, where it is not the one it listens on.
    data:
        The folder for the key and the journal.
    register_at:
        An addressing authority to register with, as urn:byway:node:KEY@HOST:PORT; may be given more than once.
    """

    listen: str | None = None
    public_address: str | None = None
    data: Path | None = None
    register_at: list[str] | None = None

    def settings(self) -> dict[str, object]:
        """The settings that were chosen, by their names."""
        chosen = {
            "listen": self.listen and [self.listen],
            "public_addresses": self.public_address and [self.public_address],
            "data": self.data and str(self.data.absolute()),
            "register_at": self.register_at,
        }
        return {name: value for name, value in chosen.items() if value}


DEFAULTS = Chosen()


def init(settings: Path = SETTINGS_FILE, *, chosen: Chosen = DEFAULTS) -> None:
    """Make a router: a commented settings file with every default, and a key.

    Parameters
    ----------
    settings:
        The settings file to make.
    chosen:
        What is set in it.
    """
    make_node(settings, RouterSettings, chosen, program=PROGRAM)
    tell_next(settings, program=PROGRAM)


def make_node(settings: Path, model: type[_S], chosen: Chosen, *, program: str) -> str:
    """Write the settings file of a node and make its key; returns its URN.  `program` is what runs such a node.

    A file and a key that are there stay as they are: nothing that a node needs is ever overwritten, and without a key
    nothing new is left behind.  Raises `SetupError`: `settings-exist` if there is a settings file and something else
    is asked for; and `StoreError`: `store-foreign` beside the store of another key.
    """
    given = chosen.settings()
    try:
        made, fresh = write_settings(settings, model, given), True
    except SetupError as error:
        if error.code == "bad-request":
            raise SetupError(str(error), code=error.code, next_step=f"{program} init --help") from None
        if error.code != "settings-exist" or given:
            raise
        made, fresh = load_toml(settings, model, made_by=made_by(program, settings)), False
    try:
        told = _make_key(made.data)
        seed = load_key(made.data / KEY_FILE, made_by=made_by(program, settings))
    except BywayError:
        if fresh:
            settings.unlink()
        raise
    print(f"{'made' if fresh else 'kept'}        {settings}")
    print(told)
    node = node_urn(bytes(SigningKey(seed).verify_key))
    print(f"node        {node}")
    return node


def tell_next(settings: Path, *, program: str) -> None:
    """Say how the node is run."""
    print(f"next        {run_command_of(program, settings)}")


def run_command_of(program: str, settings: Path) -> str:
    """The command that runs the node with these settings."""
    return f"{program} run {shlex.quote(str(settings))}"


def made_by(program: str, settings: Path) -> str:
    """The command that makes what is missing of the node with these settings."""
    return f"{program} init {shlex.quote(str(settings))}"


def refuse_foreign_store(data: Path) -> None:
    """Raise `store-foreign` if there is a store in the folder `data` and no key: a new key could never open it."""
    from byway.store.sqlite.store import foreign_store, holds_a_store

    if holds_a_store(data) and not (data / KEY_FILE).exists():
        raise foreign_store(f"the store in {data} belongs to a key that is not there any more", data)


def _make_key(data: Path) -> str:
    """Make the key if there is none; the line that tells it."""
    refuse_foreign_store(data)
    try:
        create_key(data / KEY_FILE, os.urandom)
    except FileExistsError:
        return f"kept        {data / KEY_FILE}"
    except OSError as error:
        folder = shlex.quote(str(data))
        raise SetupError(
            f"the key cannot be written to {data}: {error.strerror}",
            code="data-unwritable",
            next_step=f"df -h {folder}; ls -ld {folder}",
        ) from None
    return f"made        {data / KEY_FILE} (keep a copy in a safe place)"
