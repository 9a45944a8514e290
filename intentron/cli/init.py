"""`intentron init`: makes the home of an intentron.  Nothing leaves this computer."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byway.errors import SetupError, StoreError
from intentron.cli.options import Place

if TYPE_CHECKING:
    from intentron.settings import IntentronSettings

HERE = Place()


def init(
    *,
    authority: list[str] | None = None,
    router: str | None = None,
    messaging: str | None = None,
    petname: list[str] | None = None,
    place: Place = HERE,
) -> None:
    """Make an intentron: a folder for you alone, with settings, a key and an empty vault.  What is there is kept.

    Parameters
    ----------
    authority:
        An addressing authority to ask for topics, as urn:byway:node:KEY@HOST:PORT; may be given more than once.
    router:
        The router for topics under open, as urn:byway:node:KEY@HOST:PORT.
    messaging:
        The messaging authority that keeps your mailboxes, as urn:byway:node:KEY@HOST:PORT.
    petname:
        A name of your own for a topic or a seller, as condos=urn:byway:topic:open:homes:boston:condo or
        ruth=urn:byway:node:KEY; may be given more than once.
    place:
        Where the intentron lives.
    """
    from intentron.api.listening import socket_path
    from intentron.home import make_home
    from intentron.settings import SETTINGS_FILE

    home = place.folder
    socket_path(home)
    given = {
        "authorities": authority,
        "router": router,
        "messaging": messaging,
        "petnames": dict(map(_petname, petname or [])),
    }
    make_home(home)
    tell_if_open(home)
    _check_key(home)
    fresh = not (home / SETTINGS_FILE).exists()
    settings = _settings(home, {name: value for name, value in given.items() if value})
    print(f"{'made' if fresh else 'kept'}        {home / SETTINGS_FILE}")
    _make_key(home)
    _make_vault(home)
    if not (settings.authorities or settings.router):
        print("reach       nobody yet: the settings name no router and no addressing authority")
    print("sent        nothing")
    print(f"next        {place.command('run')}")


def tell_if_open(home: Path) -> None:
    """Say so if others on this computer can enter the folder: it is not ours to close."""
    from intentron.home import how_to_close

    if command := how_to_close(home):
        print(f"open        {home} can be entered by others on this computer")
        print(f"            to close it: {command}")


def _check_key(home: Path) -> None:
    """Raise before anything is made where the key that is there is none, or a vault's is not there any more."""
    from intentron.keys import KEY_FILE, load_keys
    from intentron.vault import holds_a_vault, keep_or_part

    if (home / KEY_FILE).exists():
        load_keys(home)
    elif holds_a_vault(home):
        raise StoreError(
            f"the vault in {home} belongs to a key that is not there any more",
            code="store-foreign",
            next_step=keep_or_part(home),
        )


def _settings(home: Path, asked: dict[str, Any]) -> IntentronSettings:
    """The settings, made with what is asked for; or those that are there, if they are so already."""
    from byway.settings import write_settings
    from intentron.settings import SETTINGS_FILE, IntentronSettings, load_settings

    try:
        return write_settings(home / SETTINGS_FILE, IntentronSettings, asked)
    except SetupError as error:
        if error.code == "bad-request":
            raise SetupError(str(error), code=error.code, next_step="intentron init --help") from None
        if error.code != "settings-exist":
            raise
        kept = load_settings(home)
        differing = [name for name in asked if not _holds(kept, IntentronSettings.model_validate(asked), name)]
        if differing:
            others = " and ".join(differing)
            raise SetupError(
                f"{home / SETTINGS_FILE} is there already, with another value of {others}; it stays as it is",
                code=error.code,
                next_step=error.next_step,
            ) from None
        return kept


def _holds(kept: IntentronSettings, asked: IntentronSettings, name: str) -> bool:
    """Whether a setting is as it is asked for; there may be petnames beside those asked for."""
    if name == "petnames":
        return asked.petnames.items() <= kept.petnames.items()
    return bool(getattr(kept, name) == getattr(asked, name))


def _make_key(home: Path) -> None:
    from intentron.keys import KEY_FILE, create_keys

    try:
        create_keys(home, os.urandom)
        print(f"made        {home / KEY_FILE} (keep a copy in a safe place)")
    except FileExistsError:
        print(f"kept        {home / KEY_FILE}")
    except OSError as error:
        raise SetupError(
            f"the key cannot be written: {error.strerror}",
            code="data-unwritable",
            next_step=f"ls -ld {shlex.quote(str(home))}",
        ) from None


def _make_vault(home: Path) -> None:
    """The vault, for the key that is there; one that an intentron has open belongs to what that began with."""
    from intentron.keys import load_keys
    from intentron.vault import holds_a_vault, open_vault
    from intentron.vault.vault import VAULT_FILE

    fresh = not holds_a_vault(home)
    try:
        with open_vault(home) as vault:
            vault.belong_to(load_keys(home))
    except StoreError as error:
        if error.code != "store-locked":
            raise
    print(f"{'made' if fresh else 'kept'}        {home / VAULT_FILE}")


def _petname(text: str) -> tuple[str, str]:
    label, equals, urn = text.partition("=")
    if not equals:
        raise SetupError(
            f"{text!r} is not a petname: it lacks what it stands for",
            code="bad-request",
            next_step=f"write it as --petname {text}=urn:byway:topic:open:homes:boston:condo",
        )
    return label, urn
