"""`intentron init`: makes the home of an intentron.  Nothing leaves this computer."""

from __future__ import annotations

import os
import shlex

from byway.errors import SetupError
from intentron.cli.options import Place

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
    from byway.settings import write_settings
    from intentron.api.listening import make_private, socket_path
    from intentron.keys import KEY_FILE, create_keys
    from intentron.settings import SETTINGS_FILE, IntentronSettings, load_settings
    from intentron.vault import open_vault
    from intentron.vault.vault import VAULT_FILE

    home = place.folder
    socket_path(home)
    given = {
        "authorities": authority,
        "router": router,
        "messaging": messaging,
        "petnames": dict(map(_petname, petname or [])),
    }
    if make_private(home):
        print(f"closed      {home} (others on this computer could enter it)")
    asked = {name: value for name, value in given.items() if value}
    try:
        settings = write_settings(home / SETTINGS_FILE, IntentronSettings, asked)
        print(f"made        {home / SETTINGS_FILE}")
    except SetupError as error:
        if error.code == "bad-request":
            raise SetupError(str(error), code=error.code, next_step="intentron init --help") from None
        if error.code != "settings-exist" or asked:
            raise
        settings = load_settings(home)
        print(f"kept        {home / SETTINGS_FILE}")
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
    if (home / VAULT_FILE).exists():
        print(f"kept        {home / VAULT_FILE}")
    else:
        open_vault(home).close()
        print(f"made        {home / VAULT_FILE}")
    if not (settings.authorities or settings.router):
        print("reach       nobody yet: the settings name no router and no addressing authority")
    print("sent        nothing")
    print(f"next        {place.command('run')}")


def _petname(text: str) -> tuple[str, str]:
    label, equals, urn = text.partition("=")
    if not equals:
        raise SetupError(
            f"{text!r} is not a petname: it lacks what it stands for",
            code="bad-request",
            next_step=f"write it as --petname {text}=urn:byway:topic:open:homes:boston:condo",
        )
    return label, urn
